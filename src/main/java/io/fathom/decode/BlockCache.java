package io.fathom.decode;

import java.util.Arrays;

/**
 * The keys and values of one sequence in one block, on the processor: those of the tokens that entered the block and of
 * no other, in the order they came.
 */
final class BlockCache {
    private static final int FIRST_ROOM = 16;

    private final int width;
    private final int context;
    private float[] keys = {};
    private float[] values = {};
    private int tokens;

    BlockCache(int width, int context) {
        this.width = width;
        this.context = context;
    }

    /** Adds the next token; {@code qkv} is its query, key and value one after the other. */
    void add(float[] qkv) {
        if (tokens * width == keys.length) {
            int room = Math.min(context, Math.max(FIRST_ROOM, tokens + tokens / 2));
            keys = Arrays.copyOf(keys, room * width);
            values = Arrays.copyOf(values, room * width);
        }
        System.arraycopy(qkv, width, keys, tokens * width, width);
        System.arraycopy(qkv, 2 * width, values, tokens * width, width);
        tokens++;
    }

    /** y = softmax(q k' / sqrt(D/h)) v by head over all tokens in the cache; q is the first third of {@code qkv}. */
    float[] attend(float[] qkv, int heads) {
        int headWidth = width / heads;
        double scale = 1 / Math.sqrt(headWidth);
        float[] y = new float[width];
        float[] weights = new float[tokens];
        for (int head = 0; head < heads; head++) {
            int column = head * headWidth;
            double largest = Double.NEGATIVE_INFINITY;
            for (int t = 0; t < tokens; t++) {
                float score = (float) (scale * dot(qkv, column, keys, t * width + column, headWidth));
                weights[t] = score;
                largest = Math.max(largest, score);
            }
            double sum = 0;
            for (int t = 0; t < tokens; t++) {
                weights[t] = (float) Math.exp(weights[t] - largest);
                sum += weights[t];
            }
            for (int t = 0; t < tokens; t++) {
                float weight = (float) (weights[t] / sum);
                int row = t * width + column;
                for (int d = 0; d < headWidth; d++) {
                    y[column + d] += weight * values[row + d];
                }
            }
        }
        return y;
    }

    private static float dot(float[] a, int aOffset, float[] b, int bOffset, int length) {
        // Four sums, since one would wait for itself at every addition.
        float s0 = 0;
        float s1 = 0;
        float s2 = 0;
        float s3 = 0;
        int i = 0;
        for (; i + 3 < length; i += 4) {
            s0 += a[aOffset + i] * b[bOffset + i];
            s1 += a[aOffset + i + 1] * b[bOffset + i + 1];
            s2 += a[aOffset + i + 2] * b[bOffset + i + 2];
            s3 += a[aOffset + i + 3] * b[bOffset + i + 3];
        }
        for (; i < length; i++) {
            s0 += a[aOffset + i] * b[bOffset + i];
        }
        return (s0 + s1) + (s2 + s3);
    }
}
