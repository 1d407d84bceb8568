package io.fathom.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fathom.corpus.Tokenizers;
import io.fathom.engine.Engines;
import io.fathom.engine.Precision;
import io.fathom.engine.SessionOptions;
import io.fathom.engine.TokenReader;
import io.fathom.engine.cuda.CudaEngine;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Reading tokens on a GPU against the independent reference, and against the processor's plain Java. */
class DeviceDecodingTest {
    @BeforeAll
    static void gpu() {
        Optional<String> missing = CudaEngine.unavailable();
        assumeTrue(missing.isEmpty(), () -> "skipped: " + missing.orElse(""));
    }

    private static TokenReader device(ModelSpec spec, float[] parameters, Precision precision) {
        return Engines.named("cuda")
                .reader(spec, parameters, SessionOptions.DEFAULT.withPrecision(precision))
                .orElseThrow();
    }

    private static TokenReader device(ModelSpec spec, float[] parameters) {
        return device(spec, parameters, Precision.FLOAT32);
    }

    /** Weights three times as large as a fresh model's, so that attention and routes are far from even. */
    private static float[] parameters(ModelSpec spec) {
        float[] theta = ParameterLayout.of(spec).initial(spec, 5);
        for (int i = 0; i < theta.length; i++) {
            theta[i] *= theta[i] == 1 ? 1 : 3;
        }
        return theta;
    }

    private static int[] tokens(ModelSpec spec, int length, long seed) {
        return new SplittableRandom(seed).ints(length, 0, spec.vocabulary()).toArray();
    }

    /** Sizes that fit no tile, and those of real models; contexts beyond every part that a pass is cut into. */
    static Stream<Arguments> models() {
        return Stream.of(
                Arguments.of(
                        new ModelSpec(61, 70, 33, 3, 3, new Routing.ExpertChoice(2, 1, 0.4, Gate.TANH, 0.01, true))),
                Arguments.of(
                        new ModelSpec(97, 90, 24, 4, 2, new Routing.ExpertChoice(1, 0, 0.5, Gate.RAW, 0.01, false))),
                Arguments.of(new ModelSpec(
                        257, 300, 160, 2, 4, new Routing.ExpertChoice(2, 1, 0.125, Gate.SIGMOID, 0.01, true))),
                Arguments.of(new ModelSpec(
                        257, 1100, 128, 2, 2, new Routing.ExpertChoice(2, 1, 0.25, Gate.SIGMOID, 0.01, true))),
                Arguments.of(new ModelSpec(1001, 64, 384, 6, 6, new Routing.Dense())),
                Arguments.of(new ModelSpec(
                        257, 128, 384, 6, 6, new Routing.ExpertChoice(2, 1, 0.125, Gate.SIGMOID, 0.01, true))));
    }

    /** A rule whose thresholds let about a third of the tokens in. */
    private static CausalRule rule(ModelSpec spec, float[] theta, List<int[]> windows) {
        CausalRule rule = CausalRule.of(spec);
        return rule.withThresholds(new Decoder(spec, theta, rule).calibrate(windows, 0.3));
    }

    @ParameterizedTest
    @MethodSource("models")
    void readsAsTheProcessorDoes(ModelSpec spec) {
        float[] theta = parameters(spec);
        int[] window = tokens(spec, spec.context(), 8);
        CausalRule rule = rule(spec, theta, List.of(window));
        Decoder twin = new Decoder(spec, theta, rule);
        try (TokenReader reader = device(spec, theta)) {
            Decoder decoder = new Decoder(reader, rule);
            // A prompt in one call, then token by token, then a few at a time: every kind of pass.
            Sequence found = decoder.begin();
            Sequence expected = twin.begin();
            int at = 0;
            for (int step : new int[] {spec.context() / 2, 1, 1, 1, 3, 1, 7, 1, 12, 4}) {
                int[] next = Arrays.copyOfRange(window, at, at + step);
                expectClose(decoder.score(found, next), twin.score(expected, next), 1e-4);
                at += step;
            }
            for (int block = 0; block < spec.blocks(); block++) {
                assertThat(found.routed(block)).isEqualTo(expected.routed(block));
            }
            assertThat(found.flops()).isEqualTo(expected.flops());
            assertThat(found.cacheBytes()).isEqualTo(expected.cacheBytes());
            // All of it at once, from the beginning, and its losses.
            found.close();
            Sequence whole = decoder.begin();
            Sequence other = twin.begin();
            int[] text = Arrays.copyOf(window, spec.context() - 1);
            int[] targets = Arrays.copyOfRange(window, 1, spec.context());
            double[] losses = decoder.losses(whole, text, targets);
            double[] expectedLosses = twin.losses(other, text, targets);
            for (int t = 0; t < losses.length; t++) {
                assertThat(losses[t]).isCloseTo(expectedLosses[t], within(1e-4));
            }
            for (int block = 0; block < spec.blocks(); block++) {
                assertThat(whole.routed(block)).isEqualTo(other.routed(block));
            }
        }
    }

