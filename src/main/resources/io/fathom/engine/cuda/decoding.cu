// Reading tokens causally: a pass takes a few rows, one a token, each through the blocks that its route lets it into.
// Which rows a routed block takes is known on the device alone, so every launch is sized for all of them and ends at
// the count it finds. Activations, keys and values are float; weights of products are `real` and lie as [outputs,
// inputs], so that an output is the dot product of two runs of memory.

#define MOST 1024 // rows of a pass; PassLayout.MOST_ROWS

// Lets the next kernel begin while this one runs: it waits by itself for what this one writes.
#if __CUDA_ARCH__ >= 900
#define ADMIT_SUCCESSOR asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#else
#define ADMIT_SUCCESSOR
#endif

// The rows that go through a block, in order; the place of each among its sequence's keys, and the factor of its delta.
struct Choice {
    int count, unused[3];
    int row[MOST], place[MOST];
    float factor[MOST];
};

// What the host sends with a pass whose arrays have `stride` elements; PassLayout says the same.
struct Pass {
    const int* at;
    int stride;

    __device__ __forceinline__ int rows() const { return at[0]; }
    __device__ __forceinline__ int heads() const { return at[1]; }
    // Keys and values of the sequence that row r belongs to.
    __device__ __forceinline__ float* memory(int r) const {
        return reinterpret_cast<float*>(reinterpret_cast<const i64*>(at + 4)[r]);
    }
    __device__ __forceinline__ int token(int r) const { return at[4 + 2 * stride + r]; }
    __device__ __forceinline__ int position(int r) const { return at[4 + 3 * stride + r]; }
    // The first row of this pass that belongs to the same sequence.
    __device__ __forceinline__ int first(int r) const { return at[4 + 4 * stride + r]; }
    // The row whose logits are wanted as number h, and the token it should foretell.
    __device__ __forceinline__ int head(int h) const { return at[4 + 5 * stride + h]; }
    __device__ __forceinline__ int target(int h) const { return at[4 + 6 * stride + h]; }
    // Tokens of row r's sequence that entered routed block j in earlier passes.
    __device__ __forceinline__ int before(int j, int r) const { return at[4 + (7 + j) * stride + r]; }
    __device__ __forceinline__ float threshold(int j, int routed) const {
        return __int_as_float(at[4 + (7 + routed) * stride + j]);
    }
};

// ---- once, when the model is laid out ----

// to[n][k] = from[k][n]; a block of 256 takes 32 x 32.
extern "C" __global__ void lay_transposed(const float* from, real* to, int k, int n) {
    AWAIT_PREDECESSOR
    __shared__ float tile[32][33];
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int column = blockIdx.x * 32, row = blockIdx.y * 32;
    for (int r = warp; r < 32; r += 8) {
        tile[r][lane] = row + r < k && column + lane < n ? from[(i64)(row + r) * n + column + lane] : 0.f;
    }
    __syncthreads();
    for (int r = warp; r < 32; r += 8) {
        if (column + r < n && row + lane < k) to[(i64)(column + r) * k + row + lane] = narrow<real>(tile[lane][r]);
    }
}

extern "C" __global__ void lay_straight(const float* from, real* to, i64 n) {
    AWAIT_PREDECESSOR
    for (i64 at = (i64)blockIdx.x * blockDim.x + threadIdx.x; at < n; at += (i64)gridDim.x * blockDim.x) {
        to[at] = narrow<real>(from[at]);
    }
}

// ---- rows in, routes ----

// One warp a row: x = wte[token] + wpe[position]; `all` chooses every row, placed by its position.
extern "C" __global__ void read_embedding(const int* at, int stride, const float* wte, const float* wpe, float* x,
                                          Choice* all) {
    AWAIT_PREDECESSOR
    ADMIT_SUCCESSOR
    Pass pass{at, stride};
    int row = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    if (row >= pass.rows()) return;
    int position = pass.position(row);
    Row a = load_row(wte + (i64)pass.token(row) * WIDTH), b = load_row(wpe + (i64)position * WIDTH);
    EACH(i, j) a.v[i][j] += b.v[i][j];
    store_row(x + (i64)row * WIDTH, a);
    if ((threadIdx.x & 31) == 0) {
        all->row[row] = row;
        all->place[row] = position;
        all->factor[row] = 1.f;
        if (row == 0) all->count = pass.rows();
    }
}

