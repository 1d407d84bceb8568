// Layer norm both ways, element-wise functions, column sums, and the sums of partial rows that end a gradient.

// One warp a row. y = (x - mean) * rstd * gain + bias.
extern "C" __global__ void layer_norm(const real* x, const float* gain, const float* bias, float epsilon, real* y,
                                      float* mean, float* rstd, int rows) {
    AWAIT_PREDECESSOR
    int row = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    if (row >= rows) return;
    Row in = load_row(x + (i64)row * WIDTH);
    float sum = 0.f;
    EACH(i, j) sum += in.v[i][j];
    float m = warp_sum(sum) / WIDTH;
    float squares = 0.f;
    int lane = threadIdx.x & 31;
#pragma unroll
    for (int i = 0; i < PARTS; i++) {
        if (!in_row(i, lane)) continue;
#pragma unroll
        for (int j = 0; j < VEC; j++) {
            float d = in.v[i][j] - m;
            squares += d * d;
        }
    }
    float r = 1.f / sqrtf(warp_sum(squares) / WIDTH + epsilon);
    Row g = load_row(gain), b = load_row(bias);
    EACH(i, j) in.v[i][j] = (in.v[i][j] - m) * r * g.v[i][j] + b.v[i][j];
    store_row(y + (i64)row * WIDTH, in);
    if (lane == 0) {
        mean[row] = m;
        rstd[row] = r;
    }
}

// One warp a row, rows dealt to blocks in turn; partial [blocks][2 or 3][WIDTH] receives the block's sums of dy * xhat,
// of dy and, where `columns` is set, of dx: the gradient of the bias that made x. addend may be dx.
extern "C" __global__ __launch_bounds__(256) void layer_norm_grad(const real* x, const float* gain, const float* mean,
                                                                  const float* rstd, const real* dy, const real* addend,
                                                                  real* dx, float* partial, int rows, int columns) {
    AWAIT_PREDECESSOR
    extern __shared__ float room[];
    int warps = blockDim.x >> 5;
    Row dGain = zero_row(), dBias = zero_row(), dColumns = zero_row();
    Row g = load_row(gain);
    for (int row = blockIdx.x * warps + (threadIdx.x >> 5); row < rows; row += gridDim.x * warps) {
        i64 at = (i64)row * WIDTH;
        Row xs = load_row(x + at), u = load_row(dy + at);
        float m = mean[row], r = rstd[row];
        float sum = 0.f, dot = 0.f;
        EACH(i, j) {
            float xhat = (xs.v[i][j] - m) * r;
            dGain.v[i][j] += u.v[i][j] * xhat;
            dBias.v[i][j] += u.v[i][j];
            u.v[i][j] *= g.v[i][j];
            sum += u.v[i][j];
            dot += u.v[i][j] * xhat;
            xs.v[i][j] = xhat;
        }
        sum = warp_sum(sum) / WIDTH;
        dot = warp_sum(dot) / WIDTH;
        Row out = addend ? load_row(addend + at) : zero_row();
        EACH(i, j) out.v[i][j] += r * (u.v[i][j] - sum - xs.v[i][j] * dot);
        store_row(dx + at, out);
        if (columns) EACH(i, j) dColumns.v[i][j] += widen(narrow<real>(out.v[i][j]));
    }
    float* mine = partial + (i64)blockIdx.x * (columns ? 3 : 2) * WIDTH;
    block_row_sum(dGain, room, mine);
    block_row_sum(dBias, room, mine + WIDTH);
    if (columns) block_row_sum(dColumns, room, mine + 2 * WIDTH);
}

// partial[chunk][columns] = sums over the chunk's rows. A block takes 32 * V columns and `chunk` rows, 8 rows at a time.
template <int V> __device__ __forceinline__ void column_sum(const real* dy, float* partial, int rows, int columns,
                                                            int chunk) {
    __shared__ float room[8][32 * V];
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int column = (blockIdx.x * 32 + lane) * V;
    float sum[V] = {};
    if (column < columns) {
        int end = min(rows, (int)(blockIdx.y + 1) * chunk);
#pragma unroll 4
        for (int row = blockIdx.y * chunk + warp; row < end; row += 8) {
            float x[V];
            load<V>(dy + (i64)row * columns + column, x);
#pragma unroll
            for (int j = 0; j < V; j++) sum[j] += x[j];
        }
    }
#pragma unroll
    for (int j = 0; j < V; j++) room[warp][lane * V + j] = sum[j];
    __syncthreads();
    for (int c = threadIdx.x; c < 32 * V; c += blockDim.x) {
        float total = 0.f;
#pragma unroll
        for (int w = 0; w < 8; w++) total += room[w][c];
        int at = blockIdx.x * 32 * V + c;
        if (at < columns) partial[(i64)blockIdx.y * columns + at] = total;
    }
}