    private static void expectClose(float[][] found, float[][] expected, double bound) {
        assertThat(found.length).isEqualTo(expected.length);
        double largest = 0;
        for (int t = 0; t < expected.length; t++) {
            for (int v = 0; v < expected[t].length; v++) {
                double error = Math.abs(found[t][v] - expected[t][v]);
                largest = Double.isNaN(error) ? Double.NaN : Math.max(largest, error);
            }
        }
        assertThat(largest).isLessThan(bound);
    }

    @Test
    void severalSequencesOfUnequalLengthReadTogetherAsEachAlone() {
        ModelSpec spec =
                new ModelSpec(257, 300, 96, 3, 4, new Routing.ExpertChoice(2, 1, 0.25, Gate.SIGMOID, 0.01, true));
        float[] theta = parameters(spec);
        int[] window = tokens(spec, 300, 3);
        CausalRule rule = rule(spec, theta, List.of(window));
        Decoder twin = new Decoder(spec, theta, rule);
        try (TokenReader reader = device(spec, theta)) {
            Decoder decoder = new Decoder(reader, rule);
            int count = 11;
            List<Sequence> found = new ArrayList<>();
            List<Sequence> expected = new ArrayList<>();
            for (int s = 0; s < count; s++) {
                found.add(decoder.begin());
                expected.add(twin.begin());
            }
            int[][] prompts = IntStream.range(0, count)
                    .mapToObj(s -> Arrays.copyOfRange(window, s, 2 * s + 1 + (s == 5 ? 200 : 0)))
                    .toArray(int[][]::new);
            expectClose(decoder.advance(found, prompts), twin.advance(expected, prompts), 1e-4);
            for (int step = 0; step < 4; step++) {
                int[][] next = new int[count][];
                for (int s = 0; s < count; s++) {
                    next[s] = new int[] {window[20 * step + s]};
                }
                expectClose(decoder.advance(found, next), twin.advance(expected, next), 1e-4);
            }
            for (int s = 0; s < count; s++) {
                for (int block : spec.routedBlocks()) {
                    assertThat(found.get(s).routed(block))
                            .isEqualTo(expected.get(s).routed(block));
                }
            }
        }
    }

    @ReferenceDecodings
    void reproducesLogitsAndRoutesOfTheReference(String name, CausalRule.Signal signal, String logits) {
        GoldenModel golden = GoldenModel.named(name);
        int context = golden.spec().context();
        int vocabulary = golden.spec().vocabulary();
        double[] expected = golden.reference().doubles(logits);
        try (TokenReader reader = device(golden.spec(), golden.parameters())) {
            Decoder decoder = new Decoder(reader, CausalRule.of(signal));
            for (int b = 0; b < golden.sequences(); b++) {
                Sequence whole = decoder.begin();
                Sequence single = decoder.begin();
                float[][] found = decoder.score(whole, golden.tokens(b));
                for (int t = 0; t < context; t++) {
                    float[] alone = decoder.advance(single, golden.tokens(b)[t]);
                    for (int v = 0; v < vocabulary; v++) {
                        double reference = expected[(b * context + t) * vocabulary + v];
                        assertThat((double) found[t][v]).isCloseTo(reference, within(1e-4));
                        assertThat((double) alone[v]).isCloseTo(reference, within(1e-4));
                    }
                }
                for (int block : golden.spec().routedBlocks()) {
                    int[] mask = golden.reference()
                            .ints("trace_" + signal.name().toLowerCase(Locale.ROOT) + "/h." + block + ".routed");
                    int first = b * context;
                    int[] routed = IntStream.range(0, context)
                            .filter(t -> mask[first + t] == 1)
                            .toArray();
                    assertThat(whole.routed(block)).isEqualTo(routed);
                    assertThat(single.routed(block)).isEqualTo(routed);
                }
                whole.close();
                single.close();
            }
        }
    }

