// Causal attention for any head width and element type, without an n x n matrix: one warp a query (or key), 32 keys
// (or queries) at a time, a lane each, in float. Tensor cores take over in attention_mma.cu where they can.
//
// A row of qkv is q, k, v, each head by head; blockIdx.y is sequence * heads + head.

#define TILE 32
#define WARPS 8
#define STRIDE (HEAD_WIDTH + 1)
#define LANE_DIMS ((HEAD_WIDTH + 31) / 32)
#define SCALE (1.f / sqrtf((float)HEAD_WIDTH))

// TILE rows of one head, from `first`, to shared memory as floats; rows at or past n become zero.
__device__ __forceinline__ void load_tile(const real* p, i64 stride, int first, int n, float* tile) {
    for (int i = threadIdx.x; i < TILE * HEAD_WIDTH; i += WARPS * 32) {
        int r = i / HEAD_WIDTH, c = i % HEAD_WIDTH;
        tile[r * STRIDE + c] = first + r < n ? widen(p[(i64)(first + r) * stride + c]) : 0.f;
    }
}

// One row of one head to this warp's place in shared memory.
__device__ __forceinline__ void load_one(const real* p, i64 stride, int row, int n, float* to) {
    for (int c = threadIdx.x & 31; c < HEAD_WIDTH; c += 32) to[c] = row < n ? widen(p[(i64)row * stride + c]) : 0.f;
}

__device__ __forceinline__ float dot(const float* a, const float* b) {
    float sum = 0.f;
#pragma unroll 8
    for (int c = 0; c < HEAD_WIDTH; c++) sum += a[c] * b[c];
    return sum;
}

// to += sum over lanes l of factor_l * tile[l].
__device__ __forceinline__ void add_weighted(float (&to)[LANE_DIMS], float factor, const float* tile) {
    int lane = threadIdx.x & 31;
#pragma unroll 8
    for (int r = 0; r < TILE; r++) {
        float f = __shfl_sync(FULL, factor, r);
#pragma unroll
        for (int i = 0; i < LANE_DIMS; i++) {
            if (i * 32 + lane < HEAD_WIDTH) to[i] += f * tile[r * STRIDE + i * 32 + lane];
        }
    }
}

__device__ __forceinline__ void store_one(real* p, i64 stride, int row, const float (&from)[LANE_DIMS], float factor) {
    int lane = threadIdx.x & 31;
#pragma unroll
    for (int i = 0; i < LANE_DIMS; i++) {
        if (i * 32 + lane < HEAD_WIDTH) p[(i64)row * stride + i * 32 + lane] = narrow<real>(from[i] * factor);
    }
}

extern "C" __global__ __launch_bounds__(256) void attention_any(const real* qkv, real* y, float* logSumExp, int n,
                                                                int heads) {
    AWAIT_PREDECESSOR
    extern __shared__ float memory[];
    float *k = memory, *v = k + TILE * STRIDE, *mine = v + TILE * STRIDE + (threadIdx.x >> 5) * STRIDE;
    int width = heads * HEAD_WIDTH, lane = threadIdx.x & 31;
    i64 stride = 3 * width;
    const real* base = qkv + (i64)(blockIdx.y / heads) * n * stride + blockIdx.y % heads * HEAD_WIDTH;
    int first = blockIdx.x * WARPS, query = first + (threadIdx.x >> 5);
    load_one(base, stride, query, n, mine);
    float top = -INF, sum = 0.f, out[LANE_DIMS] = {};
    for (int start = 0; start < min(n, first + WARPS); start += TILE) {
        __syncthreads();
        load_tile(base + width, stride, start, n, k);
        load_tile(base + 2 * width, stride, start, n, v);
        __syncthreads();
        if (start > query) continue;
        float s = start + lane <= query ? dot(mine, k + lane * STRIDE) * SCALE : -INF;
        float high = fmaxf(top, warp_max(s)), shrink = expf(top - high);
        float p = expf(s - high);
        sum = sum * shrink + warp_sum(p);
        top = high;
#pragma unroll
        for (int i = 0; i < LANE_DIMS; i++) out[i] *= shrink;
        add_weighted(out, p, v);
    }
    if (query >= n) return;
    store_one(y + (i64)(blockIdx.y / heads) * n * width + blockIdx.y % heads * HEAD_WIDTH, width, query, out, 1.f / sum);
    if (lane == 0) logSumExp[(i64)blockIdx.y * n + query] = top + logf(sum);
}

// delta[sequence * heads + head][t] = y . dy by head: the softmax gradient's row sums. One warp a row.
extern "C" __global__ void attention_delta(const real* y, const real* dy, float* delta, int rows, int n, int heads) {
    AWAIT_PREDECESSOR
    int row = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5), lane = threadIdx.x & 31;
    if (row >= rows) return;
    i64 at = (i64)row * heads * HEAD_WIDTH;