// One block: r = x . w for every row; its signal is r or, with a predictor, hidden . out + outBias; rows whose signal
// exceeds the threshold are chosen, in order. Row t of routed block j leaves entered[t] and signals[t].
extern "C" __global__ __launch_bounds__(1024) void read_route(const int* at, int stride, int j, int routed,
                                                              const float* x, const float* w, const float* hidden,
                                                              const float* out, const float* outBias, int half,
                                                              Choice* chosen, int* entered, float* signals) {
    AWAIT_PREDECESSOR
    ADMIT_SUCCESSOR
    __shared__ float score[MOST], signal[MOST];
    __shared__ int earlier[MOST], room[32];
    Pass pass{at, stride};
    int rows = pass.rows(), warp = threadIdx.x >> 5, lane = threadIdx.x & 31, warps = blockDim.x >> 5;
    float threshold = pass.threshold(j, routed);
    for (int row = warp; row < rows; row += warps) {
        Row a = load_row(x + (i64)row * WIDTH), b = load_row(w);
        float r = row_dot(a, b), s = r;
        if (hidden) {
            float sum = 0.f;
            for (int c = lane; c < half; c += 32) sum += hidden[(i64)row * half + c] * out[c];
            s = warp_sum(sum) + outBias[0];
        }
        if (lane == 0) {
            score[row] = r;
            signal[row] = s;
        }
    }
    __syncthreads();
    int total = 0;
    for (int start = 0; start < rows; start += blockDim.x) {
        int t = start + threadIdx.x;
        bool in = t < rows && signal[t] > threshold;
        u32 bits = __ballot_sync(FULL, in);
        if (lane == 0) room[warp] = __popc(bits);
        __syncthreads();
        int place = total + __popc(bits & ((1u << lane) - 1));
        for (int o = 0; o < warps; o++) {
            if (o < warp) place += room[o];
            total += room[o];
        }
        __syncthreads();
        if (t < rows) {
            earlier[t] = place;
            entered[t] = in;
            signals[t] = signal[t];
        }
        if (in) {
            chosen->row[place] = t;
            chosen->factor[place] = gate(score[t]);
        }
    }
    __syncthreads();
    for (int t = threadIdx.x; t < rows; t += blockDim.x) {
        if (signal[t] > threshold) {
            chosen->place[earlier[t]] = pass.before(j, t) + earlier[t] - earlier[pass.first(t)];
        }
    }
    if (threadIdx.x == 0) chosen->count = total;
}

// ---- products ----

// What a product is for, which says where its rows come from and what becomes of an output v = row . w + bias.
enum {
    QKV,    // LN(x): q to out; k and v to the place of the row in its sequence's memory
    MIX,    // attention: to out
    MIDDLE, // LN(x + y): gelu(v) to out
    DELTA,  // hidden: x += factor (y + v)
    SIGNAL, // x: silu(v) to out
    HEAD    // LN(x) of the rows whose logits are wanted: to out, without bias
};

struct Product {
    const real* w;
    const float *bias, *gain, *shift;
    const float* in; // compact rows, where they are not LN of x
    float* out;
    const float* y;
    float* x;
    const Choice* choice;
    const int* at;
    i64 keys;  // of this block, in a sequence's memory
    i64 values;
    int stride, k, n, early;
};

#define NORMALISES(KIND) (KIND == QKV || KIND == MIDDLE || KIND == HEAD)

template <int KIND> __device__ __forceinline__ int count_of(const Product& p) {
    return KIND == HEAD ? p.at[1] : p.choice->count;
}

template <int KIND> __device__ __forceinline__ int row_of(const Product& p, int i) {
    return KIND == HEAD ? Pass{p.at, p.stride}.head(i) : p.choice->row[i];
}

