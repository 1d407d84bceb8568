// Causal attention on Hopper's warpgroup products (wgmma, sm_90a), heads of 64: the algorithm of attention_mma.cu, but
// both sides of a product are read from shared memory by the tensor cores themselves, so that no warp spends its time
// on loading fragments.
//
// A tile has 64 rows of 128 bytes. Sixteen-byte piece c of row r lies at place c ^ (r % 8) of its row: the 128-byte
// swizzle that the matrix descriptors name. A tile serves as a factor over its columns (q k', dy v') and over its rows
// (p v, ds k, p' dy, ds' q) from the same bytes; the transpose bit tells the two apart.

#if REAL_BF16 && HEAD_WIDTH == 64 && WGMMA

#define TILE_BYTES 8192
#define W_LOG2E 1.4426950408889634f
#define W_SCALE (0.125f * W_LOG2E)

__device__ __forceinline__ unsigned long long tile_descriptor(u32 address) {
    // start / 16; leading stride unused; 1024 bytes from one group of eight rows to the next; 128-byte swizzle
    return (unsigned long long)((address & 0x3ffff) >> 4) | 1ull << 16 | 64ull << 32 | 1ull << 62;
}

__device__ __forceinline__ void products_begin() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void products_end() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int N> __device__ __forceinline__ void products_wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(N) : "memory");
}

// Keeps the compiler from moving a result's registers across the wait.
__device__ __forceinline__ void settle(float (&c)[32]) {
#pragma unroll
    for (int i = 0; i < 32; i++) asm volatile("" : "+f"(c[i])::"memory");
}

#define C32(c)                                                                                                         \
    "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]), "+f"(c[4]), "+f"(c[5]), "+f"(c[6]), "+f"(c[7]), "+f"(c[8]),        \
        "+f"(c[9]), "+f"(c[10]), "+f"(c[11]), "+f"(c[12]), "+f"(c[13]), "+f"(c[14]), "+f"(c[15]), "+f"(c[16]),         \
        "+f"(c[17]), "+f"(c[18]), "+f"(c[19]), "+f"(c[20]), "+f"(c[21]), "+f"(c[22]), "+f"(c[23]), "+f"(c[24]),        \
        "+f"(c[25]), "+f"(c[26]), "+f"(c[27]), "+f"(c[28]), "+f"(c[29]), "+f"(c[30]), "+f"(c[31])
#define REGISTERS32                                                                                                    \
    "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, "  \
    "%24, %25, %26, %27, %28, %29, %30, %31}"

// c (64 x 64) (+)= 64 rows of a times 64 rows of b transposed, 16 columns of both.
__device__ __forceinline__ void multiply_rows(float (&c)[32], unsigned long long a, unsigned long long b, int add) {
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %34, 0;\n"
                 "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " REGISTERS32 ", %32, %33, p, 1, 1, 0, 0;\n}\n"
                 : C32(c)
                 : "l"(a), "l"(b), "r"(add));
}

// c (64 x 64) += a (64 x 16, in registers) times 16 rows of b as they lie.
__device__ __forceinline__ void multiply(float (&c)[32], const u32 (&a)[4], unsigned long long b) {
    asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " REGISTERS32
                 ", {%32, %33, %34, %35}, %36, 1, 1, 1, 1;\n"
                 : C32(c)
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

// c = a b' over all 64 columns of two tiles.
__device__ __forceinline__ void tile_by_tile(float (&c)[32], u32 a, u32 b) {
#pragma unroll
    for (int k = 0; k < 4; k++) multiply_rows(c, tile_descriptor(a + 32 * k), tile_descriptor(b + 32 * k), k);
}

// c += p b: the 64 columns of p, rounded to bfloat16, with the 64 rows of tile b.
__device__ __forceinline__ void registers_by_tile(float (&c)[32], const u32 (&p)[4][4], u32 b) {
#pragma unroll
    for (int k = 0; k < 4; k++) multiply(c, p[k], tile_descriptor(b + 2048 * k));
}

__device__ __forceinline__ void to_left(u32 (&p)[4][4], const float (&s)[32]) {
#pragma unroll
    for (int k = 0; k < 4; k++) {
#pragma unroll
        for (int i = 0; i < 4; i++) p[k][i] = pack_bf16(s[8 * k + 2 * i], s[8 * k + 2 * i + 1]);
    }
}

// 64 rows of one head, from `first`, into a swizzled tile; rows at or past n become zero.
template <int THREADS> __device__ __forceinline__ void copy_tile(u32 to, const u16* p, i64 stride, int first, int n) {
#pragma unroll
    for (int i = threadIdx.x; i < 512; i += THREADS) {
        int r = i / 8, c = i % 8, row = first + r;
        const u16* from = p + (i64)(row < n ? row : 0) * stride + c * 8;
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to + r * 128 + ((c ^ (r & 7)) << 4)),
                     "l"(from), "r"(row < n ? 16 : 0));
    }
}

