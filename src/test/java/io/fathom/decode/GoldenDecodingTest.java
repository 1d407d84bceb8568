package io.fathom.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Causal logits and routes against an independent PyTorch implementation in float64. */
class GoldenDecodingTest {
    @ReferenceDecodings
    void reproducesLogitsAndRoutes(String name, CausalRule.Signal signal, String logits) {
        GoldenModel golden = GoldenModel.named(name);
        Decoder decoder = golden.decoder(signal);
        int vocabulary = golden.spec().vocabulary();
        int context = golden.spec().context();
        double[] expected = golden.reference().doubles(logits);
        for (int b = 0; b < golden.sequences(); b++) {
            Sequence sequence = decoder.begin();
            float[][] found = decoder.score(sequence, golden.tokens(b));
            for (int t = 0; t < context; t++) {
                for (int v = 0; v < vocabulary; v++) {
                    double reference = expected[(b * context + t) * vocabulary + v];
                    assertThat((double) found[t][v]).isCloseTo(reference, within(1e-4));
                }
            }
            for (int block : golden.spec().routedBlocks()) {
                int[] mask = golden.reference()
                        .ints("trace_" + signal.name().toLowerCase(Locale.ROOT) + "/h." + block + ".routed");
                int[] routed = routed(Arrays.copyOfRange(mask, b * context, (b + 1) * context));
                assertThat(sequence.routed(block)).isEqualTo(routed);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"dense, ROUTER", "mod_raw, ROUTER", "mod_sigmoid_predictor, PREDICTOR", "mod_every_block, PREDICTOR"})
    void cachedEqualsUncachedForBatchesOfUnequalPrompts(String name, CausalRule.Signal signal) {
        GoldenModel golden = GoldenModel.named(name);
        Decoder decoder = golden.decoder(signal);
        int[] lengths = {3, 9};
        List<Sequence> sequences = List.of(decoder.begin(), decoder.begin());
        float[][] logits = decoder.advance(
                sequences,
                new int[][] {Arrays.copyOf(golden.tokens(0), lengths[0]), Arrays.copyOf(golden.tokens(1), lengths[1])});
        for (int step = 0; step < 6; step++) {
            for (int b = 0; b < 2; b++) {
                float[] uncached = decoder.advance(decoder.begin(), Arrays.copyOf(golden.tokens(b), lengths[b] + step));
                for (int v = 0; v < uncached.length; v++) {
                    assertThat(logits[b][v]).isCloseTo(uncached[v], within(1e-4f));
                }
            }
            int[][] next = new int[2][];
            for (int b = 0; b < 2; b++) {
                next[b] = new int[] {golden.tokens(b)[lengths[b] + step]};
            }
            logits = decoder.advance(sequences, next);
        }
    }

    @ParameterizedTest
    @CsvSource({"mod_raw, ROUTER", "mod_sigmoid_predictor, PREDICTOR", "mod_every_block, ROUTER"})
    void aLaterTokenChangesNothingBeforeIt(String name, CausalRule.Signal signal) {
        GoldenModel golden = GoldenModel.named(name);
        Decoder decoder = golden.decoder(signal);
        int[] tokens = golden.tokens(0);
        Sequence sequence = decoder.begin();
        float[][] logits = decoder.score(sequence, tokens);
        for (int changed = 1; changed < tokens.length; changed++) {
            int[] others = tokens.clone();
            others[changed] = (others[changed] + 17) % golden.spec().vocabulary();
            Sequence other = decoder.begin();
            float[][] otherLogits = decoder.score(other, others);
            for (int t = 0; t < changed; t++) {
                assertThat(otherLogits[t]).isEqualTo(logits[t]);
            }
            assertThat(otherLogits[changed]).isNotEqualTo(logits[changed]);
            for (int block : golden.spec().routedBlocks()) {
                int position = changed;
                assertThat(Arrays.stream(other.routed(block)).filter(t -> t < position))
                        .containsExactlyElementsOf(Arrays.stream(sequence.routed(block))
                                .filter(t -> t < position)
                                .boxed()
                                .toList());
            }
        }
    }

    private static int[] routed(int[] mask) {
        return IntStream.range(0, mask.length).filter(t -> mask[t] == 1).toArray();
    }

    @ParameterizedTest
    @CsvSource({"0.125", "0.25", "0.5", "1"})
    void calibratedThresholdsHoldTheCapacity(double capacity) {
        GoldenModel golden = GoldenModel.named("mod_every_block");
        Decoder decoder = golden.decoder(CausalRule.Signal.PREDICTOR);
        List<int[]> windows = new ArrayList<>();
        for (int b = 0; b < golden.sequences(); b++) {
            windows.add(golden.tokens(b));
        }
        CausalRule rule = decoder.rule().withThresholds(decoder.calibrate(windows, capacity));
        Decoder calibrated = new Decoder(golden.spec(), golden.parameters(), rule);
        int[] entered = new int[golden.spec().blocks()];
        for (int[] window : windows) {
            Sequence sequence = calibrated.begin();
            calibrated.advance(sequence, window);
            for (int block : golden.spec().routedBlocks()) {
                entered[block] += sequence.routed(block).length;
            }
        }
        int expected = (int) Math.rint(capacity * windows.size() * golden.spec().context());
        for (int block : golden.spec().routedBlocks()) {
            assertThat(entered[block]).isEqualTo(expected);
        }
    }
}
