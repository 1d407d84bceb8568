package io.fathom.program;

import io.fathom.model.Gate;
import io.fathom.model.ParameterLayout;
import org.jspecify.annotations.Nullable;

/**
 * The compositions of stock operations that stand for one instruction each.
 *
 * <p>Every method looks at the node given to it and answers null when it is not that composition.
 */
final class Patterns {
    /** x hat gain + bias, x hat = (x - mean) / sqrt(var + epsilon). */
    record Norm(Node x, String gain, String bias, double epsilon) {}

    /** x w + bias; {@code column} when the weight is a vector, used as a column. */
    record Linear(Node x, String weight, boolean column, String bias) {}

    /** Token table by token plus position table by position. */
    record Embed(Node tokens, String tokenTable, String positionTable) {}

    /** x w with a vector of weights and no bias. */
    record Scores(Node x, String weight) {}

    /** x table'. */
    record Head(Node x, String table) {}

    /** Multi-head causal attention over split(qkv). */
    record Heads(Node qkv, int sequences, int heads) {}

    /** Rows of the k best scores, ascending; where {@code positive}, those above 0 first. */
    record Selection(Node scores, int k, boolean positive) {}

    /** x with g(scores[index]) * delta added on the rows of index; where {@code positive}, only for scores above 0. */
    record Gated(Node x, Node index, Node scores, Node delta, Gate gate, boolean positive) {}

    /** mean(softplus(z) - mask z), mask made from index. */
    record Bce(Node z, Node index) {}

    /** f P / c + (1 - f) (1 - P) / (1 - c). */
    record Balance(Node scores, double capacity) {}

    private final ParameterLayout layout;

    Patterns(ParameterLayout layout) {
        this.layout = layout;
    }

    private boolean isParameter(Node node) {
        return node.op.isEmpty() && layout.contains(node.variable);
    }

    private boolean isColumn(Node node) {
        return node.is("reshape")
                && isParameter(node.in(0))
                && layout.tensor(node.in(0).variable).shape().size() == 1;
    }

    @Nullable
    Norm norm(Node node) {
        if (!node.is("add") || !isParameter(node.in(1)) || !node.in(0).is("multiply")) {
            return null;
        }
        Node scaled = node.in(0);
        if (!isParameter(scaled.in(1)) || !scaled.in(0).is("multiply")) {
            return null;
        }
        Node centred = scaled.in(0).in(0);
        Node rstd = scaled.in(0).in(1);
        if (!centred.is("subtract") || !rstd.is("rsqrt") || !rstd.in(0).is("add_scalar")) {
            return null;
        }
        Node variance = rstd.in(0).in(0);
        Node mean = centred.in(1);
        boolean matches = mean.is("reduce_mean")
                && mean.in(0) == centred.in(0)
                && variance.is("reduce_mean")
                && variance.in(0).is("multiply")
                && variance.in(0).in(0) == centred
                && variance.in(0).in(1) == centred;
        return matches
                ? new Norm(
                        centred.in(0),
                        scaled.in(1).variable,
                        node.in(1).variable,
                        rstd.in(0).scalar())
                : null;
    }

    @Nullable
    Linear linear(Node node) {
        if (!node.is("add") || !node.in(0).is("matmul") || !isParameter(node.in(1))) {
            return null;
        }
        Node product = node.in(0);
        if (product.argument(0) != 0 || product.argument(1) != 0) {
            return null;
        }
        Node weight = product.in(1);
        if (isParameter(weight)) {
            return new Linear(product.in(0), weight.variable, false, node.in(1).variable);
        }
        return isColumn(weight) ? new Linear(product.in(0), weight.in(0).variable, true, node.in(1).variable) : null;
    }

    @Nullable
    Embed embedding(Node node) {
        if (!node.is("add") || !node.in(0).is("gather") || !node.in(1).is("gather")) {
            return null;
        }
        Node token = node.in(0);
        Node position = node.in(1);
        return isParameter(token.in(0)) && isParameter(position.in(0))
                ? new Embed(token.in(1), token.in(0).variable, position.in(0).variable)
                : null;
    }