// This thread's copies are done and the tensor cores may read them; the barrier after it says so of all threads.
template <int PENDING> __device__ __forceinline__ void tiles_ready() {
    asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    __syncthreads();
}

__device__ __forceinline__ void tiles_end() { asm volatile("cp.async.commit_group;" ::: "memory"); }

__device__ __forceinline__ u32 first_tile(const void* memory) {
    return ((u32)__cvta_generic_to_shared(memory) + 1023) & ~1023u;
}

// One warpgroup, 64 queries. Two that share their keys were measured slower: they wait for one another.
extern "C" __global__ __launch_bounds__(128, 3) void attention_wgmma(const u16* qkv, u16* y, float* logSumExp, int n,
                                                                     int heads) {
    AWAIT_PREDECESSOR
    extern __shared__ u16 raw[];
    u32 qs = first_tile(raw), ks = qs + TILE_BYTES, vs = ks + 2 * TILE_BYTES;
    int width = heads * 64, lane = threadIdx.x & 31;
    i64 stride = 3 * width;
    const u16* base = qkv + (i64)(blockIdx.y / heads) * n * stride + blockIdx.y % heads * 64;
    int tile = gridDim.x - 1 - blockIdx.x, q0 = tile * 64; // long rows of work first
    int mine = q0 + (threadIdx.x >> 5) * 16 + lane / 4;
    copy_tile<128>(qs, base, stride, q0, n);
    copy_tile<128>(ks, base + width, stride, 0, n);
    copy_tile<128>(vs, base + 2 * width, stride, 0, n);
    tiles_end();
    float out[32] = {}, top[2] = {-INF, -INF}, sum[2] = {};
    for (int t = 0; t <= tile; t++) {
        u32 k = ks + (t & 1) * TILE_BYTES, v = vs + (t & 1) * TILE_BYTES;
        if (t < tile) {
            copy_tile<128>(ks + (t + 1 & 1) * TILE_BYTES, base + width, stride, (t + 1) * 64, n);
            copy_tile<128>(vs + (t + 1 & 1) * TILE_BYTES, base + 2 * width, stride, (t + 1) * 64, n);
        }
        tiles_end();
        tiles_ready<1>();
        float s[32];
#pragma unroll
        for (int i = 0; i < 32; i++) s[i] = 0.f;
        products_begin();
        tile_by_tile(s, qs, k);
        products_end();
        products_wait<0>();
        settle(s);
#pragma unroll
        for (int half = 0; half < 2; half++) {
            int row = mine + half * 8;
            float high = top[half];
#pragma unroll
            for (int j = 0; j < 8; j++) {
#pragma unroll
                for (int e = 0; e < 2; e++) {
                    float& x = s[4 * j + 2 * half + e];
                    if (t == tile && t * 64 + j * 8 + lane % 4 * 2 + e > row) x = -INF;
                    high = fmaxf(high, x);
                }
            }
            high = fmaxf(high, __shfl_xor_sync(FULL, high, 1));
            high = fmaxf(high, __shfl_xor_sync(FULL, high, 2));
            float offset = high * W_SCALE, shrink = exp2_fast(top[half] * W_SCALE - offset), more = 0.f;
            top[half] = high;
#pragma unroll
            for (int j = 0; j < 8; j++) {
#pragma unroll
                for (int e = 0; e < 2; e++) {
                    float& x = s[4 * j + 2 * half + e];
                    x = exp2_fast(x * W_SCALE - offset);
                    more += x;
                    out[4 * j + 2 * half + e] *= shrink;
                }
            }
            sum[half] = sum[half] * shrink + more;
        }
        u32 p[4][4];
        to_left(p, s);
        settle(out);
        products_begin();
        registers_by_tile(out, p, v);
        products_end();
        products_wait<0>();
        settle(out);
        __syncthreads();
    }
    u16* to = y + (i64)(blockIdx.y / heads) * n * width + blockIdx.y % heads * 64;
#pragma unroll
    for (int half = 0; half < 2; half++) {
        int row = mine + half * 8;
        float total = sum[half];
        total += __shfl_xor_sync(FULL, total, 1);
        total += __shfl_xor_sync(FULL, total, 2);
        if (row >= n) continue;
        float inverse = 1.f / total;
#pragma unroll
        for (int j = 0; j < 8; j++) {
            *reinterpret_cast<u32*>(to + (i64)row * width + j * 8 + lane % 4 * 2) =
                pack_bf16(out[4 * j + 2 * half] * inverse, out[4 * j + 2 * half + 1] * inverse);
        }
        if (lane % 4 == 0) logSumExp[(i64)blockIdx.y * n + row] = top[half] * 0.125f + logf(total);
    }
}

