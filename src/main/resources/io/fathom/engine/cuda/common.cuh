// What every kernel of the engine shares: the type `real` of activations, wide loads, sums in a fixed order.
//
// Set by the compiler's command line: REAL_BF16 (0: real is float; 1: bfloat16), WIDTH (D), HEAD_WIDTH (D / h), GATE
// (0 sigmoid, 1 raw, 2 tanh). There is no include: NVRTC needs no header folder on the user's machine.
//
// Every sum is taken in an order that depends on sizes alone, so the same input gives the same bits.

typedef unsigned short u16;
typedef unsigned int u32;
typedef long long i64;

#define FULL 0xffffffffu
#define INF __int_as_float(0x7f800000)

#if REAL_BF16
typedef u16 real; // the bits of a bfloat16
#else
typedef float real;
#endif

// First in every kernel. From Hopper on a kernel is launched while the one before it still ends, and waits here until all
// that one wrote can be seen: the launch itself then costs next to nothing.
#if __CUDA_ARCH__ >= 900
#define AWAIT_PREDECESSOR asm volatile("griddepcontrol.wait;" ::: "memory");
#else
#define AWAIT_PREDECESSOR
#endif

__device__ __forceinline__ float widen(float x) { return x; }
__device__ __forceinline__ float widen(u16 x) { return __uint_as_float((u32)x << 16); }

// Two floats to two bfloat16, round to nearest even, `low` in the low half.
__device__ __forceinline__ u32 pack_bf16(float low, float high) {
    u32 packed;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
    return packed;
}

template <typename T> __device__ __forceinline__ T narrow(float x);
template <> __device__ __forceinline__ float narrow<float>(float x) { return x; }
#if REAL_BF16
template <> __device__ __forceinline__ u16 narrow<u16>(float x) {
    u16 bits;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
}
#endif

// N neighbouring elements, moved in accesses of up to 16 bytes.
template <typename T, int N> struct alignas(N * sizeof(T) > 16 ? 16 : N * sizeof(T)) Pack {
    T v[N];
};

template <int N, typename T> __device__ __forceinline__ void load(const T* p, float (&x)[N]) {
    Pack<T, N> pack = *reinterpret_cast<const Pack<T, N>*>(p);
#pragma unroll
    for (int i = 0; i < N; i++) x[i] = widen(pack.v[i]);
}

template <int N, typename T> __device__ __forceinline__ void store(T* p, const float (&x)[N]) {
    Pack<T, N> pack;
#pragma unroll
    for (int i = 0; i < N; i++) pack.v[i] = narrow<T>(x[i]);
    *reinterpret_cast<Pack<T, N>*>(p) = pack;
}

__device__ __forceinline__ float warp_sum(float x) {
#pragma unroll
    for (int o = 16; o > 0; o >>= 1) x += __shfl_xor_sync(FULL, x, o);
    return x;
}

__device__ __forceinline__ float warp_max(float x) {
#pragma unroll
    for (int o = 16; o > 0; o >>= 1) x = fmaxf(x, __shfl_xor_sync(FULL, x, o));
    return x;
}

// Sum over the block, given to every thread; `room` has a float for each warp.
__device__ __forceinline__ float block_sum(float x, float* room) {
    int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, warps = blockDim.x >> 5;
    x = warp_sum(x);
    __syncthreads();
    if (lane == 0) room[warp] = x;
    __syncthreads();
    return warp_sum(lane < warps ? room[lane] : 0.f);
}

__device__ __forceinline__ float block_max(float x, float* room) {
    int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, warps = blockDim.x >> 5;
    x = warp_max(x);
    __syncthreads();
    if (lane == 0) room[warp] = x;
    __syncthreads();
    return warp_max(lane < warps ? room[lane] : -INF);
}

// A row of WIDTH elements spread over a warp: lane l holds elements (i * 32 + l) * VEC ... + VEC - 1 for each i.
#if WIDTH % 8 == 0 && (WIDTH % 256 == 0 || WIDTH % 128 != 0) && WIDTH >= 256
#define VEC 8
#elif WIDTH % 4 == 0
#define VEC 4
#elif WIDTH % 2 == 0
#define VEC 2
#else
#define VEC 1
#endif
#define PARTS ((WIDTH + 32 * VEC - 1) / (32 * VEC))

struct Row {
    float v[PARTS][VEC];
};

__device__ __forceinline__ bool in_row(int part, int lane) {
    return (part + 1) * 32 * VEC <= WIDTH || (part * 32 + lane) * VEC < WIDTH;
}

template <typename T> __device__ __forceinline__ Row load_row(const T* p) {
    int lane = threadIdx.x & 31;
    Row row;
#pragma unroll
    for (int i = 0; i < PARTS; i++) {
        if (in_row(i, lane)) {
            load<VEC>(p + (i * 32 + lane) * VEC, row.v[i]);
        } else {
#pragma unroll
            for (int j = 0; j < VEC; j++) row.v[i][j] = 0.f;
        }
    }
    return row;
}

template <typename T> __device__ __forceinline__ void store_row(T* p, const Row& row) {
    int lane = threadIdx.x & 31;
#pragma unroll
    for (int i = 0; i < PARTS; i++) {
        if (in_row(i, lane)) store<VEC>(p + (i * 32 + lane) * VEC, row.v[i]);
    }
}

#define EACH(i, j)                                                                                                     \
    _Pragma("unroll") for (int i = 0; i < PARTS; i++) _Pragma("unroll") for (int j = 0; j < VEC; j++)

__device__ __forceinline__ Row zero_row() {
    Row row;
    EACH(i, j) row.v[i][j] = 0.f;
    return row;
}

__device__ __forceinline__ float row_dot(const Row& a, const Row& b) {
    float sum = 0.f;
    EACH(i, j) sum += a.v[i][j] * b.v[i][j];
    return warp_sum(sum);
}

// The rows of a block's warps summed in warp order into out[WIDTH]; `room` holds WIDTH floats.
__device__ __forceinline__ void block_row_sum(const Row& row, float* room, float* out) {
    int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, warps = blockDim.x >> 5;
    for (int w = 0; w < warps; w++) {
        __syncthreads();
        if (warp == w) {
#pragma unroll
            for (int i = 0; i < PARTS; i++) {
                if (!in_row(i, lane)) continue;
#pragma unroll
                for (int j = 0; j < VEC; j++) {
                    int c = (i * 32 + lane) * VEC + j;
                    room[c] = w == 0 ? row.v[i][j] : room[c] + row.v[i][j];
                }
            }
        }
    }
    __syncthreads();
    for (int c = threadIdx.x; c < WIDTH; c += blockDim.x) out[c] = room[c];
}

__device__ __forceinline__ float gelu(float x) {
    return 0.5f * x * (1.f + tanhf(0.7978845608028654f * (x + 0.044715f * x * x * x)));
}

__device__ __forceinline__ float sigmoid(float x) { return 1.f / (1.f + expf(-x)); }

__device__ __forceinline__ float gate(float r) {
#if GATE == 0
    return 1.f / (1.f + expf(-r));
#elif GATE == 1
    return r;
#else
    return tanhf(r);
#endif
}