    @Nullable
    Scores scores(Node node) {
        return node.is("matmul") && isColumn(node.in(1))
                ? new Scores(node.in(0), node.in(1).in(0).variable)
                : null;
    }

    @Nullable
    Head head(Node node) {
        return node.is("matmul") && isParameter(node.in(1)) && node.argument(0) == 0 && node.argument(1) == 1
                ? new Head(node.in(0), node.in(1).variable)
                : null;
    }

    /** The input of the tanh form of gelu: 0.5 ((tanh(c (a x x x + x)) + 1) x). */
    @Nullable
    Node gelu(Node node) {
        if (!isScalar(node, "mul_scalar", 0.5) || !node.in(0).is("multiply")) {
            return null;
        }
        Node x = node.in(0).in(1);
        Node plusOne = node.in(0).in(0);
        if (!isScalar(plusOne, "add_scalar", 1) || !plusOne.in(0).is("tanh")) {
            return null;
        }
        Node scaled = plusOne.in(0).in(0);
        if (!isScalar(scaled, "mul_scalar", Math.sqrt(2 / Math.PI))
                || !scaled.in(0).is("add")) {
            return null;
        }
        Node cubic = scaled.in(0).in(0);
        if (scaled.in(0).in(1) != x
                || !isScalar(cubic, "mul_scalar", 0.044715)
                || !cubic.in(0).is("multiply")) {
            return null;
        }
        Node cube = cubic.in(0);
        Node square = cube.in(0);
        return cube.in(1) == x && square.is("multiply") && square.in(0) == x && square.in(1) == x ? x : null;
    }

    private static boolean isScalar(Node node, String op, double value) {
        return node.is(op) && Math.abs(node.scalar() - value) <= 1e-6 * Math.abs(value);
    }

    @Nullable
    Heads attention(Node node) {
        if (!node.is("reshape") || !node.in(0).is("permute")) {
            return null;
        }
        Node weighted = node.in(0).in(0);
        if (!weighted.is("matmul") || !weighted.in(0).is("softmax")) {
            return null;
        }
        Node masked = weighted.in(0).in(0);
        if (!masked.is("add") || !masked.in(1).op.isEmpty() || !masked.in(0).is("mul_scalar")) {
            return null;
        }
        Node scaled = masked.in(0);
        Node product = scaled.in(0);
        if (!product.is("matmul") || product.argument(1) != 1) {
            return null;
        }
        Node q = head(product.in(0), 0);
        Node k = head(product.in(1), 1);
        Node v = head(weighted.in(1), 2);
        if (q == null || q != k || q != v) {
            return null;
        }
        Node shape = product.in(0).in(0);
        double scale = 1 / Math.sqrt((double) shape.argument(4));
        return isScalar(scaled, "mul_scalar", scale)
                ? new Heads(q, (int) shape.argument(1), (int) shape.argument(3))
                : null;
    }

    /** The input of permute(reshape(split(input)[part])). */
    private static @Nullable Node head(Node node, int part) {
        if (!node.is("permute") || !node.in(0).is("reshape")) {
            return null;
        }
        Node split = node.in(0).in(0);
        // split may take its axis as an input; the array is then the last one.
        return split.is("split") && split.output == part ? split.in(split.inputs.size() - 1) : null;
    }

    @Nullable
    Selection selection(Node node) {
        if (!node.is("reshape") || !node.in(0).is("add") || !node.in(0).in(0).is("cast")) {
            return null;
        }
        Node positions = node.in(0).in(0).in(0);
        boolean positive = positions.is("subtract");
        Node negative = positive ? positions.in(0) : positions;
        if (!negative.is("neg")
                || !negative.in(0).is("top_k")
                || !negative.in(0).in(0).is("neg")) {
            return null;
        }
        Node order = negative.in(0).in(0).in(0);
        Node cast = positive && order.is("add") && isPenalty(order.in(1)) ? order.in(0) : order;
        if (positive == (cast == order) || !cast.is("cast")) {
            return null;
        }
        Node best = cast.in(0);
        return best.is("top_k") && best.output == 1 && best.in(0).is("reshape")
                ? new Selection(best.in(0).in(0), (int) best.argument(0), positive)
                : null;
    }