// dq of two times 64 queries over the keys up to them: two warpgroups share each tile of keys.
extern "C" __global__ __launch_bounds__(256, 2) void attention_dq_wgmma(const u16* qkv, const u16* dy,
                                                                        const float* logSumExp, const float* delta,
                                                                        u16* dqkv, int n, int heads) {
    AWAIT_PREDECESSOR
    extern __shared__ u16 raw[];
    u32 qs = first_tile(raw), ds = qs + 2 * TILE_BYTES, ks = ds + 2 * TILE_BYTES, vs = ks + 2 * TILE_BYTES;
    int width = heads * 64, lane = threadIdx.x & 31;
    i64 stride = 3 * width, rows = (i64)(blockIdx.y / heads) * n;
    int column = blockIdx.y % heads * 64;
    const u16* base = qkv + rows * stride + column;
    int group = threadIdx.x >> 7, tile = (gridDim.x - 1 - blockIdx.x) * 2 + group;
    int last = min(tile - group + 1, (n - 1) / 64);
    int mine = tile * 64 + (threadIdx.x >> 5 & 3) * 16 + lane / 4;
    for (int g = 0; g < 2; g++) {
        copy_tile<256>(qs + g * TILE_BYTES, base, stride, (tile - group + g) * 64, n);
        copy_tile<256>(ds + g * TILE_BYTES, dy + rows * width + column, width, (tile - group + g) * 64, n);
    }
    copy_tile<256>(ks, base + width, stride, 0, n);
    copy_tile<256>(vs, base + 2 * width, stride, 0, n);
    tiles_end();
    float lse[2], shift[2];
#pragma unroll
    for (int half = 0; half < 2; half++) {
        int row = mine + half * 8;
        lse[half] = row < n ? logSumExp[(i64)blockIdx.y * n + row] * W_LOG2E : INF;
        shift[half] = row < n ? delta[(i64)blockIdx.y * n + row] : 0.f;
    }
    float out[32] = {};
    for (int t = 0; t <= last; t++) {
        u32 k = ks + (t & 1) * TILE_BYTES, v = vs + (t & 1) * TILE_BYTES;
        if (t < last) {
            copy_tile<256>(ks + (t + 1 & 1) * TILE_BYTES, base + width, stride, (t + 1) * 64, n);
            copy_tile<256>(vs + (t + 1 & 1) * TILE_BYTES, base + 2 * width, stride, (t + 1) * 64, n);
        }
        tiles_end();
        tiles_ready<1>();
        if (t <= tile) { // else every key comes after this group's queries
            float s[32], dp[32];
#pragma unroll
            for (int i = 0; i < 32; i++) s[i] = dp[i] = 0.f;
            products_begin();
            tile_by_tile(s, qs + group * TILE_BYTES, k);
            products_end();
            tile_by_tile(dp, ds + group * TILE_BYTES, v);
            products_end();
            products_wait<1>();
            settle(s);
#pragma unroll
            for (int i = 0; i < 32; i++) {
                int half = i / 2 % 2, key = t * 64 + i / 4 * 8 + lane % 4 * 2 + i % 2;
                s[i] = exp2_fast(s[i] * W_SCALE - lse[half]);
                if (t == tile && key > mine + half * 8) s[i] = 0.f;
            }
            products_wait<0>();
            settle(dp);
#pragma unroll
            for (int i = 0; i < 32; i++) s[i] *= dp[i] - shift[i / 2 % 2];
            u32 p[4][4];
            to_left(p, s);
            settle(out);
            products_begin();
            registers_by_tile(out, p, k);
            products_end();
            products_wait<0>();
            settle(out);
        }
        __syncthreads();
    }
    u16* to = dqkv + rows * stride + column;
#pragma unroll
    for (int half = 0; half < 2; half++) {
        int row = mine + half * 8;
        if (row >= n) continue;
#pragma unroll
        for (int j = 0; j < 8; j++) {
            *reinterpret_cast<u32*>(to + (i64)row * stride + j * 8 + lane % 4 * 2) =
                pack_bf16(out[4 * j + 2 * half] * 0.125f, out[4 * j + 2 * half + 1] * 0.125f);
        }
    }
}

