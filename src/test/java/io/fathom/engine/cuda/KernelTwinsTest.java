package io.fathom.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fathom.engine.Precision;
import io.fathom.model.Gate;
import io.fathom.program.Instruction;
import io.fathom.program.Instruction.*;
import io.fathom.program.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every kernel on the device against {@link NaiveTwin}, over sizes that fit no tile, outputs poisoned with NaN. */
class KernelTwinsTest {
    private final Map<Value, double[]> given = new HashMap<>();
    private final SplittableRandom random = new SplittableRandom(7);
    private int ids;

    @BeforeAll
    static void gpu() {
        Gpu.orSkip();
    }

    /** Widths, with a divisor as head width, and rows of each sequence. */
    static Stream<Arguments> sizes() {
        List<Arguments> sizes = new ArrayList<>();
        int[][] shapes = {
            {24, 6, 2, 16, 4},
            {33, 11, 3, 7, 1},
            {96, 32, 2, 45, 13},
            {384, 64, 2, 130, 16},
            {768, 64, 1, 257, 32},
            {256, 128, 2, 70, 9},
            {160, 80, 1, 129, 65},
            {1024, 64, 1, 64, 64}
        };
        for (int[] s : shapes) {
            for (Precision precision : List.of(Precision.FLOAT32, Precision.BF16)) {
                sizes.add(Arguments.of(precision, s[0], s[1], s[2], s[3], s[4]));
            }
        }
        return sizes.stream();
    }

    private Value real(String name, int rows, int columns) {
        return new Value(ids++, name, Value.Type.REAL, Value.Storage.ACTIVATION, rows, columns, 0);
    }

    private Value ints(String name, int rows) {
        return new Value(ids++, name, Value.Type.INT, Value.Storage.ACTIVATION, rows, 1, 0);
    }

    private Value input(String name, int rows, int bound) {
        Value value = new Value(ids++, name, Value.Type.INT, Value.Storage.INPUT, rows, 1, 0);
        double[] values = new double[rows];
        for (int i = 0; i < rows; i++) {
            // Half of all tokens are one and the same: long runs for the embedding gradient.
            values[i] = random.nextBoolean() ? bound / 2 : random.nextInt(bound);
        }
        given.put(value, values);
        return value;
    }

    private Value parameter(String name, int rows, int columns) {
        return fill(new Value(ids++, name, Value.Type.REAL, Value.Storage.PARAMETER, rows, columns, ids * 32));
    }

    private Value gradient(String name, int rows, int columns) {
        return fill(new Value(ids++, name, Value.Type.REAL, Value.Storage.GRADIENT, rows, columns, ids * 32));
    }

    private Value filled(String name, int rows, int columns) {
        return fill(real(name, rows, columns));
    }

    private Value fill(Value value) {
        double[] values = new double[value.length()];
        // Parameters as training keeps them, so that logits are of order one and not of the root of the width.
        double scale = value.storage() == Value.Storage.PARAMETER ? 1 / Math.sqrt(value.columns()) : 1;
        for (int i = 0; i < values.length; i++) {
            values[i] = DeviceRun.round((float) (scale * random.nextGaussian()));
        }
        given.put(value, values);
        return value;
    }

    @ParameterizedTest(name = "{0} D={1} hd={2} B={3} S={4} k={5}")
    @MethodSource("sizes")
    void rows(Precision precision, int d, int hd, int b, int s, int k) {
        int rows = b * s, v = 61;
        Value tokens = input("tokens", rows, v), x = filled("x", rows, d), dy = filled("dy", rows, d);
        Value mean = real("mean", rows, 1), rstd = real("rstd", rows, 1);
        LayerNorm norm = new LayerNorm(
                x, parameter("gain", 1, d), parameter("bias", 1, d), 1e-5, real("y", rows, d), mean, rstd);
        Value dx = real("dx", rows, d);
        check(
                precision,
                d,
                hd,
                Gate.SIGMOID,
                new Embedding(tokens, parameter("wte", v, d), parameter("wpe", s, d), real("e", rows, d)),
                norm,
                new LayerNormGrad(
                        x,
                        norm.gain(),
                        mean,
                        rstd,
                        dy,
                        filled("addend", rows, d),
                        dx,
                        gradient("dg", 1, d),
                        gradient("db", 1, d)),
                new ColumnSum(dx, gradient("dc", 1, d)),
                new ColumnSum(dy, gradient("ds", 1, d)),
                new Gelu(x, real("gelu", rows, d)),
                new GeluGrad(x, dy, real("gelu'", rows, d)),
                new Silu(x, real("silu", rows, d)),
                new SiluGrad(x, dy, real("silu'", rows, d)),
                new Add(x, dy, real("sum", rows, d)),
                new EmbeddingGrad(tokens, dy, gradient("dwte", v, d), gradient("dwpe", s, d)));
    }