    @Test
    void writesTheProcessorsTextWithTheSameRoutes() {
        ModelSpec spec =
                new ModelSpec(257, 48, 96, 3, 4, new Routing.ExpertChoice(2, 1, 0.25, Gate.SIGMOID, 0.01, true));
        float[] theta = parameters(spec);
        CausalRule rule = rule(spec, theta, List.of(tokens(spec, 48, 1), tokens(spec, 48, 2)));
        List<String> prompts = List.of("Once upon a time", "", "x");
        Generator processor = new Generator(new Decoder(spec, theta, rule), Tokenizers.named("bytes"));
        List<Generation> expected = processor.generate(prompts, 100, Sampling.GREEDY, (text, piece) -> {});
        try (TokenReader reader = device(spec, theta)) {
            Generator generator = new Generator(new Decoder(reader, rule), Tokenizers.named("bytes"));
            List<Generation> found = generator.generate(prompts, 100, Sampling.GREEDY, (text, piece) -> {});
            for (int i = 0; i < prompts.size(); i++) {
                assertThat(found.get(i).text()).isEqualTo(expected.get(i).text());
                assertThat(found.get(i).tokens()).isEqualTo(expected.get(i).tokens());
                assertThat(found.get(i).cost().flops())
                        .isEqualTo(expected.get(i).cost().flops());
            }
            // One of them at least writes on beyond the context.
            assertThat(found)
                    .anySatisfy(text -> assertThat(text.cost().slides()).isPositive());
        }
    }

    @Test
    void calibratesAsTheProcessorDoes() {
        ModelSpec spec =
                new ModelSpec(257, 200, 96, 3, 4, new Routing.ExpertChoice(2, 1, 0.25, Gate.SIGMOID, 0.01, true));
        float[] theta = parameters(spec);
        List<int[]> windows =
                IntStream.range(0, 9).mapToObj(i -> tokens(spec, 200, i)).toList();
        CausalRule rule = CausalRule.of(spec);
        Map<Integer, Double> expected = new Decoder(spec, theta, rule).calibrate(windows, 0.25);
        try (TokenReader reader = device(spec, theta)) {
            Map<Integer, Double> found = new Decoder(reader, rule).calibrate(windows, 0.25);
            assertThat(found.keySet()).isEqualTo(expected.keySet());
            found.forEach((block, threshold) ->
                    assertThat(threshold).isCloseTo(expected.getOrDefault(block, Double.NaN), within(1e-5)));
        }
    }

    @Test
    void narrowWeightsStayCloseToWideOnes() {
        ModelSpec spec =
                new ModelSpec(257, 128, 384, 6, 6, new Routing.ExpertChoice(2, 1, 0.125, Gate.SIGMOID, 0.01, true));
        float[] theta = parameters(spec);
        int[] window = tokens(spec, 60, 4);
        // Thresholds that no signal is near, so that a narrow weight changes no route.
        CausalRule all = CausalRule.of(spec).withThresholds(Map.of(1, -1e9, 3, 1e9, 5, -1e9));
        try (TokenReader wide = device(spec, theta);
                TokenReader narrow = device(spec, theta, Precision.BF16)) {
            Decoder a = new Decoder(wide, all);
            Decoder b = new Decoder(narrow, all);
            float[][] expected = a.score(a.begin(), window);
            Sequence sequence = b.begin();
            expectClose(b.score(sequence, Arrays.copyOf(window, 50)), Arrays.copyOf(expected, 50), 5e-2);
            for (int t = 50; t < 60; t++) {
                float[][] found = b.score(sequence, window[t]);
                expectClose(found, new float[][] {expected[t]}, 5e-2);
                assertThat(found[0]).isNotEqualTo(expected[t]);
            }
        }
    }

    @Test
    void aClosedSequenceIsOfNoUseAndItsRoomIsTakenAgain() {
        ModelSpec spec = new ModelSpec(61, 20, 24, 2, 2, new Routing.Dense());
        float[] theta = parameters(spec);
        try (TokenReader reader = device(spec, theta)) {
            Decoder decoder = new Decoder(reader, CausalRule.of(spec));
            Sequence first = decoder.begin();
            float[] logits = decoder.advance(first, 1, 2, 3);
            first.close();
            first.close();
            assertThatThrownBy(() -> decoder.advance(first, 4)).isInstanceOf(IllegalStateException.class);
            assertThat(decoder.advance(decoder.begin(), 1, 2, 3)).isEqualTo(logits);
        }
    }
}
