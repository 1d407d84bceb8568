package io.fathom.program;

import io.fathom.model.Gate;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One operation of a program; every engine runs all of them with the meaning written here.
 *
 * <p>Symbols: B sequences, S tokens of a sequence, n tokens of a sequence in this block (S, or k where it routes), D
 * width, h heads, V vocabulary. All values are row-major matrices. An {@code addend}, where present, is added to the
 * result; the memory plan may give it the result's place. Results of storage GRADIENT are added to what is there.
 */
public sealed interface Instruction {

    /** Values read, in the order of the record. */
    List<Value> reads();

    /** Values written. */
    List<Value> writes();

    /** Floating-point operations of the matrix products in it, 2 m n k each; attention counts full scores. */
    default long flops() {
        return 0;
    }

    /**
     * Values read whose place the first result may take where this is their last reader; an engine must then give the
     * same result.
     */
    default List<Value> inPlace() {
        return List.of();
    }

    private static List<Value> list(@Nullable Value... values) {
        return Stream.of(values)
                .filter(Objects::nonNull)
                .map(Objects::requireNonNull)
                .toList();
    }

    // ---- forward ----

    /** out[b*S+t] = tokenTable[tokens[b*S+t]] + positionTable[t]; out is [B*S, D]. */
    record Embedding(Value tokens, Value tokenTable, Value positionTable, Value out) implements Instruction {
        @Override
        public List<Value> reads() {
            return list(tokens, tokenTable, positionTable);
        }

        @Override
        public List<Value> writes() {
            return list(out);
        }
    }

    /**
     * y = (x - mean) * rstd * gain + bias by row, rstd = 1 / sqrt(variance + epsilon), population variance; mean and
     * rstd are [rows, 1], kept for the gradient.
     */
    record LayerNorm(Value x, Value gain, Value bias, double epsilon, Value y, Value mean, Value rstd)
            implements Instruction {
        @Override
        public List<Value> reads() {
            return list(x, gain, bias);
        }

        @Override
        public List<Value> writes() {
            return list(y, mean, rstd);
        }
    }

    /** c = op(a) op(b) + bias (a row, on every row) + addend; op transposes where its flag is set. */
    record MatMul(
            Value a,
            boolean transposeA,
            Value b,
            boolean transposeB,
            @Nullable Value bias,
            @Nullable Value addend,
            Value c)
            implements Instruction {
        @Override
        public List<Value> inPlace() {
            return list(addend);
        }

        @Override
        public List<Value> reads() {
            return list(a, b, bias, addend);
        }

        @Override
        public List<Value> writes() {
            return list(c);
        }

        /** The inner size of the product. */
        public int inner() {
            return transposeA ? a.rows() : a.columns();
        }

        @Override
        public long flops() {
            return 2L * c.rows() * c.columns() * inner();
        }
    }

    /**
     * Causal multi-head attention of each of {@code sequences} runs of n rows: y = softmax(q k' / sqrt(D/h), lower
     * triangle) v by head, where a row of qkv [B*n, 3D] is q, k, v one after the other, each head by head. y is [B*n,
     * D]; logSumExp [B*h, n] holds log of the softmax denominator of each row, so that the gradient can make the
     * probabilities again.
     */
    record Attention(Value qkv, int sequences, int heads, Value y, Value logSumExp) implements Instruction {
        @Override
        public List<Value> reads() {
            return list(qkv);
        }

        @Override
        public List<Value> writes() {
            return list(y, logSumExp);
        }

        /** n. */
        public int length() {
            return qkv.rows() / sequences;
        }

        @Override
        public long flops() {
            return 4L * y.rows() * length() * y.columns();
        }
    }

    /** y = 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
    record Gelu(Value x, Value y) implements Instruction {
        @Override
        public List<Value> reads() {
            return list(x);
        }

        @Override
        public List<Value> writes() {
            return list(y);
        }
    }

    /** y = x / (1 + exp(-x)). */
    record Silu(Value x, Value y) implements Instruction {
        @Override
        public List<Value> reads() {
            return list(x);
        }

        @Override
        public List<Value> writes() {
            return list(y);
        }
    }