    @ParameterizedTest(name = "{0} D={1} hd={2} B={3} S={4} k={5}")
    @MethodSource("sizes")
    void routing(Precision precision, int d, int hd, int b, int s, int k) {
        int rows = b * s;
        Value x = filled("x", rows, d), w = parameter("w", 1, d);
        Value r = real("r", rows, 1), index = ints("index", b * k), mask = real("mask", rows, 1);
        Value delta = filled("delta", b * k, d), dy = filled("dy", rows, d), dx = real("dx", rows, d);
        Value dr = real("dr", rows, 1), dr2 = real("dr2", rows, 1);
        boolean positive = k % 2 == 1;
        Value dr3 = real("dr3", rows, 1), dr4 = real("dr4", rows, 1);
        Gate gate = List.of(Gate.SIGMOID, Gate.RAW, Gate.TANH).get((d + k) % 3);
        check(
                precision,
                d,
                hd,
                gate,
                new RouterScores(x, w, r),
                new TopK(r, b, k, positive, index, mask),
                new Gather(x, index, real("xs", b * k, d)),
                new ScatterGated(x, index, r, delta, gate, positive, real("out", rows, d)),
                new BinaryCrossEntropy(r, mask, real("bce", 1, 1)),
                new ScatterGatedGrad(index, r, delta, gate, positive, dy, null, real("dDelta", b * k, d), dr),
                new BinaryCrossEntropyGrad(r, mask, 0.3, dr, dr2),
                new BalanceLoss(r, 0.3, real("balance", 1, 1)),
                new BalanceLossGrad(r, 0.3, 0.2, dr2, dr3),
                new MeanSquare(r, real("square", 1, 1)),
                new MeanSquareGrad(r, 0.1, dr3, dr4),
                new RouterScoresGrad(x, w, dr4, filled("addend", rows, d), dx, gradient("dw", 1, d)),
                new ColumnSum(dx, gradient("dc", 1, d)),
                new GatherGrad(index, delta, dy, real("dx2", rows, d)),
                new GatherGrad(index, delta, null, real("dx3", rows, d)));
    }

    @ParameterizedTest(name = "{0} D={1} hd={2} B={3} S={4} k={5}")
    @MethodSource("sizes")
    void attention(Precision precision, int d, int hd, int b, int s, int k) {
        int heads = d / hd;
        Value qkv = filled("qkv", b * s, 3 * d), y = real("y", b * s, d), lse = real("lse", b * heads, s);
        check(
                precision,
                d,
                hd,
                Gate.SIGMOID,
                new Attention(qkv, b, heads, y, lse),
                new AttentionGrad(qkv, y, lse, filled("dy", b * s, d), b, heads, real("dqkv", b * s, 3 * d)));
    }