template <int KIND> __device__ __forceinline__ void finish(const Product& p, int i, int n, float v) {
    if (KIND == HEAD) {
        p.out[(i64)i * p.n + n] = v;
        return;
    }
    v += p.bias[n];
    if (KIND == QKV) {
        if (n < WIDTH) {
            p.out[(i64)i * WIDTH + n] = v;
        } else {
            float* memory = Pass{p.at, p.stride}.memory(p.choice->row[i]);
            memory[(n < 2 * WIDTH ? p.keys : p.values) + (i64)p.choice->place[i] * WIDTH + n % WIDTH] = v;
        }
    } else if (KIND == MIX) {
        p.out[(i64)i * p.n + n] = v;
    } else if (KIND == MIDDLE) {
        p.out[(i64)i * p.n + n] = gelu(v);
    } else if (KIND == SIGNAL) {
        p.out[(i64)i * p.n + n] = v * sigmoid(v);
    } else {
        i64 to = (i64)p.choice->row[i] * WIDTH + n;
        p.x[to] += p.choice->factor[i] * (p.y[(i64)i * WIDTH + n] + v);
    }
}

// One warp: row i as the product reads it.
template <int KIND> __device__ __forceinline__ void normalise(const Product& p, int i, float* to) {
    Row a = load_row(p.x + (i64)row_of<KIND>(p, i) * WIDTH);
    if (KIND == MIDDLE) {
        Row b = load_row(p.y + (i64)i * WIDTH);
        EACH(q, j) a.v[q][j] += b.v[q][j];
    }
    float sum = 0.f, squares = 0.f;
    EACH(q, j) sum += a.v[q][j];
    float mean = warp_sum(sum) / WIDTH;
    int lane = threadIdx.x & 31;
#pragma unroll
    for (int q = 0; q < PARTS; q++) {
        if (!in_row(q, lane)) continue;
#pragma unroll
        for (int j = 0; j < VEC; j++) squares += (a.v[q][j] - mean) * (a.v[q][j] - mean);
    }
    float rstd = 1.f / sqrtf(warp_sum(squares) / WIDTH + 1e-5f);
    Row g = load_row(p.gain), b = load_row(p.shift);
    EACH(q, j) a.v[q][j] = (a.v[q][j] - mean) * rstd * g.v[q][j] + b.v[q][j];
    store_row(to, a);
}

// Weights that one lane moves at a time; every inner size is a multiple of WIDTH.
#if REAL_BF16 && WIDTH % 8 == 0
#define RUN 8
#elif WIDTH % 4 == 0
#define RUN 4
#else
#define RUN 1
#endif

// Up to M rows: one warp an output, which reads its weights once for all of them. Each sum runs in an order that
// does not depend on M.
template <int KIND, int M> __device__ __forceinline__ void product_few(const Product& p) {
    extern __shared__ float room[];
    int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, warps = blockDim.x >> 5;
    if (p.early && blockIdx.x * warps + warp < p.n) {
        // Weights do not wait for the kernel before; where a block may be passed by they would be fetched in vain.
        const char* first = reinterpret_cast<const char*>(p.w + (i64)(blockIdx.x * warps + warp) * p.k);
        for (int b = lane * 128; b < p.k * (int)sizeof(real); b += 32 * 128) {
            asm volatile("prefetch.global.L2 [%0];" ::"l"(first + b));
        }
    }
    AWAIT_PREDECESSOR
    ADMIT_SUCCESSOR
    int count = count_of<KIND>(p);
    if (count == 0) return;
    const float* in = p.in;
    if (NORMALISES(KIND)) {
        for (int i = warp; i < count; i += warps) normalise<KIND>(p, i, room + i * WIDTH);
        __syncthreads();
        in = room;
    }
    for (int n = blockIdx.x * warps + warp; n < p.n; n += gridDim.x * warps) {
        const real* w = p.w + (i64)n * p.k;
        float sum[M] = {};
#pragma unroll 6
        for (int c = lane * RUN; c < p.k; c += 32 * RUN) {
            float a[RUN], b[RUN];
            load<RUN>(w + c, a);
#pragma unroll
            for (int m = 0; m < M; m++) {
                if (m > 0 && m >= count) break;
                load<RUN>(in + m * p.k + c, b);
#pragma unroll
                for (int j = 0; j < RUN; j++) sum[m] += a[j] * b[j];
            }
        }
#pragma unroll
        for (int m = 0; m < M; m++) {
            float v = warp_sum(sum[m]);
            if (lane == 0 && m < count) finish<KIND>(p, m, n, v);
        }
    }
}

