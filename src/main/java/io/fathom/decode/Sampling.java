package io.fathom.decode;

import io.fathom.config.UserError;
import java.util.Arrays;
import java.util.Comparator;
import java.util.OptionalInt;
import java.util.PriorityQueue;
import java.util.SplittableRandom;

/**
 * How the next token is chosen from its logits: softmax(logits / temperature), cut to the {@code topK} likeliest
 * tokens, then to the fewest likeliest that hold {@code topP} of what is left.
 *
 * @param temperature at least 0; 0 takes the likeliest token, the one of the lower id where two are equal
 * @param topK tokens to choose from; empty for all
 * @param topP share of the probability to choose from, in (0, 1]; 1 for all
 * @param seed of the stream of random numbers: same seed, same model, same prompt, same text
 */
public record Sampling(double temperature, OptionalInt topK, double topP, long seed) {
    /** The likeliest token each time. */
    public static final Sampling GREEDY = new Sampling(0, OptionalInt.empty(), 1, 0);

    public Sampling {
        if (!(temperature >= 0) || Double.isInfinite(temperature)) {
            throw new UserError("temperature = " + temperature + ": must be >= 0 (0 takes the likeliest token)");
        }
        if (topK.isPresent() && topK.getAsInt() < 1) {
            throw new UserError("top-k = " + topK.getAsInt() + ": must be >= 1");
        }
        if (!(topP > 0 && topP <= 1)) {
            throw new UserError("top-p = " + topP + ": must be in (0, 1]");
        }
    }

    /** The random numbers of text number {@code text} of a batch. */
    SplittableRandom random(int text) {
        return new SplittableRandom(seed + text * 0x9E3779B97F4A7C15L);
    }

    /** The next token. */
    int choose(float[] logits, SplittableRandom random) {
        int[] candidates = candidates(logits);
        if (candidates.length == 1) {
            return candidates[0];
        }
        double largest = logits[candidates[0]];
        double[] weights = new double[candidates.length];
        double sum = 0;
        for (int i = 0; i < candidates.length; i++) {
            weights[i] = Math.exp((logits[candidates[i]] - largest) / temperature);
            sum += weights[i];
        }
        int kept = candidates.length;
        if (topP < 1) {
            double share = 0;
            for (kept = 0; share < topP * sum && kept < weights.length; kept++) {
                share += weights[kept];
            }
            sum = share;
        }
        double point = random.nextDouble() * sum;
        for (int i = 0; i < kept; i++) {
            point -= weights[i];
            if (point < 0) {
                return candidates[i];
            }
        }
        return candidates[kept - 1];
    }

    /** Tokens by falling logit, ties by rising id, as many as may be chosen. */
    private int[] candidates(float[] logits) {
        int count = temperature == 0 ? 1 : Math.min(logits.length, topK.orElse(logits.length));
        if (count == 1) {
            return new int[] {likeliest(logits)};
        }
        long[] keys = count < logits.length ? smallest(logits, count) : new long[logits.length];
        if (count == logits.length) {
            Arrays.setAll(keys, id -> key(logits[id], id));
        }
        Arrays.sort(keys);
        return Arrays.stream(keys).mapToInt(key -> (int) key).toArray();
    }

    private static int likeliest(float[] logits) {
        int best = 0;
        for (int id = 0; id < logits.length; id++) {
            requireNumber(logits[id]);
            best = logits[id] > logits[best] ? id : best;
        }
        return best;
    }

    /** The {@code count} smallest keys, in no order: few of a large vocabulary, so that it is not sorted as a whole. */
    private static long[] smallest(float[] logits, int count) {
        PriorityQueue<Long> kept = new PriorityQueue<>(count, Comparator.reverseOrder());
        long largest = Long.MAX_VALUE;
        for (int id = 0; id < logits.length; id++) {
            long key = key(logits[id], id);
            if (kept.size() == count && key < largest) {
                kept.remove();
            }
            if (kept.size() < count) {
                kept.add(key);
                largest = kept.element();
            }
        }
        return kept.stream().mapToLong(Long::longValue).toArray();
    }

    /** A number that is the smaller the larger the logit, then the smaller the id, which its lower half is. */
    private static long key(float logit, int id) {
        requireNumber(logit);
        // Float bits in an order that sorts like the numbers do, largest first, the id behind them.
        int bits = Float.floatToIntBits(logit + 0f);
        int rising = bits >= 0 ? bits : bits ^ Integer.MAX_VALUE;
        return (long) ~rising << 32 | id;
    }

    private static void requireNumber(float logit) {
        if (Float.isNaN(logit)) {
            throw new UserError("the model's logits are not numbers: its training has failed; use an earlier round");
        }
    }
}