    @ParameterizedTest(name = "{0} D={1} hd={2} B={3} S={4} k={5}")
    @MethodSource("sizes")
    void products(Precision precision, int d, int hd, int b, int s, int k) {
        int rows = b * s, v = 61;
        Value x = filled("x", rows, d),
                w = parameter("w", d, 2 * d),
                h = real("h", rows, 2 * d),
                dg = real("dg", rows, 2 * d);
        Value dy = filled("dy", rows, d), w2 = parameter("w2", 2 * d, d), p = real("p", rows, 1);
        Value loss = real("loss", 1, 1),
                bce = real("bce", 1, 1),
                mask = real("mask", rows, 1),
                dp = real("dp", rows, 1);
        Value r = filled("r", rows, 1), targets = input("targets", rows, v), logits = real("logits", rows, v);
        Value lse = real("lse", rows, 1), out = parameter("out", 1, d);
        check(
                precision,
                d,
                hd,
                Gate.SIGMOID,
                new MatMul(x, false, w, false, parameter("bias", 1, 2 * d), null, h),
                new Gelu(h, real("g", rows, 2 * d)),
                new MatMul(
                        x,
                        false,
                        w,
                        false,
                        parameter("bias2", 1, 2 * d),
                        filled("a", rows, 2 * d),
                        real("c", rows, 2 * d)),
                new MatMul(dy, false, w2, true, null, null, dg),
                new GeluGrad(h, dg, real("dh", rows, 2 * d)),
                new MatMul(x, true, dy, false, null, null, gradient("dw", d, d)),
                new MatMul(x, false, out, true, parameter("outBias", 1, 1), null, p),
                new TopK(r, b, k, false, ints("i", b * k), mask),
                new BinaryCrossEntropy(p, mask, bce),
                new BinaryCrossEntropyGrad(p, mask, 0.5, null, dp),
                new ColumnSum(dp, gradient("dOutBias", 1, 1)),
                new MatMul(dp, true, x, false, null, null, gradient("dOut", 1, d)),
                new MatMul(dp, false, out, false, null, null, real("dx", rows, d)),
                new MatMul(x, false, parameter("table", v, d), true, null, null, logits),
                new CrossEntropy(logits, targets, real("losses", rows, 1), loss, lse),
                new CrossEntropyGrad(logits, targets, lse, 0.7, real("dLogits", rows, v)),
                new HeadLoss(
                        x,
                        parameter("wte", v, d),
                        targets,
                        0.7,
                        real("losses2", rows, 1),
                        real("loss2", 1, 1),
                        real("dx2", rows, d),
                        gradient("dwte", v, d)),
                new WeightedSum(List.of(loss, bce), List.of(0.25, 2.0), real("total", 1, 1)));
    }

    private void check(Precision precision, int width, int headWidth, Gate gate, Instruction... instructions) {
        List<Instruction> list = List.of(instructions);
        KernelSource source = new KernelSource(precision == Precision.BF16, width, headWidth, gate);
        List<Step> steps = Fusion.steps(list, List.of(), precision == Precision.BF16);
        for (boolean accumulate : new boolean[] {false, true}) {
            Map<Value, double[]> found = DeviceRun.of(list, steps, source, precision, given, accumulate);
            // The twin takes each step's inputs as the device made them, so that errors do not add up.
            Map<Value, double[]> seen = NaiveTwin.copyOf(given);
            found.forEach((value, values) -> {
                if (value.storage() == Value.Storage.ACTIVATION) {
                    seen.put(value, values);
                }
            });
            for (Instruction instruction : list) {
                compare(precision, instruction, found, seen, accumulate);
            }
        }
    }

    private void compare(
            Precision precision,
            Instruction instruction,
            Map<Value, double[]> found,
            Map<Value, double[]> seen,
            boolean accumulate) {
        Map<Value, double[]> memory = NaiveTwin.copyOf(seen);
        instruction.writes().forEach(w -> {
            if (!(accumulate && w.storage() == Value.Storage.GRADIENT)) {
                memory.remove(w);
            }
        });
        new NaiveTwin(memory).run(instruction);
        for (Value value : instruction.writes()) {
            if (!found.containsKey(value)) {
                seen.put(value, Objects.requireNonNull(memory.get(value))); // hidden by fusion
                continue;
            }
            double bound = value.type() == Value.Type.INT || value.name().equals("mask") ? 0 : bound(precision);
            assertThat(error(Objects.requireNonNull(found.get(value)), Objects.requireNonNull(memory.get(value))))
                    .as(instruction.getClass().getSimpleName() + " -> " + value.name() + (accumulate ? " (added)" : ""))
                    .isCloseTo(0, within(bound));
        }
    }

    /** Float sums of up to a thousand terms; bfloat16 rounds each result and each probability by up to 2^-9. */
    private static double bound(Precision precision) {
        return precision == Precision.BF16 ? 8e-3 : 2e-5;
    }

    private static double error(double[] found, double[] expected) {
        double difference = 0, size = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += (found[i] - expected[i]) * (found[i] - expected[i]);
            size += expected[i] * expected[i];
        }
        return size == 0 ? Math.sqrt(difference) : Math.sqrt(difference / size);
    }
}
