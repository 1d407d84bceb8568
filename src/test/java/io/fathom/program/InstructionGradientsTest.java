package io.fathom.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.engine.Precision;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.engine.nd4j.Nd4jEngine;
import io.fathom.model.Batch;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.program.Instruction.Add;
import io.fathom.program.Instruction.Attention;
import io.fathom.program.Instruction.BalanceLoss;
import io.fathom.program.Instruction.BinaryCrossEntropy;
import io.fathom.program.Instruction.CrossEntropy;
import io.fathom.program.Instruction.Embedding;
import io.fathom.program.Instruction.Gather;
import io.fathom.program.Instruction.Gelu;
import io.fathom.program.Instruction.HeadLoss;
import io.fathom.program.Instruction.LayerNorm;
import io.fathom.program.Instruction.MatMul;
import io.fathom.program.Instruction.MeanSquare;
import io.fathom.program.Instruction.RouterScores;
import io.fathom.program.Instruction.ScatterGated;
import io.fathom.program.Instruction.Silu;
import io.fathom.program.Instruction.TopK;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Central differences in double precision for each instruction by itself: loss = BCE(u y v) of its result y, where
 * every operand is a slice of the parameter vector, so that all of them can be moved.
 */
class InstructionGradientsTest {
    private static final double H = 1e-5;
    private static final int SEQUENCES = 2;
    private static final int LENGTH = 5;
    private static final int TOKENS = SEQUENCES * LENGTH;
    private static final int WIDTH = 6;
    private static final int VOCABULARY = 7;
    private static final ModelSpec SPEC = new ModelSpec(VOCABULARY, LENGTH, WIDTH, 2, 3, new Routing.Dense());

    private final Forward pass = new Forward(SPEC, SEQUENCES);
    private final SplittableRandom random = new SplittableRandom(11);
    private final double[] theta = new double[ParameterLayout.of(SPEC).size()];
    private final Map<String, Value> operands = new LinkedHashMap<>();
    private int next;

    /** An operand: a slice of the parameter vector with random contents. */
    private Value operand(String name, int rows, int columns) {
        Value value =
                new Value(pass.values.size(), name, Value.Type.REAL, Value.Storage.PARAMETER, rows, columns, next);
        pass.values.add(value);
        for (int i = 0; i < value.length(); i++) {
            theta[next + i] = random.nextGaussian();
        }
        next += value.length();
        operands.put(name, value);
        return value;
    }

    private Value result(int rows, int columns) {
        return pass.real("y", rows, columns);
    }

    /** Closes the program with a scalar loss of {@code y} and compares all gradients with central differences. */
    private void check(Value y) {
        Value u = operand("u", 1, y.rows());
        Value v = operand("v", y.columns(), 1);
        Value s = pass.real("s", 1, y.columns());
        pass.emit(new MatMul(u, false, y, false, null, null, s));
        Value z = pass.real("z", 1, 1);
        pass.emit(new MatMul(s, false, v, false, null, null, z));
        Value loss = pass.real("ce", 1, 1);
        pass.emit(new BinaryCrossEntropy(z, operand("mask", 1, 1), loss));
        operands.keySet().removeAll(List.of("u", "v", "mask"));
        checkLoss(loss);
    }

    private void checkLoss(Value loss) {
        assertThat(next).isLessThanOrEqualTo(theta.length);
        pass.outputs.put("ce", loss);
        Map<Value, Value> gradients = Differentiation.append(pass, loss);
        operands.forEach((name, operand) -> {
            Value gradient = gradients.get(operand);
            if (gradient != null) {
                pass.outputs.put("d/" + name, gradient);
            }
        });
        Program program = new Program(
                SPEC,
                SEQUENCES,
                true,
                pass.layout,
                pass.values,
                pass.instructions,
                pass.outputs,
                MemoryPlanner.plan(pass.instructions, pass.outputs.values()));
        int[] tokens = random.ints(TOKENS, 0, VOCABULARY).toArray();
        int[] targets = random.ints(TOKENS, 0, VOCABULARY).toArray();
        Batch batch = new Batch(SEQUENCES, LENGTH, tokens, targets);
        try (Session session =
                new Nd4jEngine().open(program, SessionOptions.DEFAULT.withPrecision(Precision.FLOAT64))) {
            loss(session, batch);
            double[] vector = new double[theta.length];
            session.read(Session.Vector.GRADIENT, vector);
            Map<String, double[]> analytic = new LinkedHashMap<>();
            operands.forEach((name, operand) -> {
                double[] gradient = new double[operand.length()];
                System.arraycopy(vector, operand.offset(), gradient, 0, gradient.length);
                if (program.outputs().containsKey("d/" + name)) {
                    double[] further = session.output("d/" + name);
                    for (int i = 0; i < gradient.length; i++) {
                        gradient[i] += further[i];
                    }
                }
                analytic.put(name, gradient);
            });
            operands.forEach((name, operand) ->
                    compare(name, operand, Objects.requireNonNull(analytic.get(name)), session, batch));
        }
    }

    private void compare(String name, Value operand, double[] analytic, Session session, Batch batch) {
        for (int i = 0; i < operand.length(); i++) {
            int at = operand.offset() + i;
            double before = theta[at];
            theta[at] = before + H;
            double above = loss(session, batch);
            theta[at] = before - H;
            double below = loss(session, batch);
            theta[at] = before;
            double numeric = (above - below) / (2 * H);
            assertThat(Math.abs(numeric - analytic[i]))
                    .as("d loss / d %s[%d]: analytic %s, numeric %s", name, i, analytic[i], numeric)
                    .isLessThan(1e-7 * Math.max(1, Math.abs(numeric)));
        }
    }