    /** c = a + b. */
    record Add(Value a, Value b, Value c) implements Instruction {
        @Override
        public List<Value> inPlace() {
            return list(a, b);
        }

        @Override
        public List<Value> reads() {
            return list(a, b);
        }

        @Override
        public List<Value> writes() {
            return list(c);
        }
    }

    /** scores = x w: the router weight r of each token, [B*S, 1], at no less than 32 bits. w is a row [1, D]. */
    record RouterScores(Value x, Value w, Value scores) implements Instruction {
        @Override
        public List<Value> reads() {
            return list(x, w);
        }

        @Override
        public List<Value> writes() {
            return list(scores);
        }

        @Override
        public long flops() {
            return 2L * x.length();
        }
    }

    /**
     * scores [B*S, 1] = the standard Gaussian numbers of the batch's seed for this block:
     * {@link io.fathom.model.Noise}.
     */
    record RandomScores(int block, Value scores) implements Instruction {
        @Override
        public List<Value> reads() {
            return List.of();
        }

        @Override
        public List<Value> writes() {
            return list(scores);
        }
    }

    /**
     * The k largest of each sequence's S scores, exactly: ties go to the earlier position. index [B*k, 1] holds row
     * numbers b*S + t, ascending; mask [B*S, 1] is 1 for the chosen tokens, else 0.
     *
     * <p>Where {@code positive}, only tokens with a score above 0 are chosen: they come first in index, ascending, and
     * the rest of the k largest, ascending, fill it up. As those come last, no chosen token attends to one of them.
     */
    record TopK(Value scores, int sequences, int k, boolean positive, Value index, Value mask) implements Instruction {
        @Override
        public List<Value> reads() {
            return list(scores);
        }

        @Override
        public List<Value> writes() {
            return list(index, mask);
        }
    }

    /** y[i] = x[index[i]] by row. */
    record Gather(Value x, Value index, Value y) implements Instruction {
        @Override
        public List<Value> reads() {
            return list(x, index);
        }

        @Override
        public List<Value> writes() {
            return list(y);
        }
    }

    /**
     * y = x; y[index[i]] += g(scores[index[i]]) * delta[i]: Equation 1. Rows of x not chosen pass bit for bit; where
     * {@code positive}, so do rows whose score is not above 0.
     */
    record ScatterGated(Value x, Value index, Value scores, Value delta, Gate gate, boolean positive, Value y)
            implements Instruction {
        @Override
        public List<Value> inPlace() {
            return list(x);
        }

        @Override
        public List<Value> reads() {
            return list(x, index, scores, delta);
        }

        @Override
        public List<Value> writes() {
            return list(y);
        }
    }

    /**
     * losses[i] = logSumExp[i] - logits[i, targets[i]]; loss [1, 1] is their mean; losses and logSumExp are [rows, 1].
     */
    record CrossEntropy(Value logits, Value targets, Value losses, Value loss, Value logSumExp) implements Instruction {
        @Override
        public List<Value> reads() {
            return list(logits, targets);
        }

        @Override
        public List<Value> writes() {
            return list(losses, loss, logSumExp);
        }
    }

    /** loss = mean over rows of softplus(z) - mask * z, the binary cross-entropy of logits z [rows, 1]. */
    record BinaryCrossEntropy(Value z, Value mask, Value loss) implements Instruction {
        @Override
        public List<Value> reads() {
            return list(z, mask);
        }

        @Override
        public List<Value> writes() {
            return list(loss);
        }
    }

    /**
     * loss = f P / c + (1 - f) (1 - P) / (1 - c), with f the share of scores above 0 and P the mean of sigmoid(scores),
     * c the capacity; the second term is left out where c = 1.
     */
    record BalanceLoss(Value scores, double capacity, Value loss) implements Instruction {
        @Override
        public List<Value> reads() {
            return list(scores);
        }

        @Override
        public List<Value> writes() {
            return list(loss);
        }

        /** d loss / d P for the share {@code f} of scores above 0. */
        public static double slope(double f, double capacity) {
            return f / capacity - (capacity == 1 ? 0 : (1 - f) / (1 - capacity));
        }

