// The router: scores, the exact stable choice of the k best, gather, gated scatter, and their gradients.

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

// One warp a row: scores[row] = x[row] . w, in float whatever the width of x.
extern "C" __global__ void router_scores(const real* x, const float* w, float* scores, int rows) {
    AWAIT_PREDECESSOR
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

// How many threads of the block before this one have `flag`; `all` of them have it.
__device__ __forceinline__ int count_before(bool flag, int* room, int& all) {
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    u32 bits = __ballot_sync(FULL, flag);
    __syncthreads();
    if (lane == 0) room[warp] = __popc(bits);
    __syncthreads();
    int before = __popc(bits & ((1u << lane) - 1));
    all = 0;
    for (int w = 0; w < 8; w++) {
        if (w < warp) before += room[w];
        all += room[w];
    }
    return before;
}

// One block of 256 a sequence. Radix select finds the k-th largest key eight bits at a time; then positions are taken
// in order: all keys above it, and of those equal to it the earliest. slots is index the other way round: the place of
// each row in it, or -1.
extern "C" __global__ __launch_bounds__(256) void top_k(const float* scores, int* index, float* mask, int* slots,
                                                        int length, int k, int positive) {
    AWAIT_PREDECESSOR
    __shared__ int histogram[256];
    __shared__ int chosen, wanted;
    __shared__ int room[8];
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
    int base = blockIdx.x * length, out = blockIdx.x * k, taken = 0;
    for (int rest = 0; rest <= (positive ? 1 : 0); rest++) { // with `positive`, scores above zero go first
        int equals = 0;
        for (int start = 0; start < length; start += 256) {
            int t = start + threadIdx.x, all;
            u32 key = t < length ? key_of(mine[t]) : 0;
            bool equal = t < length && key == prefix;
            int earlier = equals + count_before(equal, room, all);
            equals += all;
            bool chosen_here = (t < length && key > prefix) || (equal && earlier < want);
            bool above_zero = t < length && mine[t] > 0.f;
            bool take = chosen_here && (!positive || above_zero == (rest == 0));
            int place = taken + count_before(take, room, all);
            taken += all;
            if (take) {
                index[out + place] = base + t;
                slots[base + t] = out + place;
            } else if (t < length && !chosen_here) {
                slots[base + t] = -1;
            }
            if (t < length) mask[base + t] = chosen_here && (!positive || above_zero) ? 1.f : 0.f;
        }
    }
}

// y[i] = x[index[i]]: one warp a row.
extern "C" __global__ void gather(const real* x, const int* index, real* y, int rows) {
    AWAIT_PREDECESSOR
    int row = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    if (row >= rows) return;
    store_row(y + (i64)row * WIDTH, load_row(x + (i64)index[row] * WIDTH));
}

// y = x, and on chosen rows + gate(score) * delta: one warp a row. y may be x.
extern "C" __global__ void scatter_gated(const real* x, const int* slots, const float* scores, const real* delta, real* y,
                                         int rows, int positive) {
    AWAIT_PREDECESSOR
    int row = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    if (row >= rows) return;
    int slot = slots[row];
    Row out = load_row(x + (i64)row * WIDTH);
    if (slot >= 0 && !(positive && scores[row] <= 0.f)) {
        float g = gate(scores[row]);
        Row d = load_row(delta + (i64)slot * WIDTH);
        EACH(i, j) out.v[i][j] += g * d.v[i][j];
    }
    store_row(y + (i64)row * WIDTH, out);
}

// One warp a row of the whole sequence: dScores = addend + gate' * (dy . delta) and dDelta = gate * dy on chosen rows;
// with `positive`, a score not above zero gives zero to both.
extern "C" __global__ void scatter_gated_grad(const int* slots, const float* scores, const real* delta, const real* dy,
                                              const float* addend, real* dDelta, float* dScores, int rows,
                                              int positive) {
    AWAIT_PREDECESSOR
    int row = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    if (row >= rows) return;
    int slot = slots[row];
    float score = addend ? addend[row] : 0.f;
    if (slot >= 0 && positive && scores[row] <= 0.f) {
        store_row(dDelta + (i64)slot * WIDTH, zero_row());
    } else if (slot >= 0) {
        float r = scores[row], g = gate(r);
        Row upper = load_row(dy + (i64)row * WIDTH), d = load_row(delta + (i64)slot * WIDTH);
        score += gate_slope(r) * row_dot(upper, d);
        EACH(i, j) upper.v[i][j] *= g;
        store_row(dDelta + (i64)slot * WIDTH, upper);
    }
    if ((threadIdx.x & 31) == 0) dScores[row] = score;
}

// dx = addend (or 0), and on chosen rows + dy: one warp a row. addend may be dx.
extern "C" __global__ void gather_grad(const int* slots, const real* dy, const real* addend, real* dx, int rows) {
    AWAIT_PREDECESSOR
    int row = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    if (row >= rows) return;
    int slot = slots[row];
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
    AWAIT_PREDECESSOR
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