    /** What puts scores not above 0 behind the others: S for each of them. */
    private static boolean isPenalty(Node node) {
        return node.is("mul_scalar")
                && node.in(0).is("cast")
                && node.in(0).in(0).is("lessthanorequal_scalar");
    }

    @Nullable
    Gated gated(Node node) {
        if (!node.is("scatter_add") || !node.in(2).is("multiply")) {
            return null;
        }
        Node delta = node.in(2).in(0);
        Node factor = node.in(2).in(1);
        boolean positive = factor.is("multiply") && isPositive(factor.in(1)) != null;
        Node gated = positive ? factor.in(0) : factor;
        Gate gate = switch (gated.op) {
            case "sigmoid" -> Gate.SIGMOID;
            case "tanh" -> Gate.TANH;
            default -> Gate.RAW;
        };
        Node picked = gate == Gate.RAW ? gated : gated.in(0);
        boolean matches =
                picked.is("gather") && picked.in(1) == node.in(1) && (!positive || isPositive(factor.in(1)) == picked);
        return matches ? new Gated(node.in(0), node.in(1), picked.in(0), delta, gate, positive) : null;
    }

    /** The input of cast(input > 0). */
    private static @Nullable Node isPositive(Node node) {
        return node.is("cast")
                        && node.in(0).is("greaterthan_scalar")
                        && node.in(0).scalar() == 0
                ? node.in(0).in(0)
                : null;
    }

    @Nullable
    Balance balance(Node node) {
        Node taken = node.is("add") ? node.in(0) : node;
        if (!taken.is("div_scalar") || !taken.in(0).is("multiply")) {
            return null;
        }
        Node f = taken.in(0).in(0);
        Node p = taken.in(0).in(1);
        if (!f.is("reduce_mean") || !p.is("reduce_mean") || !p.in(0).is("sigmoid")) {
            return null;
        }
        Node scores = p.in(0).in(0);
        if (isPositive(f.in(0)) != scores) {
            return null;
        }
        double capacity = taken.scalar();
        boolean whole = taken == node ? capacity == 1 : isRest(node.in(1), f, p, capacity);
        return whole ? new Balance(scores, capacity) : null;
    }

    private static boolean isRest(Node node, Node f, Node p, double capacity) {
        return isScalar(node, "div_scalar", 1 - capacity)
                && node.in(0).is("multiply")
                && isComplement(node.in(0).in(0), f)
                && isComplement(node.in(0).in(1), p);
    }

    private static boolean isComplement(Node node, Node of) {
        return isScalar(node, "rsub_scalar", 1) && node.in(0) == of;
    }

    /** The input of mean(input * input). */
    @Nullable
    Node meanSquare(Node node) {
        return node.is("reduce_mean")
                        && node.in(0).is("multiply")
                        && node.in(0).in(0) == node.in(0).in(1)
                ? node.in(0).in(0)
                : null;
    }

    @Nullable
    Bce binaryCrossEntropy(Node node) {
        if (!node.is("reduce_mean") || !node.in(0).is("subtract")) {
            return null;
        }
        Node softplus = node.in(0).in(0);
        Node masked = node.in(0).in(1);
        if (!softplus.is("softplus") || !masked.is("multiply") || masked.in(1) != softplus.in(0)) {
            return null;
        }
        Node mask = masked.in(0);
        boolean fromIndex = mask.is("scatter_add")
                && mask.in(0).op.isEmpty()
                && mask.in(2).op.isEmpty();
        return fromIndex ? new Bce(softplus.in(0), mask.in(1)) : null;
    }
}
