// Token and position embeddings. The gradient of the token table needs no atomics: the host sorts the positions by
// token (stable) when it stages the batch, and equal tokens are then neighbours.

extern "C" __global__ void embedding(const int* tokens, const float* tokenTable, const float* positionTable, real* out,
                                     int rows, int length) {
    AWAIT_PREDECESSOR
    int row = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    if (row >= rows) return;
    Row a = load_row(tokenTable + (i64)tokens[row] * WIDTH), b = load_row(positionTable + (i64)(row % length) * WIDTH);
    EACH(i, j) a.v[i][j] += b.v[i][j];
    store_row(out + (i64)row * WIDTH, a);
}

// One warp a position: dPositionTable[t] (+)= sum over sequences of dOut[b, t].
extern "C" __global__ void position_grad(const real* dOut, float* dPositionTable, int sequences, int length,
                                         int accumulate) {
    AWAIT_PREDECESSOR
    int t = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    if (t >= length) return;
    float* out = dPositionTable + (i64)t * WIDTH;
    Row sum = accumulate ? load_row(out) : zero_row();
#pragma unroll 4
    for (int b = 0; b < sequences; b++) {
        Row d = load_row(dOut + ((i64)b * length + t) * WIDTH);
        EACH(i, j) sum.v[i][j] += d.v[i][j];
    }
    store_row(out, sum);
}

#define STRETCH 16

// order[p]: the row of sorted position p. One warp takes STRETCH sorted positions and sums each run of equal tokens. A
// run that lies within the stretch goes straight to the table; the pieces of one that reaches over its ends go to
// edge[stretch][0] (the run that comes in) and edge[stretch][1] (one that starts here and goes on).
extern "C" __global__ void token_grad(const int* tokens, const int* order, const real* dOut, float* dTokenTable,
                                      float* edge, int rows) {
    AWAIT_PREDECESSOR
    int stretch = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    int begin = stretch * STRETCH, end = min(rows, begin + STRETCH);
    if (begin >= rows) return;
    int previous = begin > 0 ? tokens[order[begin - 1]] : -1;
    int next = end < rows ? tokens[order[end]] : -1;
    int token = tokens[order[begin]];
    Row sum = zero_row();
    for (int p = begin; p < end; p++) {
        Row d = load_row(dOut + (i64)order[p] * WIDTH);
        EACH(i, j) sum.v[i][j] += d.v[i][j];
        int following = p + 1 < end ? tokens[order[p + 1]] : -2;
        if (following == token) continue;
        if (token == previous) {
            store_row(edge + (i64)stretch * 2 * WIDTH, sum);
        } else if (p + 1 == end && token == next) {
            store_row(edge + ((i64)stretch * 2 + 1) * WIDTH, sum);
        } else {
            float* out = dTokenTable + (i64)token * WIDTH;
            Row old = load_row(out);
            EACH(i, j) old.v[i][j] += sum.v[i][j];
            store_row(out, old);
        }
        sum = zero_row();
        token = following;
    }
}

// Joins the runs that reach over stretches: the warp of the stretch where one starts adds its pieces in order.
extern "C" __global__ void token_grad_edges(const int* tokens, const int* order, const float* edge, float* dTokenTable,
                                            int rows) {
    AWAIT_PREDECESSOR
    int stretch = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    int begin = stretch * STRETCH, end = begin + STRETCH;
    if (end >= rows) return;
    int token = tokens[order[end - 1]];
    bool enters = begin > 0 && tokens[order[begin - 1]] == token;
    if (enters || tokens[order[end]] != token) return;
    Row sum = load_row(edge + ((i64)stretch * 2 + 1) * WIDTH);
    for (int s = stretch + 1; s * STRETCH < rows && tokens[order[s * STRETCH]] == token; s++) {
        Row d = load_row(edge + (i64)s * 2 * WIDTH);
        EACH(i, j) sum.v[i][j] += d.v[i][j];
    }
    float* out = dTokenTable + (i64)token * WIDTH;
    Row old = load_row(out);
    EACH(i, j) old.v[i][j] += sum.v[i][j];
    store_row(out, old);
}
