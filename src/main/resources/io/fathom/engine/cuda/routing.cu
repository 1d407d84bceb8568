// The router: scores, the exact stable choice of the k best, gather, gated scatter, and their gradients.

__device__ __forceinline__ float gate(float r) {
#if GATE == 0
    return 1.f / (1.f + expf(-r));
#elif GATE == 1
    return r;
#else
    return tanhf(r);
#endif
}

__device__ __forceinline__ float gate_slope(float r) {
#if GATE == 0
    float s = gate(r);
    return s * (1.f - s);
#elif GATE == 1
    return 1.f;
#else
    float t = tanhf(r);
    return 1.f - t * t;
#endif
}

// The place of `row` in its sequence's k ascending indices, or -1.
__device__ __forceinline__ int slot_of(const int* index, int row, int length, int k) {
    int base = row / length * k;
    int low = base, high = base + k - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (index[middle] < row) low = middle + 1;
        else high = middle;
    }
    return index[low] == row ? low : -1;
}

// One warp a row: scores[row] = x[row] . w, in float whatever the width of x.
extern "C" __global__ void router_scores(const real* x, const float* w, float* scores, int rows) {
    int row = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    if (row >= rows) return;
    Row a = load_row(x + (i64)row * WIDTH), b = load_row(w);
    float r = row_dot(a, b);
    if ((threadIdx.x & 31) == 0) scores[row] = r;
}

