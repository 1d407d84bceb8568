// Losses: cross-entropy over the vocabulary, in place where it makes the gradient, and binary cross-entropy.

// log of the sum of exp over a row spread over `threads` threads that step by V elements; the row's maximum and sum are
// found in one pass.
template <int V> __device__ __forceinline__ void row_statistics(const real* row, int columns, int first, int step,
                                                                float& top, float& sum) {
    top = -INF;
    sum = 0.f;
    int whole = columns / V * V;
    for (int c = first * V; c < whole; c += step * V) {
        float x[V], high = top;
        load<V>(row + c, x);
#pragma unroll
        for (int j = 0; j < V; j++) high = fmaxf(high, x[j]);
        float more = 0.f;
#pragma unroll
        for (int j = 0; j < V; j++) more += __expf(x[j] - high);
        sum = sum * __expf(top - high) + more;
        top = high;
    }
    for (int c = whole + first; c < columns; c += step) {
        float x = widen(row[c]), high = fmaxf(top, x);
        sum = sum * __expf(top - high) + __expf(x - high);
        top = high;
    }
}

template <int V> __device__ __forceinline__ void row_gradient(const real* in, real* out, int columns, int first,
                                                              int step, int target, float lse, float scale) {
    int whole = columns / V * V;
    for (int c = first * V; c < whole; c += step * V) {
        float x[V];
        load<V>(in + c, x);
#pragma unroll
        for (int j = 0; j < V; j++) x[j] = scale * (__expf(x[j] - lse) - (c + j == target ? 1.f : 0.f));
        store<V>(out + c, x);
    }
    for (int c = whole + first; c < columns; c += step) {
        out[c] = narrow<real>(scale * (__expf(widen(in[c]) - lse) - (c == target ? 1.f : 0.f)));
    }
}

// One block a row. losses[row] = logSumExp - logit of the target; logSumExp and gradient are made where asked for.
// gradient may be logits: the row is then replaced, after all of it has been read.
template <int V> __device__ __forceinline__ void cross_entropy(const real* logits, const int* targets, float* losses,
                                                               float* logSumExp, real* gradient, float scale,
                                                               int columns, int stride) {
    __shared__ float room[32];
    int row = blockIdx.x;
    const real* in = logits + (i64)row * stride;
    float top, sum;
    row_statistics<V>(in, columns, threadIdx.x, blockDim.x, top, sum);
    float high = block_max(top, room);
    float lse = high + logf(block_sum(top == -INF ? 0.f : sum * __expf(top - high), room));
    int target = targets[row];
    if (threadIdx.x == 0) {
        losses[row] = lse - widen(in[target]);
        if (logSumExp) logSumExp[row] = lse;
    }
    if (gradient) {
        __syncthreads();
        row_gradient<V>(in, gradient + (i64)row * stride, columns, threadIdx.x, blockDim.x, target, lse, scale);
    }
}

extern "C" __global__ void cross_entropy_wide(const real* logits, const int* targets, float* losses, float* logSumExp,
                                              real* gradient, float scale, int columns, int stride) {
    AWAIT_PREDECESSOR
    cross_entropy<8>(logits, targets, losses, logSumExp, gradient, scale, columns, stride);
}

extern "C" __global__ void cross_entropy_any(const real* logits, const int* targets, float* losses, float* logSumExp,
                                             real* gradient, float scale, int columns, int stride) {
    AWAIT_PREDECESSOR
    cross_entropy<1>(logits, targets, losses, logSumExp, gradient, scale, columns, stride);
}

// dLogits = scale * (softmax(logits) - onehot(target)) from a kept logSumExp.
extern "C" __global__ void cross_entropy_grad(const real* logits, const int* targets, const float* logSumExp,
                                              real* dLogits, float scale, int columns) {
    AWAIT_PREDECESSOR
    int row = blockIdx.x;
    i64 at = (i64)row * columns;
    row_gradient<1>(logits + at, dLogits + at, columns, threadIdx.x, blockDim.x, targets[row], logSumExp[row], scale);
}

// One block: out = mean of in[0 .. n).
extern "C" __global__ void mean(const float* in, int n, float* out) {
    AWAIT_PREDECESSOR
    __shared__ float room[32];
    float sum = 0.f;
    for (int i = threadIdx.x; i < n; i += blockDim.x) sum += in[i];
    sum = block_sum(sum, room);
    if (threadIdx.x == 0) *out = sum / n;
}