        /** The loss for the share {@code f} of scores above 0 and the mean {@code p} of their sigmoid. */
        public static double value(double f, double p, double capacity) {
            return f * p / capacity + (capacity == 1 ? 0 : (1 - f) * (1 - p) / (1 - capacity));
        }
    }

    /** loss = mean of z^2. */
    record MeanSquare(Value z, Value loss) implements Instruction {
        @Override
        public List<Value> reads() {
            return list(z);
        }

        @Override
        public List<Value> writes() {
            return list(loss);
        }
    }

    /** total = sum of weights[i] * terms[i], all [1, 1]. */
    record WeightedSum(List<Value> terms, List<Double> weights, Value total) implements Instruction {
        public WeightedSum {
            terms = List.copyOf(terms);
            weights = List.copyOf(weights);
        }

        @Override
        public List<Value> reads() {
            return terms;
        }

        @Override
        public List<Value> writes() {
            return list(total);
        }
    }

    // ---- gradients ----

    /** tokenTable gradient: each row of dOut added to its token's row; positionTable's: to its position's row. */
    record EmbeddingGrad(Value tokens, Value dOut, Value dTokenTable, Value dPositionTable) implements Instruction {
        @Override
        public List<Value> reads() {
            return list(tokens, dOut);
        }

        @Override
        public List<Value> writes() {
            return list(dTokenTable, dPositionTable);
        }
    }

    /**
     * With xhat = (x - mean) rstd and u = dy * gain: dx = rstd (u - mean(u) - xhat mean(u xhat)) + addend; dGain = sum
     * over rows of dy xhat; dBias = sum over rows of dy.
     */
    record LayerNormGrad(
            Value x,
            Value gain,
            Value mean,
            Value rstd,
            Value dy,
            @Nullable Value addend,
            Value dx,
            Value dGain,
            Value dBias)
            implements Instruction {
        @Override
        public List<Value> inPlace() {
            return list(addend);
        }

        @Override
        public List<Value> reads() {
            return list(x, gain, mean, rstd, dy, addend);
        }

        @Override
        public List<Value> writes() {
            return list(dx, dGain, dBias);
        }
    }

    /** dBias [1, columns] = sum over rows of dy. */
    record ColumnSum(Value dy, Value dBias) implements Instruction {
        @Override
        public List<Value> reads() {
            return list(dy);
        }

        @Override
        public List<Value> writes() {
            return list(dBias);
        }
    }

    /** The gradient of {@link Attention} with respect to qkv; its FLOPs do not count making the scores again. */
    record AttentionGrad(Value qkv, Value y, Value logSumExp, Value dy, int sequences, int heads, Value dqkv)
            implements Instruction {
        @Override
        public List<Value> reads() {
            return list(qkv, y, logSumExp, dy);
        }

        @Override
        public List<Value> writes() {
            return list(dqkv);
        }

        /** n. */
        public int length() {
            return qkv.rows() / sequences;
        }

        @Override
        public long flops() {
            return 8L * y.rows() * length() * y.columns();
        }
    }

    /** dx = dy * gelu'(x). */
    record GeluGrad(Value x, Value dy, Value dx) implements Instruction {
        @Override
        public List<Value> inPlace() {
            return list(dy);
        }

        @Override
        public List<Value> reads() {
            return list(x, dy);
        }

        @Override
        public List<Value> writes() {
            return list(dx);
        }
    }

    /** dx = dy * silu'(x). */
    record SiluGrad(Value x, Value dy, Value dx) implements Instruction {
        @Override
        public List<Value> inPlace() {
            return list(dy);
        }

        @Override
        public List<Value> reads() {
            return list(x, dy);
        }

        @Override
        public List<Value> writes() {
            return list(dx);
        }
    }

    /** dx = addend + dScores w (outer product); dW [1, D] = dScores' x. */
    record RouterScoresGrad(
            Value x, Value w, Value dScores, @Nullable Value addend, Value dx, Value dW) implements Instruction {
        @Override
        public List<Value> inPlace() {
            return list(addend);
        }

        @Override
        public List<Value> reads() {
            return list(x, w, dScores, addend);
        }

        @Override
        public List<Value> writes() {
            return list(dx, dW);
        }

        @Override
        public long flops() {
            return 4L * x.length();
        }
    }