// Four neighbouring elements of a row of k, zero outside of `limit` rows.
template <typename T> __device__ __forceinline__ void fetch(const T* p, int row, int limit, int c, int k, float (&v)[4]) {
#if WIDTH % 4 == 0
    if (row < limit && c < k) {
        load<4>(p + (i64)row * k + c, v);
        return;
    }
#pragma unroll
    for (int j = 0; j < 4; j++) v[j] = 0.f;
#else
#pragma unroll
    for (int j = 0; j < 4; j++) v[j] = row < limit && c + j < k ? widen(p[(i64)row * k + c + j]) : 0.f;
#endif
}

// Many rows, compact in p.in: 64 x 64 outputs a block of 256, 4 x 4 a thread, 16 inputs at a time.
template <int KIND> __device__ __forceinline__ void product_many(const Product& p) {
    AWAIT_PREDECESSOR
    ADMIT_SUCCESSOR
    __shared__ alignas(16) float a[16][68];
    __shared__ alignas(16) float b[16][68];
    int count = count_of<KIND>(p), rows = blockIdx.y * 64, columns = blockIdx.x * 64;
    if (rows >= count) return;
    int r = threadIdx.x >> 2, c = (threadIdx.x & 3) * 4, tx = (threadIdx.x & 15) * 4, ty = (threadIdx.x >> 4) * 4;
    float sum[4][4] = {}, nextA[4], nextB[4];
    fetch(p.in, rows + r, count, c, p.k, nextA);
    fetch(p.w, columns + r, p.n, c, p.k, nextB);
    for (int k = 0; k < p.k; k += 16) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
            a[c + j][r] = nextA[j];
            b[c + j][r] = nextB[j];
        }
        __syncthreads();
        fetch(p.in, rows + r, count, k + 16 + c, p.k, nextA);
        fetch(p.w, columns + r, p.n, k + 16 + c, p.k, nextB);
#pragma unroll
        for (int s = 0; s < 16; s++) {
            float u[4], v[4];
            load<4>(&a[s][ty], u);
            load<4>(&b[s][tx], v);
#pragma unroll
            for (int i = 0; i < 4; i++) {
#pragma unroll
                for (int j = 0; j < 4; j++) sum[i][j] += u[i] * v[j];
            }
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
            if (rows + ty + i < count && columns + tx + j < p.n) {
                finish<KIND>(p, rows + ty + i, columns + tx + j, sum[i][j]);
            }
        }
    }
}

#define PRODUCT(name, KIND)                                                                                            \
    extern "C" __global__ __launch_bounds__(256) void name##_1(Product p) { product_few<KIND, 1>(p); }                 \
    extern "C" __global__ __launch_bounds__(256) void name##_4(Product p) { product_few<KIND, 4>(p); }                 \
    extern "C" __global__ __launch_bounds__(256) void name##_8(Product p) { product_few<KIND, 8>(p); }                 \
    extern "C" __global__ __launch_bounds__(256) void name##_many(Product p) { product_many<KIND>(p); }

PRODUCT(read_qkv, QKV)
PRODUCT(read_mix, MIX)
PRODUCT(read_middle, MIDDLE)
PRODUCT(read_delta, DELTA)
PRODUCT(read_signal, SIGNAL)
PRODUCT(read_head, HEAD)

// Rows for product_many, one warp each: p.out receives what it reads as p.in.
#define NORMALISED(name, KIND)                                                                                         \
    extern "C" __global__ void name(Product p) {                                                                       \
        AWAIT_PREDECESSOR                                                                                              \
        ADMIT_SUCCESSOR                                                                                                \
        int i = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);                                                   \
        if (i < count_of<KIND>(p)) normalise<KIND>(p, i, p.out + (i64)i * WIDTH);                                      \
    }

NORMALISED(normalise_qkv, QKV)
NORMALISED(normalise_middle, MIDDLE)
NORMALISED(normalise_head, HEAD)

// ---- attention over a sequence's keys and values ----

// Warps of a block, and keys that a warp looks at together.
#define READERS (HEAD_WIDTH <= 256 ? 16 : 4)
#define TOGETHER 4
#define DIMS ((HEAD_WIDTH + 31) / 32)