#if HEAD_WIDTH % 8 == 0 && HEAD_WIDTH <= 256 && (HEAD_WIDTH & (HEAD_WIDTH - 1)) == 0
    // HEAD_WIDTH / 8 lanes share a head.
    constexpr int lanes = HEAD_WIDTH / 8;
    for (int c = lane * 8; c < (heads * HEAD_WIDTH + 255) / 256 * 256; c += 256) {
        float a[8], b[8], sum = 0.f;
        if (c < heads * HEAD_WIDTH) {
            load<8>(y + at + c, a);
            load<8>(dy + at + c, b);
#pragma unroll
            for (int j = 0; j < 8; j++) sum += a[j] * b[j];
        }
#pragma unroll
        for (int o = lanes / 2; o > 0; o >>= 1) sum += __shfl_xor_sync(FULL, sum, o);
        if (lane % lanes == 0 && c < heads * HEAD_WIDTH) {
            delta[((i64)(row / n) * heads + c / HEAD_WIDTH) * n + row % n] = sum;
        }
    }
#else
    for (int h = 0; h < heads; h++) {
        float sum = 0.f;
        for (int c = lane; c < HEAD_WIDTH; c += 32) {
            sum += widen(y[at + h * HEAD_WIDTH + c]) * widen(dy[at + h * HEAD_WIDTH + c]);
        }
        sum = warp_sum(sum);
        if (lane == 0) delta[((i64)(row / n) * heads + h) * n + row % n] = sum;
    }
#endif
}

// dq: one warp a query, over the keys up to it.
extern "C" __global__ __launch_bounds__(256) void attention_dq_any(const real* qkv, const real* dy,
                                                                   const float* logSumExp, const float* delta,
                                                                   real* dqkv, int n, int heads) {
    AWAIT_PREDECESSOR
    extern __shared__ float memory[];
    float *k = memory, *v = k + TILE * STRIDE, *q = v + TILE * STRIDE + (threadIdx.x >> 5) * 2 * STRIDE, *d = q + STRIDE;
    int width = heads * HEAD_WIDTH, lane = threadIdx.x & 31;
    i64 stride = 3 * width, rows = (i64)(blockIdx.y / heads) * n;
    int column = blockIdx.y % heads * HEAD_WIDTH;
    const real* base = qkv + rows * stride + column;
    int first = blockIdx.x * WARPS, query = first + (threadIdx.x >> 5);
    load_one(base, stride, query, n, q);
    load_one(dy + rows * width + column, width, query, n, d);
    float lse = query < n ? logSumExp[(i64)blockIdx.y * n + query] : 0.f;
    float shift = query < n ? delta[(i64)blockIdx.y * n + query] : 0.f;
    float out[LANE_DIMS] = {};
    for (int start = 0; start < min(n, first + WARPS); start += TILE) {
        __syncthreads();
        load_tile(base + width, stride, start, n, k);
        load_tile(base + 2 * width, stride, start, n, v);
        __syncthreads();
        if (start > query) continue;
        float ds = 0.f;
        if (start + lane <= query && query < n) {
            float p = expf(dot(q, k + lane * STRIDE) * SCALE - lse);
            ds = p * (dot(d, v + lane * STRIDE) - shift) * SCALE;
        }
        add_weighted(out, ds, k);
    }
    if (query < n) store_one(dqkv + rows * stride + column, stride, query, out, 1.f);
}

// dk and dv: one warp a key, over the queries from it on.
extern "C" __global__ __launch_bounds__(256) void attention_dkv_any(const real* qkv, const real* dy,
                                                                    const float* logSumExp, const float* delta,
                                                                    real* dqkv, int n, int heads) {
    AWAIT_PREDECESSOR
    extern __shared__ float memory[];
    float *q = memory, *d = q + TILE * STRIDE, *k = d + TILE * STRIDE + (threadIdx.x >> 5) * 2 * STRIDE, *v = k + STRIDE;
    int width = heads * HEAD_WIDTH, lane = threadIdx.x & 31;
    i64 stride = 3 * width, rows = (i64)(blockIdx.y / heads) * n;
    int column = blockIdx.y % heads * HEAD_WIDTH;
    const real* base = qkv + rows * stride + column;
    int first = blockIdx.x * WARPS, key = first + (threadIdx.x >> 5);
    load_one(base + width, stride, key, n, k);
    load_one(base + 2 * width, stride, key, n, v);
    float dk[LANE_DIMS] = {}, dv[LANE_DIMS] = {};
    for (int start = first / TILE * TILE; start < n; start += TILE) {
        __syncthreads();
        load_tile(base, stride, start, n, q);
        load_tile(dy + rows * width + column, width, start, n, d);
        __syncthreads();
        int query = start + lane;
        float p = 0.f, ds = 0.f;
        if (query >= key && query < n) {
            i64 at = (i64)blockIdx.y * n + query;
            p = expf(dot(k, q + lane * STRIDE) * SCALE - logSumExp[at]);
            ds = p * (dot(v, d + lane * STRIDE) - delta[at]) * SCALE;
        }
        add_weighted(dk, ds, q);
        add_weighted(dv, p, d);
    }
    if (key >= n) return;
    store_one(dqkv + rows * stride + width + column, stride, key, dk, 1.f);
    store_one(dqkv + rows * stride + 2 * width + column, stride, key, dv, 1.f);
}
#undef STRIDE
