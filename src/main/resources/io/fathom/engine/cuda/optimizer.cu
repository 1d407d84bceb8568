// Global norm, clipping and AdamW over the flat parameter vector, padding included: the gradient of padding is zero.

// What the host gives with each update, and what comes back.
struct Update {
    float learningRate, beta1, beta2, epsilon, weightDecay, clipNorm, gradientScale;
    float fresh1, fresh2;           // 1 - beta, which single precision would round to something else: 0.999f is not 0.999
    float correction1, correction2; // 1 - beta^step
    float norm, factor;             // out: norm before clipping; what the gradient is multiplied with
    int finite;                     // out: 0 leaves everything as it was
    float *first, *second;          // moments; the host changes them when it attaches another worker's
};

extern "C" __global__ __launch_bounds__(256) void square_sums(const float* gradient, i64 n, double* partial) {
    AWAIT_PREDECESSOR
    __shared__ double room[8];
    double sum = 0;
    for (i64 at = ((i64)blockIdx.x * 256 + threadIdx.x) * 4; at < n; at += (i64)gridDim.x * 1024) {
        float g[4];
        load<4>(gradient + at, g);
        sum += (double)(g[0] * g[0] + g[1] * g[1]) + (double)(g[2] * g[2] + g[3] * g[3]);
    }
    for (int o = 16; o > 0; o >>= 1) sum += __shfl_xor_sync(FULL, sum, o);
    if ((threadIdx.x & 31) == 0) room[threadIdx.x >> 5] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int w = 1; w < 8; w++) sum += room[w];
        partial[blockIdx.x] = sum;
    }
}

// One warp.
extern "C" __global__ void clip(const double* partial, int count, Update* update) {
    AWAIT_PREDECESSOR
    double sum = 0;
    for (int i = threadIdx.x; i < count; i += 32) sum += partial[i];
    for (int o = 16; o > 0; o >>= 1) sum += __shfl_xor_sync(FULL, sum, o);
    if (threadIdx.x == 0) {
        float norm = (float)sqrt(sum) * update->gradientScale;
        update->norm = norm;
        update->finite = isfinite(norm) ? 1 : 0;
        update->factor = update->gradientScale * fminf(1.f, update->clipNorm / (norm + 1e-6f));
    }
}

// decays[i] says whether floats 32 i ... 32 i + 31 belong to a tensor of rank 2 or more. shadow: the parameters as
// bfloat16 for matrix products; null where they are computed in float.
extern "C" __global__ __launch_bounds__(256) void adamw(float* parameters, const float* gradient, u16* shadow,
                                                        const unsigned char* decays, const Update* update, i64 n) {
    AWAIT_PREDECESSOR
    Update u = *update;
    if (!u.finite) return;
    float step = u.learningRate / u.correction1, root = rsqrtf(u.correction2);
    for (i64 at = ((i64)blockIdx.x * 256 + threadIdx.x) * 4; at < n; at += (i64)gridDim.x * 1024) {
        float p[4], g[4], m[4], v[4];
        load<4>(gradient + at, g);
        load<4>(parameters + at, p);
        load<4>(u.first + at, m);
        load<4>(u.second + at, v);
        float keep = decays[at / 32] ? 1.f - u.learningRate * u.weightDecay : 1.f;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            float x = g[j] * u.factor;
            m[j] = u.beta1 * m[j] + u.fresh1 * x;
            v[j] = u.beta2 * v[j] + u.fresh2 * x * x;
            p[j] = p[j] * keep - step * m[j] / (sqrtf(v[j]) * root + u.epsilon);
        }
        store<4>(parameters + at, p);
        store<4>(u.first + at, m);
        store<4>(u.second + at, v);
#if REAL_BF16
        store<4>(shadow + at, p);
#endif
    }
}

// The bfloat16 copies of parameters that the host wrote.
extern "C" __global__ void shadow_of(const float* parameters, real* shadow, i64 n) {
    AWAIT_PREDECESSOR
    for (i64 at = ((i64)blockIdx.x * blockDim.x + threadIdx.x) * 4; at < n; at += (i64)gridDim.x * blockDim.x * 4) {
        float p[4];
        load<4>(parameters + at, p);
        store<4>(shadow + at, p);
    }
}