    private double loss(Session session, Batch batch) {
        session.clearGradient();
        session.write(Session.Vector.PARAMETERS, theta);
        session.run(batch);
        return session.scalar("ce");
    }

    @Test
    void matMul() {
        Value a = operand("a", 4, 3);
        Value b = operand("b", 3, 5);
        Value y = result(4, 5);
        pass.emit(new MatMul(a, false, b, false, operand("bias", 1, 5), operand("addend", 4, 5), y));
        check(y);
    }

    @Test
    void matMulWithTransposedRightSide() {
        Value a = operand("a", 4, 3);
        Value b = operand("b", 5, 3);
        Value y = result(4, 5);
        pass.emit(new MatMul(a, false, b, true, null, null, y));
        check(y);
    }

    @Test
    void layerNorm() {
        Value x = operand("x", 4, WIDTH);
        Value y = result(4, WIDTH);
        Value gain = operand("gain", 1, WIDTH);
        Value bias = operand("bias", 1, WIDTH);
        pass.emit(new LayerNorm(x, gain, bias, 1e-5, y, pass.real("mean", 4, 1), pass.real("rstd", 4, 1)));
        check(y);
    }

    @Test
    void attention() {
        Value qkv = operand("qkv", TOKENS, 3 * WIDTH);
        Value y = result(TOKENS, WIDTH);
        pass.emit(new Attention(qkv, SEQUENCES, 2, y, pass.real("lse", 2 * SEQUENCES, LENGTH)));
        check(y);
    }

    @Test
    void gelu() {
        Value x = operand("x", 4, 5);
        Value y = result(4, 5);
        pass.emit(new Gelu(x, y));
        check(y);
    }

    @Test
    void silu() {
        Value x = operand("x", 4, 5);
        Value y = result(4, 5);
        pass.emit(new Silu(x, y));
        check(y);
    }

    @Test
    void addOfOneValueTwiceAndOfAnother() {
        Value a = operand("a", 3, 4);
        Value twice = pass.real("twice", 3, 4);
        pass.emit(new Add(a, a, twice));
        Value y = result(3, 4);
        pass.emit(new Add(twice, operand("b", 3, 4), y));
        check(y);
    }

    @Test
    void routerScores() {
        Value x = operand("x", TOKENS, WIDTH);
        Value y = result(TOKENS, 1);
        pass.emit(new RouterScores(x, operand("w", 1, WIDTH), y));
        check(y);
    }

    @ParameterizedTest
    @EnumSource(Gate.class)
    void routedBlock(Gate gate) {
        routedBlock(gate, false);
    }

    @ParameterizedTest
    @EnumSource(Gate.class)
    void routedBlockOfTokensThatChoose(Gate gate) {
        routedBlock(gate, true);
    }

    @Test
    void balanceLoss() {
        Value loss = pass.real("loss", 1, 1);
        pass.emit(new BalanceLoss(operand("scores", TOKENS, 1), 0.3, loss));
        checkLoss(loss);
    }

    @Test
    void meanSquare() {
        Value loss = pass.real("loss", 1, 1);
        pass.emit(new MeanSquare(operand("z", TOKENS, 1), loss));
        checkLoss(loss);
    }

    private void routedBlock(Gate gate, boolean positive) {
        Value x = operand("x", TOKENS, WIDTH);
        Value scores = operand("scores", TOKENS, 1);
        int k = 3;
        Value index = pass.ints("index", SEQUENCES * k);
        pass.emit(new TopK(scores, SEQUENCES, k, positive, index, pass.real("selected", TOKENS, 1)));
        Value gathered = pass.real("gathered", SEQUENCES * k, WIDTH);
        pass.emit(new Gather(x, index, gathered));
        Value delta = pass.real("delta", SEQUENCES * k, WIDTH);
        pass.emit(new Gelu(gathered, delta));
        Value y = result(TOKENS, WIDTH);
        pass.emit(new ScatterGated(x, index, scores, delta, gate, positive, y));
        check(y);
    }

    @Test
    void embedding() {
        Value table = pass.parameter("wte.weight");
        Value positions = pass.parameter("wpe.weight");
        next = positions.offset() + positions.length();
        for (int i = 0; i < next; i++) {
            theta[i] = random.nextGaussian();
        }
        operands.put("table", table);
        operands.put("positions", positions);
        Value y = result(TOKENS, WIDTH);
        pass.emit(new Embedding(pass.input("tokens"), table, positions, y));
        check(y);
    }

    @Test
    void crossEntropy() {
        Value logits = operand("logits", TOKENS, VOCABULARY);
        Value loss = pass.real("loss", 1, 1);
        pass.emit(new CrossEntropy(
                logits, pass.input("targets"), pass.real("losses", TOKENS, 1), loss, pass.real("lse", TOKENS, 1)));
        checkLoss(loss);
    }

    @Test
    void binaryCrossEntropy() {
        Value z = operand("z", TOKENS, 1);
        Value selected = pass.real("selected", TOKENS, 1);
        pass.emit(new TopK(operand("scores", TOKENS, 1), SEQUENCES, 2, false, pass.ints("index", 4), selected));
        Value loss = pass.real("loss", 1, 1);
        pass.emit(new BinaryCrossEntropy(z, selected, loss));
        checkLoss(loss);
    }

    @Test
    void headLoss() {
        Value x = operand("x", TOKENS, WIDTH);
        Value table = operand("table", VOCABULARY, WIDTH);
        Value loss = pass.real("loss", 1, 1);
        pass.emit(new HeadLoss(
                x,
                table,
                pass.input("targets"),
                1,
                pass.real("losses", TOKENS, 1),
                loss,
                pass.real("dx", TOKENS, WIDTH),
                pass.gradient(table)));
        checkLoss(loss);
    }
}