extern "C" __global__ __launch_bounds__(256) void column_sum_wide(const real* dy, float* partial, int rows, int columns,
                                                                  int chunk) {
    AWAIT_PREDECESSOR
    column_sum<8>(dy, partial, rows, columns, chunk);
}

extern "C" __global__ __launch_bounds__(256) void column_sum_any(const real* dy, float* partial, int rows, int columns,
                                                                 int chunk) {
    AWAIT_PREDECESSOR
    column_sum<1>(dy, partial, rows, columns, chunk);
}

// One row of partial sums to finish: out[c] = (accumulate ? out[c] : 0) + sum over b of partial[b * stride + c].
struct PartialSum {
    const float* partial;
    float* out;
    int blocks, stride, columns, accumulate;
};

// Finishes many sums in one launch; jobs[j] begins at block starts[j], 32 columns a block.
extern "C" __global__ __launch_bounds__(256) void finish_sums(const PartialSum* jobs, const int* starts, int count) {
    AWAIT_PREDECESSOR
    __shared__ float room[8][32];
    int low = 0, high = count - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (starts[middle] <= (int)blockIdx.x) low = middle;
        else high = middle - 1;
    }
    PartialSum job = jobs[low];
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int column = (blockIdx.x - starts[low]) * 32 + lane;
    float sum = 0.f;
    if (column < job.columns) {
#pragma unroll 8
        for (int b = warp; b < job.blocks; b += 8) sum += job.partial[(i64)b * job.stride + column];
    }
    room[warp][lane] = sum;
    __syncthreads();
    if (warp == 0 && column < job.columns) {
        float total = job.accumulate ? job.out[column] : 0.f;
#pragma unroll
        for (int w = 0; w < 8; w++) total += room[w][lane];
        job.out[column] = total;
    }
}

// ---- element by element; arrays start at 16-byte boundaries and are padded to 32 elements ----

__device__ __forceinline__ float gelu_slope(float x) {
    float t = tanhf(0.7978845608028654f * (x + 0.044715f * x * x * x));
    return 0.5f * (1.f + t) + 0.5f * x * (1.f - t * t) * 0.7978845608028654f * (1.f + 0.134145f * x * x);
}

#define ACROSS(n) for (i64 at = ((i64)blockIdx.x * blockDim.x + threadIdx.x) * 4; at < (n); at += (i64)gridDim.x * blockDim.x * 4)

#define UNARY(name, expression)                                                                                        \
    extern "C" __global__ void name(const real* in, real* out, i64 n) { AWAIT_PREDECESSOR                              \
        ACROSS(n) {                                                                                                    \
            float v[4];                                                                                                \
            load<4>(in + at, v);                                                                                       \
            _Pragma("unroll") for (int j = 0; j < 4; j++) {                                                            \
                float x = v[j];                                                                                        \
                v[j] = expression;                                                                                     \
            }                                                                                                          \
            store<4>(out + at, v);                                                                                     \
        }                                                                                                              \
    }

#define BINARY(name, expression)                                                                                       \
    extern "C" __global__ void name(const real* left, const real* right, real* out, i64 n) { AWAIT_PREDECESSOR         \
        ACROSS(n) {                                                                                                    \
            float v[4], w[4];                                                                                          \
            load<4>(left + at, v);                                                                                     \
            load<4>(right + at, w);                                                                                    \
            _Pragma("unroll") for (int j = 0; j < 4; j++) {                                                            \
                float x = v[j], y = w[j];                                                                              \
                v[j] = expression;                                                                                     \
            }                                                                                                          \
            store<4>(out + at, v);                                                                                     \
        }                                                                                                              \
    }

UNARY(gelu_forward, gelu(x))
UNARY(silu_forward, x* sigmoid(x))
BINARY(gelu_grad, y* gelu_slope(x))
BINARY(silu_grad, y* sigmoid(x) * (1.f + x * (1.f - sigmoid(x))))
BINARY(add, x + y)