// dk and dv of 64 keys over the queries from them on.
extern "C" __global__ __launch_bounds__(128, 3) void attention_dkv_wgmma(const u16* qkv, const u16* dy,
                                                                         const float* logSumExp, const float* delta,
                                                                         u16* dqkv, int n, int heads) {
    AWAIT_PREDECESSOR
    extern __shared__ u16 raw[];
    __shared__ float lses[2][64], shifts[2][64];
    u32 ks = first_tile(raw), vs = ks + TILE_BYTES, qs = vs + TILE_BYTES, ds = qs + 2 * TILE_BYTES;
    int width = heads * 64, lane = threadIdx.x & 31;
    i64 stride = 3 * width, rows = (i64)(blockIdx.y / heads) * n;
    int column = blockIdx.y % heads * 64;
    const u16 *base = qkv + rows * stride + column, *upper = dy + rows * width + column;
    const float *lse = logSumExp + (i64)blockIdx.y * n, *shift = delta + (i64)blockIdx.y * n;
    int begin = blockIdx.x, k0 = begin * 64, end = (n + 63) / 64;
    int mine = k0 + (threadIdx.x >> 5) * 16 + lane / 4;
    auto fetch = [&](int t) {
        int buffer = t & 1;
        copy_tile<128>(qs + buffer * TILE_BYTES, base, stride, t * 64, n);
        copy_tile<128>(ds + buffer * TILE_BYTES, upper, width, t * 64, n);
        if (threadIdx.x < 64) {
            int row = t * 64 + threadIdx.x;
            lses[buffer][threadIdx.x] = row < n ? lse[row] * W_LOG2E : INF;
            shifts[buffer][threadIdx.x] = row < n ? shift[row] : 0.f;
        }
    };
    copy_tile<128>(ks, base + width, stride, k0, n);
    copy_tile<128>(vs, base + 2 * width, stride, k0, n);
    fetch(begin);
    tiles_end();
    float dk[32] = {}, dv[32] = {};
    for (int t = begin; t < end; t++) {
        u32 q = qs + (t & 1) * TILE_BYTES, d = ds + (t & 1) * TILE_BYTES;
        if (t + 1 < end) fetch(t + 1);
        tiles_end();
        tiles_ready<1>();
        const float *ls = lses[t & 1], *sh = shifts[t & 1];
        float s[32], dp[32];
#pragma unroll
        for (int i = 0; i < 32; i++) s[i] = dp[i] = 0.f;
        products_begin();
        tile_by_tile(s, ks, q);
        products_end();
        tile_by_tile(dp, vs, d);
        products_end();
        products_wait<1>();
        settle(s);
#pragma unroll
        for (int i = 0; i < 32; i++) {
            int at = i / 4 * 8 + lane % 4 * 2 + i % 2, key = mine + i / 2 % 2 * 8;
            s[i] = exp2_fast(s[i] * W_SCALE - ls[at]);
            if (t == begin && t * 64 + at < key) s[i] = 0.f;
        }
        u32 p[4][4];
        to_left(p, s);
        products_wait<0>();
        settle(dp);
        settle(dv);
        products_begin();
        registers_by_tile(dv, p, d);
        products_end();
#pragma unroll
        for (int i = 0; i < 32; i++) s[i] *= dp[i] - sh[i / 4 * 8 + lane % 4 * 2 + i % 2];
        u32 a[4][4];
        to_left(a, s);
        settle(dk);
        products_begin();
        registers_by_tile(dk, a, q);
        products_end();
        products_wait<0>();
        settle(dv);
        settle(dk);
        __syncthreads();
    }
    u16* to = dqkv + rows * stride + width + column;
#pragma unroll
    for (int half = 0; half < 2; half++) {
        int row = mine + half * 8;
        if (row >= n) continue;
#pragma unroll
        for (int j = 0; j < 8; j++) {
            i64 at = (i64)row * stride + j * 8 + lane % 4 * 2;
            *reinterpret_cast<u32*>(to + at) =
                pack_bf16(dk[4 * j + 2 * half] * 0.125f, dk[4 * j + 2 * half + 1] * 0.125f);
            *reinterpret_cast<u32*>(to + width + at) = pack_bf16(dv[4 * j + 2 * half], dv[4 * j + 2 * half + 1]);
        }
    }
}
#endif
