package io.fathom.program;

import io.fathom.config.UserError;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.program.Instruction.Add;
import io.fathom.program.Instruction.Attention;
import io.fathom.program.Instruction.Embedding;
import io.fathom.program.Instruction.Gather;
import io.fathom.program.Instruction.Gelu;
import io.fathom.program.Instruction.LayerNorm;
import io.fathom.program.Instruction.MatMul;
import io.fathom.program.Instruction.RandomScores;
import io.fathom.program.Instruction.RouterScores;
import io.fathom.program.Instruction.ScatterGated;
import io.fathom.program.Instruction.Silu;
import io.fathom.program.Instruction.TopK;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * Reads the SameDiff graph of a model, built or loaded, into forward instructions.
 *
 * <p>Each instruction stands for a composition of stock operations; the reader looks for those compositions from the
 * losses, which {@link LossReader} reads, upwards and takes a sum into the matrix product that made one side of it. A
 * composition it does not know is an error that names the variable.
 */
final class GraphReader {
    private static final Pattern SCORES = Pattern.compile("h\\.(\\d+)\\.scores");

    final Forward pass;
    final Patterns patterns;
    private final Map<Node, Value> reals = new HashMap<>();
    private final Map<Node, TopK> selections = new HashMap<>();
    private final Map<String, Value> inputs = new HashMap<>();

    private GraphReader(Forward pass) {
        this.pass = pass;
        this.patterns = new Patterns(pass.layout);
    }

    /**
     * The forward pass of {@code graph}, a graph of {@code spec} over {@code sequences} sequences. For training the
     * tied head and its loss become one instruction; otherwise the logits are an output.
     */
    static Forward read(SameDiff graph, ModelSpec spec, int sequences, boolean training) {
        if (!graph.hasVariable("total")) {
            throw new UserError("the graph has no variable \"total\": it is not a model that Fathom built");
        }
        Forward pass = new Forward(spec, sequences);
        Map<String, Node> nodes = Node.reach(graph, "total");
        new LossReader(graph, nodes, new GraphReader(pass), training).read();
        return pass;
    }

    static UserError unknown(Node node) {
        return new UserError("the graph's variable \"" + node.variable + "\" is made by the operation \"" + node.op
                + "\" in a way Fathom does not compile; it compiles the graphs it builds, saved and loaded ones too");
    }

    /** The batch input behind a reshape. */
    Value tokens(Node node) {
        Node input = node.is("reshape") ? node.in(0) : node;
        if (!input.op.isEmpty() || !List.of("tokens", "targets").contains(input.variable)) {
            throw unknown(node);
        }
        return inputs.computeIfAbsent(input.variable, pass::input);
    }

    /** The value of {@code node}: made by instructions on the first call. */
    Value real(Node node) {
        Value known = reals.get(node);
        if (known != null) {
            return known;
        }
        Value value = make(node);
        reals.put(node, value);
        return value;
    }

    private Value make(Node node) {
        return switch (node.op) {
            case "add" -> add(node);
            case "matmul" -> matMul(node);
            case "mul_scalar" -> gelu(node);
            case "reshape" -> attention(node);
            case "swish" -> silu(node);
            case "gather" -> gather(node);
            case "scatter_add" -> scatterGated(node);
            case "stop_gradient" -> real(node.in(0));
            case "" -> chance(node);
            default -> throw unknown(node);
        };
    }

    private Value add(Node node) {
        Patterns.Norm norm = patterns.norm(node);
        if (norm != null) {
            Value x = real(norm.x());
            Value y = pass.like(node.variable, x);
            pass.emit(new LayerNorm(
                    x,
                    pass.parameter(norm.gain()),
                    pass.parameter(norm.bias()),
                    norm.epsilon(),
                    y,
                    pass.real(node.variable + ".mean", x.rows(), 1),
                    pass.real(node.variable + ".rstd", x.rows(), 1)));
            return y;
        }
        Patterns.Linear linear = patterns.linear(node);
        if (linear != null) {
            return product(node, linear, null);
        }
        Patterns.Embed embed = patterns.embedding(node);
        if (embed != null) {
            Value tokens = tokens(embed.tokens());
            Value out = pass.real(node.variable, tokens.rows(), pass.spec.width());
            pass.emit(new Embedding(
                    tokens, pass.parameter(embed.tokenTable()), pass.parameter(embed.positionTable()), out));
            return out;
        }
        Value left = real(node.in(0));
        Patterns.Linear right = patterns.linear(node.in(1));
        if (right != null && node.in(1).readers == 1) {
            return product(node, right, left);
        }
        Value sum = pass.like(node.variable, left);
        pass.emit(new Add(left, real(node.in(1)), sum));
        return sum;
    }