// A block takes one row and head: y = softmax(q k' / sqrt(D / h)) v over the keys up to the row's own place. Each warp
// goes through its share of the keys with a maximum and a sum of its own; the shares are joined at the end.
extern "C" __global__ __launch_bounds__(512) void read_attention(const int* at, int stride, const Choice* choice,
                                                                 const float* q, float* y, i64 keys, i64 values) {
    AWAIT_PREDECESSOR
    ADMIT_SUCCESSOR
    __shared__ float tops[READERS], sums[READERS], parts[READERS][HEAD_WIDTH];
    int i = blockIdx.x, column = blockIdx.y * HEAD_WIDTH, warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
    if (i >= choice->count) return;
    const float* memory = Pass{at, stride}.memory(choice->row[i]) + column;
    int last = choice->place[i];
    float mine[DIMS], sum = 0.f, top = -INF, out[DIMS] = {};
#pragma unroll
    for (int d = 0; d < DIMS; d++) {
        int c = d * 32 + lane;
        mine[d] = c < HEAD_WIDTH ? q[(i64)i * WIDTH + column + c] / sqrtf((float)HEAD_WIDTH) : 0.f;
    }
    for (int t = warp * TOGETHER; t <= last; t += READERS * TOGETHER) {
        float s[TOGETHER], v[TOGETHER][DIMS], high = top;
#pragma unroll
        for (int u = 0; u < TOGETHER; u++) {
            s[u] = 0.f;
#pragma unroll
            for (int d = 0; d < DIMS; d++) {
                int c = d * 32 + lane;
                bool there = t + u <= last && c < HEAD_WIDTH;
                i64 from = (i64)(t + u) * WIDTH + c;
                s[u] += there ? mine[d] * memory[keys + from] : 0.f;
                v[u][d] = there ? memory[values + from] : 0.f;
            }
        }
#pragma unroll
        for (int u = 0; u < TOGETHER; u++) {
            s[u] = t + u <= last ? warp_sum(s[u]) : -INF;
            high = fmaxf(high, s[u]);
        }
        float shrink = expf(top - high);
        sum *= shrink;
#pragma unroll
        for (int d = 0; d < DIMS; d++) out[d] *= shrink;
#pragma unroll
        for (int u = 0; u < TOGETHER; u++) {
            float p = expf(s[u] - high);
            sum += p;
#pragma unroll
            for (int d = 0; d < DIMS; d++) out[d] += p * v[u][d];
        }
        top = high;
    }
#pragma unroll
    for (int d = 0; d < DIMS; d++) {
        if (d * 32 + lane < HEAD_WIDTH) parts[warp][d * 32 + lane] = out[d];
    }
    if (lane == 0) {
        tops[warp] = top;
        sums[warp] = sum;
    }
    __syncthreads();
    for (int c = threadIdx.x; c < HEAD_WIDTH; c += blockDim.x) {
        float high = -INF, total = 0.f, joined = 0.f;
        for (int w = 0; w < READERS; w++) high = fmaxf(high, tops[w]);
        for (int w = 0; w < READERS; w++) {
            float share = expf(tops[w] - high);
            total += sums[w] * share;
            joined += parts[w][c] * share;
        }
        y[(i64)i * WIDTH + column + c] = joined / total;
    }
}

// ---- losses ----

// A block a wanted row: the cross-entropy of its target in nats.
extern "C" __global__ __launch_bounds__(256) void read_losses(const int* at, int stride, const float* logits,
                                                              float* losses, int vocabulary) {
    AWAIT_PREDECESSOR
    ADMIT_SUCCESSOR
    __shared__ float room[8];
    Pass pass{at, stride};
    int h = blockIdx.x;
    if (h >= pass.heads()) return;
    const float* row = logits + (i64)h * vocabulary;
    float high = -INF, sum = 0.f;
    for (int v = threadIdx.x; v < vocabulary; v += 256) high = fmaxf(high, row[v]);
    high = block_max(high, room);
    for (int v = threadIdx.x; v < vocabulary; v += 256) sum += expf(row[v] - high);
    sum = block_sum(sum, room);
    if (threadIdx.x == 0) losses[h] = logf(sum) + high - row[pass.target(h)];
}