// Order-preserving bits: a < b as floats exactly when the keys are so; both zeros share a key.
__device__ __forceinline__ u32 key_of(float x) {
    u32 bits = __float_as_uint(x + 0.f);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

// One block of 256 a sequence. Radix select finds the k-th largest key eight bits at a time; then positions are taken
// in order: all keys above it, and of those equal to it the earliest.
extern "C" __global__ __launch_bounds__(256) void top_k(const float* scores, int* index, float* mask, int length, int k) {
    __shared__ int histogram[256];
    __shared__ int chosen, wanted;
    __shared__ int above_of[8], equal_of[8];
    const float* mine = scores + (i64)blockIdx.x * length;
    u32 prefix = 0;
    int want = k;
    for (int shift = 24; shift >= 0; shift -= 8) {
        histogram[threadIdx.x] = 0;
        __syncthreads();
        u32 fixed = shift == 24 ? 0 : FULL << (shift + 8);
        for (int t = threadIdx.x; t < length; t += 256) {
            u32 key = key_of(mine[t]);
            if ((key & fixed) == prefix) atomicAdd(&histogram[key >> shift & 255], 1);
        }
        __syncthreads();
        // Suffix sums: how many keys lie in this digit or a higher one.
        int digit = threadIdx.x, count = histogram[digit], suffix = count;
        for (int o = 1; o < 256; o <<= 1) {
            __syncthreads();
            int more = digit + o < 256 ? histogram[digit + o] : 0;
            __syncthreads();
            suffix += more;
            histogram[digit] = suffix;
        }
        if (suffix >= want && suffix - count < want) {
            chosen = digit;
            wanted = want - (suffix - count);
        }
        __syncthreads();
        prefix |= (u32)chosen << shift;
        want = wanted;
        __syncthreads();
    }
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int taken = 0, equals = 0; // before this stretch of 256 positions
    for (int start = 0; start < length; start += 256) {
        int t = start + threadIdx.x;
        u32 key = t < length ? key_of(mine[t]) : 0;
        bool above = t < length && key > prefix, equal = t < length && key == prefix;
        u32 above_bits = __ballot_sync(FULL, above), equal_bits = __ballot_sync(FULL, equal);
        __syncthreads();
        if (lane == 0) {
            above_of[warp] = __popc(above_bits);
            equal_of[warp] = __popc(equal_bits);
        }
        __syncthreads();
        int aboves = 0, equals_here = equals, all_above = 0, all_equal = 0;
        for (int w = 0; w < 8; w++) {
            if (w < warp) {
                aboves += above_of[w];
                equals_here += equal_of[w];
            }
            all_above += above_of[w];
            all_equal += equal_of[w];
        }
        u32 before = (1u << lane) - 1;
        aboves += __popc(above_bits & before);
        equals_here += __popc(equal_bits & before);
        bool take = above || (equal && equals_here < want);
        // Of the equal keys before this one, those past `want` were not taken.
        int place = taken + aboves + min(equals_here, want) - min(equals, want);
        if (t < length) {
            mask[(i64)blockIdx.x * length + t] = take ? 1.f : 0.f;
            if (take) index[(i64)blockIdx.x * k + place] = blockIdx.x * length + t;
        }
        taken += all_above + min(equals + all_equal, want) - min(equals, want);
        equals += all_equal;
    }
}

// y[i] = x[index[i]]: one warp a row.
extern "C" __global__ void gather(const real* x, const int* index, real* y, int rows) {
    int row = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    if (row >= rows) return;
    store_row(y + (i64)row * WIDTH, load_row(x + (i64)index[row] * WIDTH));
}

// y = x, and on chosen rows + gate(score) * delta: one warp a row. y may be x.
extern "C" __global__ void scatter_gated(const real* x, const int* index, const float* scores, const real* delta, real* y,
                                         int rows, int length, int k) {
    int row = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    if (row >= rows) return;
    int slot = slot_of(index, row, length, k);
    Row out = load_row(x + (i64)row * WIDTH);
    if (slot >= 0) {
        float g = gate(scores[row]);
        Row d = load_row(delta + (i64)slot * WIDTH);
        EACH(i, j) out.v[i][j] += g * d.v[i][j];
    }
    store_row(y + (i64)row * WIDTH, out);
}

// One warp a row of the whole sequence: dScores = addend + gate' * (dy . delta) and dDelta = gate * dy on chosen rows.
// With partial, rows are dealt to blocks in turn and partial[blocks][WIDTH] receives sums of dDelta.
extern "C" __global__ void scatter_gated_grad(const int* index, const float* scores, const real* delta, const real* dy,
                                              const float* addend, real* dDelta, float* dScores, int rows, int length,
                                              int k) {
    int row = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    if (row >= rows) return;
    int slot = slot_of(index, row, length, k);
    float score = addend ? addend[row] : 0.f;
    if (slot >= 0) {
        float r = scores[row], g = gate(r);
        Row upper = load_row(dy + (i64)row * WIDTH), d = load_row(delta + (i64)slot * WIDTH);
        score += gate_slope(r) * row_dot(upper, d);
        EACH(i, j) upper.v[i][j] *= g;
        store_row(dDelta + (i64)slot * WIDTH, upper);
    }
    if ((threadIdx.x & 31) == 0) dScores[row] = score;
}

// dx = addend (or 0), and on chosen rows + dy: one warp a row. addend may be dx.
extern "C" __global__ void gather_grad(const int* index, const real* dy, const real* addend, real* dx, int rows,
                                       int length, int k) {
    int row = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    if (row >= rows) return;
    int slot = slot_of(index, row, length, k);
    Row out = addend ? load_row(addend + (i64)row * WIDTH) : zero_row();
    if (slot >= 0) {
        Row d = load_row(dy + (i64)slot * WIDTH);
        EACH(i, j) out.v[i][j] += d.v[i][j];
    }
    store_row(dx + (i64)row * WIDTH, out);
}

// dx = addend + dScores w; partial[blocks][1 or 2][WIDTH] receives sums of dScores * x and, where `columns` is set, of
// dx. addend may be dx.
extern "C" __global__ __launch_bounds__(256) void router_scores_grad(const real* x, const float* w, const float* dScores,
                                                                     const real* addend, real* dx, float* partial,
                                                                     int rows, int columns) {
    extern __shared__ float room[];
    int warps = blockDim.x >> 5;
    Row dW = zero_row(), dColumns = zero_row(), ws = load_row(w);
    for (int row = blockIdx.x * warps + (threadIdx.x >> 5); row < rows; row += gridDim.x * warps) {
        i64 at = (i64)row * WIDTH;
        float d = dScores[row];
        Row xs = load_row(x + at);
        EACH(i, j) dW.v[i][j] += d * xs.v[i][j];
        Row out = addend ? load_row(addend + at) : zero_row();
        EACH(i, j) out.v[i][j] += d * ws.v[i][j];
        store_row(dx + at, out);
        if (columns) EACH(i, j) dColumns.v[i][j] += widen(narrow<real>(out.v[i][j]));
    }
    float* mine = partial + (i64)blockIdx.x * (columns ? 2 : 1) * WIDTH;
    block_row_sum(dW, room, mine);
    if (columns) block_row_sum(dColumns, room, mine + WIDTH);
}
