package io.fathom.engine.cpu;

import java.util.Arrays;

/**
 * {@link io.fathom.program.Instruction.TopK}: lanes share the sequences. Exact and stable by a radix search: four
 * histograms of eight bits each find the k-th largest score; all scores above it are taken, and of those equal to it
 * the earliest.
 */
record TopKStep(Floats scores, int[] index, Floats mask, int sequences, int length, int k, boolean positive)
        implements Step {
    @Override
    public void run(Lane lane) {
        int to = lane.to(sequences);
        for (int sequence = lane.from(sequences); sequence < to; sequence++) {
            scores.get(sequence * length, lane.a, length);
            for (int i = 0; i < length; i++) {
                lane.keys[i] = key(lane.a[i]);
            }
            choose(lane, sequence);
            mask.put(sequence * length, lane.b, length);
        }
    }

    /** An int that orders as the float does; -0 equals +0, as in a comparison. */
    private static int key(float score) {
        int bits = Float.floatToIntBits(score + 0f);
        return bits ^ (bits >> 31 & Integer.MAX_VALUE);
    }

    private void choose(Lane lane, int sequence) {
        int[] keys = lane.keys;
        int prefix = 0;
        int above = 0;
        for (int shift = 24; shift >= 0; shift -= 8) {
            int digit = digit(keys, lane.histogram, shift, prefix, k - above);
            for (int d = digit + 1; d < 256; d++) {
                above += lane.histogram[d];
            }
            prefix |= digit << shift;
        }
        int threshold = prefix ^ Integer.MIN_VALUE;
        int equal = k - above;
        int next = sequence * k;
        // The chosen fill index from the front, the rest of the k largest from the back.
        int rest = next + k;
        for (int i = 0; i < length; i++) {
            boolean taken = keys[i] > threshold || (keys[i] == threshold && equal-- > 0);
            boolean chosen = taken && !(positive && lane.a[i] <= 0);
            lane.b[i] = chosen ? 1f : 0f;
            if (chosen) {
                index[next++] = sequence * length + i;
            } else if (taken) {
                index[--rest] = sequence * length + i;
            }
        }
        reverse(rest, sequence * k + k);
    }

    private void reverse(int from, int to) {
        for (int i = from, j = to - 1; i < j; i++, j--) {
            int row = index[i];
            index[i] = index[j];
            index[j] = row;
        }
    }

    /** The digit at {@code shift} of the {@code wanted}-th largest key among those that begin with {@code prefix}. */
    private int digit(int[] keys, int[] histogram, int shift, int prefix, int wanted) {
        Arrays.fill(histogram, 0);
        long beginning = shift == 24 ? 0 : prefix >>> (shift + 8);
        for (int i = 0; i < length; i++) {
            int unsigned = keys[i] ^ Integer.MIN_VALUE;
            if (shift == 24 || unsigned >>> (shift + 8) == beginning) {
                histogram[unsigned >>> shift & 255]++;
            }
        }
        int digit = 255;
        for (int left = wanted - histogram[digit]; left > 0; left -= histogram[digit]) {
            digit--;
        }
        return digit;
    }
}
