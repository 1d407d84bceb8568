package io.fathom.program;

import io.fathom.program.Instruction.BalanceLoss;
import io.fathom.program.Instruction.BinaryCrossEntropy;
import io.fathom.program.Instruction.CrossEntropy;
import io.fathom.program.Instruction.HeadLoss;
import io.fathom.program.Instruction.MeanSquare;
import io.fathom.program.Instruction.TopK;
import io.fathom.program.Instruction.WeightedSum;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/** Reads the losses of a graph, and what each weighs in their sum, into instructions, by way of their operands. */
record LossReader(SameDiff graph, Map<String, Node> nodes, GraphReader operands, boolean training) {

    /** Emits the instructions of every loss, and of the sums they are reported by. */
    void read() {
        Node total = node("total");
        Map<Node, Double> weights = new LinkedHashMap<>();
        linear(total, 1, weights);
        Map<Node, Value> losses = new HashMap<>();
        // In the order of the graph, so that a block's losses come before the next block.
        for (SameDiffOp operation : graph.getOps().values()) {
            Node leaf = nodes.get(operation.getOutputsOfOp().get(0));
            if (leaf != null && weights.containsKey(leaf)) {
                losses.put(leaf, loss(leaf, Objects.requireNonNull(weights.get(leaf))));
            }
        }
        for (String name : List.of("aux", "pred", "balance", "z")) {
            if (nodes.containsKey(name)) {
                Map<Node, Double> terms = new LinkedHashMap<>();
                linear(node(name), 1, terms);
                sum(name, terms, losses);
            }
        }
        sum("total", weights, losses);
    }

    private Node node(String name) {
        return Objects.requireNonNull(nodes.get(name), name);
    }

    /** Takes a sum of scaled losses apart into {@code terms}. */
    private void linear(Node node, double factor, Map<Node, Double> terms) {
        if (operands.patterns.balance(node) != null) {
            terms.merge(node, factor, Double::sum);
            return;
        }
        switch (node.op) {
            case "identity" -> linear(node.in(0), factor, terms);
            case "add" -> {
                linear(node.in(0), factor, terms);
                linear(node.in(1), factor, terms);
            }
            case "mul_scalar" -> linear(node.in(0), factor * node.scalar(), terms);
            case "div_scalar" -> linear(node.in(0), factor / node.scalar(), terms);
            case "reduce_mean" -> terms.merge(node, factor, Double::sum);
            default -> throw GraphReader.unknown(node);
        }
    }

    private void sum(String name, Map<Node, Double> terms, Map<Node, Value> losses) {
        Value total = operands.pass.real(name, 1, 1);
        List<Value> parts = new ArrayList<>();
        terms.keySet().forEach(term -> parts.add(Objects.requireNonNull(losses.get(term))));
        operands.pass.emit(new WeightedSum(parts, List.copyOf(terms.values()), total));
        operands.pass.outputs.put(name, total);
    }

    private Value loss(Node node, double weight) {
        Patterns.Bce bce = operands.patterns.binaryCrossEntropy(node);
        if (bce != null) {
            Value z = operands.real(bce.z());
            TopK selection = operands.selection(bce.index());
            Value loss = operands.pass.real(node.variable, 1, 1);
            operands.pass.emit(new BinaryCrossEntropy(z, selection.mask(), loss));
            return loss;
        }
        Patterns.Balance balance = operands.patterns.balance(node);
        if (balance != null) {
            Value scores = operands.real(balance.scores());
            Value loss = operands.pass.real(node.variable, 1, 1);
            operands.pass.emit(new BalanceLoss(scores, balance.capacity(), loss));
            return loss;
        }
        Node squared = operands.patterns.meanSquare(node);
        if (squared != null) {
            Value z = operands.real(squared);
            Value loss = operands.pass.real(node.variable, 1, 1);
            operands.pass.emit(new MeanSquare(z, loss));
            return loss;
        }
        Node rows = node.in(0);
        if (!rows.is("sparse_softmax_cross_entropy_loss_with_logits")) {
            throw GraphReader.unknown(node);
        }
        Value targets = operands.tokens(rows.in(0));
        Value losses;
        Value loss;
        Patterns.Head head = operands.patterns.head(rows.in(1));
        if (training && head != null && rows.in(1).readers == 1) {
            Value x = operands.real(head.x());
            Value table = operands.pass.parameter(head.table());
            losses = operands.pass.real(rows.variable, x.rows(), 1);
            loss = operands.pass.real(node.variable, 1, 1);
            operands.pass.emit(new HeadLoss(
                    x,
                    table,
                    targets,
                    weight,
                    losses,
                    loss,
                    operands.pass.like("d/" + x.name(), x),
                    operands.pass.gradient(table)));
        } else {
            Value logits = operands.real(rows.in(1));
            losses = operands.pass.real(rows.variable, logits.rows(), 1);
            loss = operands.pass.real(node.variable, 1, 1);
            Value logSumExp = operands.pass.real(rows.variable + ".log_sum_exp", logits.rows(), 1);
            operands.pass.emit(new CrossEntropy(logits, targets, losses, loss, logSumExp));
            operands.pass.outputs.put("logits", logits);
        }
        operands.pass.outputs.put("token_loss", losses);
        operands.pass.outputs.put("ce", loss);
        return loss;
    }
}