__device__ __forceinline__ float softplus(float z) { return fmaxf(z, 0.f) + log1pf(expf(-fabsf(z))); }

template <typename T> __device__ __forceinline__ void binary_cross_entropy(const T* z, const float* mask, float* loss,
                                                                           int n) {
    __shared__ float room[32];
    float sum = 0.f;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        float x = widen(z[i]);
        sum += softplus(x) - mask[i] * x;
    }
    sum = block_sum(sum, room);
    if (threadIdx.x == 0) *loss = sum / n;
}

template <typename T> __device__ __forceinline__ void binary_cross_entropy_grad(const T* z, const float* mask,
                                                                                const T* addend, T* dz, float scale,
                                                                                int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float d = scale * (1.f / (1.f + expf(-widen(z[i]))) - mask[i]);
    dz[i] = narrow<T>(addend ? widen(addend[i]) + d : d);
}

extern "C" __global__ void bce_float(const float* z, const float* mask, float* loss, int n) {
    AWAIT_PREDECESSOR
    binary_cross_entropy(z, mask, loss, n);
}

extern "C" __global__ void bce_real(const real* z, const float* mask, float* loss, int n) {
    AWAIT_PREDECESSOR
    binary_cross_entropy(z, mask, loss, n);
}

extern "C" __global__ void bce_grad_float(const float* z, const float* mask, const float* addend, float* dz, float scale,
                                          int n) {
    AWAIT_PREDECESSOR
    binary_cross_entropy_grad(z, mask, addend, dz, scale, n);
}

extern "C" __global__ void bce_grad_real(const real* z, const float* mask, const real* addend, real* dz, float scale,
                                         int n) {
    AWAIT_PREDECESSOR
    binary_cross_entropy_grad(z, mask, addend, dz, scale, n);
}

extern "C" __global__ void mean_square(const float* z, float* loss, int n) {
    AWAIT_PREDECESSOR
    __shared__ float room[32];
    float sum = 0.f;
    for (int i = threadIdx.x; i < n; i += blockDim.x) sum += z[i] * z[i];
    sum = block_sum(sum, room);
    if (threadIdx.x == 0) *loss = sum / n;
}

extern "C" __global__ void mean_square_grad(const float* z, const float* addend, float* dz, float scale, int n) {
    AWAIT_PREDECESSOR
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) dz[i] = (addend ? addend[i] : 0.f) + scale * z[i];
}

// Share of scores above zero, counted exactly by each block for itself.
__device__ __forceinline__ float positive_share(const float* scores, int n, float* room) {
    int count = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) count += scores[i] > 0.f;
    return block_sum((float)count, room) / n;
}

// loss = f P / c + (1 - f) (1 - P) / (1 - c); without its second term where c = 1.
extern "C" __global__ void balance_loss(const float* scores, float* loss, float capacity, int n) {
    AWAIT_PREDECESSOR
    __shared__ float room[32];
    float f = positive_share(scores, n, room), sum = 0.f;
    for (int i = threadIdx.x; i < n; i += blockDim.x) sum += 1.f / (1.f + expf(-scores[i]));
    float p = block_sum(sum, room) / n;
    if (threadIdx.x == 0) {
        *loss = f * p / capacity + (capacity == 1.f ? 0.f : (1.f - f) * (1.f - p) / (1.f - capacity));
    }
}

extern "C" __global__ void balance_loss_grad(const float* scores, const float* addend, float* dScores, float capacity,
                                             float scale, int n) {
    AWAIT_PREDECESSOR
    __shared__ float room[32];
    float f = positive_share(scores, n, room);
    float slope = f / capacity - (capacity == 1.f ? 0.f : (1.f - f) / (1.f - capacity));
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float s = 1.f / (1.f + expf(-scores[i]));
    dScores[i] = (addend ? addend[i] : 0.f) + scale * slope * s * (1.f - s);
}

struct Terms {
    const float* term[64];
    float weight[64];
    int count;
};

extern "C" __global__ void weighted_sum(const Terms terms, float* total) {
    AWAIT_PREDECESSOR
    float sum = 0.f;
    for (int i = 0; i < terms.count; i++) sum += terms.weight[i] * *terms.term[i];
    *total = sum;
}