    private Value product(Node node, Patterns.Linear linear, @Nullable Value addend) {
        Value x = real(linear.x());
        Value w = pass.parameter(linear.weight());
        // A vector of weights is a row: its product with x is x w'.
        boolean transpose = linear.column();
        Value c = pass.real(node.variable, x.rows(), transpose ? w.rows() : w.columns());
        MatMul product = new MatMul(x, false, w, transpose, pass.parameter(linear.bias()), addend, c);
        if (linear.x().is("stop_gradient")) {
            pass.detached.add(product);
        }
        pass.emit(product);
        if (transpose) {
            pass.outputs.put(node.variable, c);
        }
        return c;
    }

    private Value matMul(Node node) {
        Patterns.Scores router = patterns.scores(node);
        if (router != null) {
            Value x = real(router.x());
            Value scores = pass.real(node.variable, x.rows(), 1);
            pass.emit(new RouterScores(x, pass.parameter(router.weight()), scores));
            pass.outputs.put(node.variable, scores);
            return scores;
        }
        Patterns.Head head = patterns.head(node);
        if (head == null) {
            throw unknown(node);
        }
        Value x = real(head.x());
        Value table = pass.parameter(head.table());
        Value logits = pass.real(node.variable, x.rows(), table.rows());
        pass.emit(new MatMul(x, false, table, true, null, null, logits));
        return logits;
    }

    private Value gelu(Node node) {
        Node input = patterns.gelu(node);
        if (input == null) {
            throw unknown(node);
        }
        Value x = real(input);
        Value y = pass.like(node.variable, x);
        pass.emit(new Gelu(x, y));
        return y;
    }

    private Value silu(Node node) {
        Value x = real(node.in(0));
        Value y = pass.like(node.variable, x);
        pass.emit(new Silu(x, y));
        return y;
    }

    /** Router weights that are given rather than computed: chance gives them. */
    private Value chance(Node node) {
        Matcher name = SCORES.matcher(node.variable);
        if (!name.matches()) {
            throw unknown(node);
        }
        Value scores = pass.real(node.variable, pass.sequences * pass.spec.context(), 1);
        pass.emit(new RandomScores(Integer.parseInt(name.group(1)), scores));
        pass.outputs.put(node.variable, scores);
        return scores;
    }

    private Value attention(Node node) {
        Patterns.Heads heads = patterns.attention(node);
        if (heads == null || heads.heads() != pass.spec.heads() || heads.sequences() != pass.sequences) {
            throw unknown(node);
        }
        Value qkv = real(heads.qkv());
        Value y = pass.real(node.variable, qkv.rows(), qkv.columns() / 3);
        int matrices = pass.sequences * pass.spec.heads();
        Value logSumExp = pass.real(node.variable + ".log_sum_exp", matrices, qkv.rows() / pass.sequences);
        pass.emit(new Attention(qkv, pass.sequences, pass.spec.heads(), y, logSumExp));
        return y;
    }

    /** The selection whose rows the node {@code index} holds. */
    TopK selection(Node index) {
        TopK known = selections.get(index);
        if (known != null) {
            return known;
        }
        Patterns.Selection found = patterns.selection(index);
        if (found == null) {
            throw unknown(index);
        }
        Value scores = real(found.scores());
        String block = index.variable.substring(0, index.variable.lastIndexOf('.') + 1);
        TopK selection = new TopK(
                scores,
                pass.sequences,
                found.k(),
                found.positive(),
                pass.ints(index.variable, pass.sequences * found.k()),
                pass.like(block + "mask", scores));
        pass.emit(selection);
        pass.outputs.put(index.variable, selection.index());
        pass.outputs.put(block + "mask", selection.mask());
        selections.put(index, selection);
        return selection;
    }

    private Value gather(Node node) {
        Value x = real(node.in(0));
        TopK selection = selection(node.in(1));
        Value y = pass.real(node.variable, selection.index().rows(), x.columns());
        pass.emit(new Gather(x, selection.index(), y));
        return y;
    }

    private Value scatterGated(Node node) {
        Patterns.Gated gated = patterns.gated(node);
        if (gated == null) {
            throw unknown(node);
        }
        Value x = real(gated.x());
        TopK selection = selection(gated.index());
        Value scores = real(gated.scores());
        Value delta = real(gated.delta());
        Value y = pass.like(node.variable, x);
        Gate gate = gated.gate();
        pass.emit(new ScatterGated(x, selection.index(), scores, delta, gate, gated.positive(), y));
        return y;
    }
}