    /** dx = addend; dx[index[i]] += dy[i]: the gradient of {@link Gather}. Without an addend dx starts at zero. */
    record GatherGrad(Value index, Value dy, @Nullable Value addend, Value dx) implements Instruction {
        @Override
        public List<Value> inPlace() {
            return list(addend);
        }

        @Override
        public List<Value> reads() {
            return list(index, dy, addend);
        }

        @Override
        public List<Value> writes() {
            return list(dx);
        }
    }

    /**
     * The gradient of {@link ScatterGated}: dDelta[i] = g(r_i) dy[index[i]]; dScores = addend, and at index[i] further
     * g'(r_i) * (dy[index[i]] . delta[i]). The gradient with respect to x is dy itself. Where {@code positive}, rows
     * whose score is not above 0 give 0 to both.
     */
    record ScatterGatedGrad(
            Value index,
            Value scores,
            Value delta,
            Gate gate,
            boolean positive,
            Value dy,
            @Nullable Value addend,
            Value dDelta,
            Value dScores)
            implements Instruction {
        @Override
        public List<Value> inPlace() {
            return list(addend);
        }

        @Override
        public List<Value> reads() {
            return list(index, scores, delta, dy, addend);
        }

        @Override
        public List<Value> writes() {
            return list(dScores, dDelta);
        }
    }

    /** dLogits = weight / rows * (softmax(logits) - onehot(targets)). */
    record CrossEntropyGrad(Value logits, Value targets, Value logSumExp, double weight, Value dLogits)
            implements Instruction {
        @Override
        public List<Value> inPlace() {
            return list(logits);
        }

        @Override
        public List<Value> reads() {
            return list(logits, targets, logSumExp);
        }

        @Override
        public List<Value> writes() {
            return list(dLogits);
        }
    }

    /** dz = weight / rows * (sigmoid(z) - mask) + addend. */
    record BinaryCrossEntropyGrad(
            Value z, Value mask, double weight, @Nullable Value addend, Value dz) implements Instruction {
        @Override
        public List<Value> inPlace() {
            return list(addend);
        }

        @Override
        public List<Value> reads() {
            return list(z, mask, addend);
        }

        @Override
        public List<Value> writes() {
            return list(dz);
        }
    }

    /**
     * dScores = weight / rows * (f / c - (1 - f) / (1 - c)) * s (1 - s) + addend, s = sigmoid(scores); f is held fixed.
     */
    record BalanceLossGrad(
            Value scores,
            double capacity,
            double weight,
            @Nullable Value addend,
            Value dScores) implements Instruction {
        @Override
        public List<Value> inPlace() {
            return list(addend);
        }

        @Override
        public List<Value> reads() {
            return list(scores, addend);
        }

        @Override
        public List<Value> writes() {
            return list(dScores);
        }
    }

    /** dz = weight * 2 z / rows + addend. */
    record MeanSquareGrad(Value z, double weight, @Nullable Value addend, Value dz) implements Instruction {
        @Override
        public List<Value> inPlace() {
            return list(addend);
        }

        @Override
        public List<Value> reads() {
            return list(z, addend);
        }

        @Override
        public List<Value> writes() {
            return list(dz);
        }
    }

    /**
     * The tied head in one pass, so that the logits [B*S, V] need never be whole in memory: with logits = x table',
     * losses and loss as {@link CrossEntropy}, then for weight * loss: dx = dLogits table, dTable += dLogits' x.
     */
    record HeadLoss(
            Value x, Value table, Value targets, double weight, Value losses, Value loss, Value dx, Value dTable)
            implements Instruction {
        @Override
        public List<Value> reads() {
            return list(x, table, targets);
        }

        @Override
        public List<Value> writes() {
            return list(losses, loss, dx, dTable);
        }

        @Override
        public long flops() {
            return 6L * x.rows() * x.columns() * table.rows();
        }
    }
}
