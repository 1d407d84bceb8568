package io.fathom.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.config.UserError;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.model.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What must hold of causal decoding whatever the weights. */
class DecoderTest {
    private static final int VOCABULARY = 31;
    private static final int CONTEXT = 12;
    private static final int WIDTH = 8;
    private static final CausalRule BY_ROUTER = CausalRule.of(CausalRule.Signal.ROUTER);

    private static ModelSpec spec(int blocks, Routing routing) {
        return new ModelSpec(VOCABULARY, CONTEXT, WIDTH, 2, blocks, routing);
    }

    private static Routing routing(int every, Gate gate) {
        return new Routing.ExpertChoice(every, every - 1, 1, gate, 0, false);
    }

    /** Weights large enough that attention matters, of a stream for each name: equal where names and shapes are. */
    private static float[] parameters(ModelSpec spec) {
        ParameterLayout layout = ParameterLayout.of(spec);
        float[] theta = new float[layout.size()];
        for (Tensor t : layout.tensors()) {
            SplittableRandom random = new SplittableRandom(t.name().hashCode());
            for (int i = 0; i < t.length(); i++) {
                theta[t.offset() + i] = (float) (0.4 * random.nextGaussian());
            }
        }
        return theta;
    }

    /** Parameters with which the first number of every residual stream is 1, so that a router may be set to any r. */
    private static float[] withConstantFirst(ModelSpec spec, double r) {
        ParameterLayout layout = ParameterLayout.of(spec);
        float[] theta = parameters(spec);
        for (Tensor t : layout.tensors()) {
            boolean intoStream = t.name().endsWith("c_proj.weight") || t.name().endsWith("c_proj.bias");
            if (t.name().startsWith("w") || intoStream) {
                for (int row = 0; row < t.rows(); row++) {
                    theta[t.offset() + row * t.columns()] = t.name().equals("wte.weight") ? 1 : 0;
                }
            }
            if (t.name().endsWith("router.weight")) {
                Arrays.fill(theta, t.offset(), t.offset() + WIDTH, 0);
                theta[t.offset()] = (float) r;
            }
        }
        return theta;
    }

    private static int[] tokens(int length) {
        return new SplittableRandom(5).ints(length, 0, VOCABULARY).toArray();
    }

    @Test
    void everyTokenRoutedWithGateOneIsThePlainModel() {
        ModelSpec routed = spec(4, routing(2, Gate.RAW));
        Decoder decoder = new Decoder(routed, withConstantFirst(routed, 1), BY_ROUTER);
        Decoder plain = new Decoder(routed.dense(), withConstantFirst(routed.dense(), 1), BY_ROUTER);
        Sequence a = decoder.begin();
        Sequence b = plain.begin();
        assertThat(decoder.score(a, tokens(CONTEXT))).isDeepEqualTo(plain.score(b, tokens(CONTEXT)));
        assertThat(a.cacheBytes()).isEqualTo(b.cacheBytes()).isEqualTo(a.denseCacheBytes());
        assertThat(b.flops()).isEqualTo(b.denseFlops());
    }

    @Test
    void bypassedTokensKeepTheirInputBitForBit() {
        // The last block routes: a token that passes it by has the logits of the model without that block.
        ModelSpec spec = spec(4, routing(2, Gate.SIGMOID));
        ModelSpec shorter = spec(3, routing(2, Gate.SIGMOID));
        int[] text = tokens(CONTEXT);
        Decoder decoder = new Decoder(spec, parameters(spec), BY_ROUTER);
        Sequence sequence = decoder.begin();
        float[][] logits = decoder.score(sequence, text);
        Decoder without = new Decoder(shorter, parameters(shorter), BY_ROUTER);
        float[][] logitsWithout = without.score(without.begin(), text);
        List<Integer> routed = Arrays.stream(sequence.routed(3)).boxed().toList();
        assertThat(routed).isNotEmpty().hasSizeLessThan(CONTEXT);
        for (int t = 0; t < CONTEXT; t++) {
            if (routed.contains(t)) {
                assertThat(logits[t]).isNotEqualTo(logitsWithout[t]);
            } else {
                assertThat(logits[t]).isEqualTo(logitsWithout[t]);
            }
        }
    }

    @Test
    void routedAttentionSeesExactlyTheSelectedTokensInOrder() {
        // The predictor selects, every gate is 1: the selected tokens must come out as those of a plain block over a
        // text
        // of the selected tokens alone, each with the position it had.
        ModelSpec spec = spec(1, new Routing.ExpertChoice(1, 0, 0.5, Gate.RAW, 0, true));
        ModelSpec plain = spec.dense();
        float[] theta = withConstantFirst(spec, 1);
        CausalRule predictor = CausalRule.of(CausalRule.Signal.PREDICTOR);
        Decoder decoder = new Decoder(spec, theta, predictor.withThresholds(Map.of(0, -0.2)));
        int[] text = tokens(CONTEXT);
        Sequence sequence = decoder.begin();
        float[][] logits = decoder.score(sequence, text);
        int[] selected = sequence.routed(0);
        assertThat(selected).hasSizeBetween(3, CONTEXT - 1).isSorted();

        float[] compacted = withConstantFirst(plain, 1);
        int positions = ParameterLayout.of(plain).tensor("wpe.weight").offset();
        int[] alone = new int[selected.length];
        for (int n = 0; n < selected.length; n++) {
            alone[n] = text[selected[n]];
            System.arraycopy(theta, positions + selected[n] * WIDTH, compacted, positions + n * WIDTH, WIDTH);
        }
        Decoder dense = new Decoder(plain, compacted, BY_ROUTER);
        float[][] denseLogits = dense.score(dense.begin(), alone);
        for (int n = 0; n < selected.length; n++) {
            assertThat(logits[selected[n]]).isEqualTo(denseLogits[n]);
        }
    }

    @Test
    void cacheBytesAreThoseOfTheRoutedTokens() {
        GoldenModel golden = GoldenModel.named("mod_sigmoid_predictor");
        Decoder decoder = golden.decoder(CausalRule.Signal.PREDICTOR);
        Sequence sequence = decoder.begin();
        decoder.advance(sequence, golden.tokens(0));
        int tokens = IntStream.range(0, golden.spec().blocks())
                .map(i -> sequence.routed(i).length)
                .sum();
        int depths = IntStream.range(0, sequence.length()).map(sequence::depth).sum();
        int context = golden.spec().context();
        assertThat(tokens).isEqualTo(depths).isLessThan(4 * context).isGreaterThan(2 * context);
        assertThat(sequence.cacheBytes()).isEqualTo(8L * golden.spec().width() * tokens);
        assertThat(sequence.denseCacheBytes()).isEqualTo(8L * golden.spec().width() * 4 * context);
        assertThat(sequence.flops()).isLessThan(sequence.denseFlops());
    }

    @Test
    void aBlockThatNoTokenEntersCostsItsRouterAlone() {
        ModelSpec spec = spec(2, routing(2, Gate.SIGMOID));
        CausalRule none = BY_ROUTER.withThresholds(Map.of(1, Double.MAX_VALUE));
        Decoder decoder = new Decoder(spec, parameters(spec), none);
        Sequence sequence = decoder.begin();
        decoder.advance(sequence, tokens(CONTEXT));
        ModelSpec one = spec(1, new Routing.Dense());
        Decoder plain = new Decoder(one, parameters(one), BY_ROUTER);
        Sequence dense = plain.begin();
        plain.advance(dense, tokens(CONTEXT));
        assertThat(sequence.flops()).isEqualTo(dense.flops() + 2L * WIDTH * CONTEXT);
        assertThat(sequence.cacheBytes()).isEqualTo(dense.cacheBytes());
    }

    @Test
    void refusesPredictorRoutingWithoutPredictor() {
        ModelSpec spec = spec(2, routing(2, Gate.SIGMOID));
        CausalRule predictor = CausalRule.of(CausalRule.Signal.PREDICTOR);
        assertThatThrownBy(() -> new Decoder(spec, parameters(spec), predictor))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("use routing = router");
    }

    @Test
    void refusesTextsLongerThanTheContext() {
        ModelSpec spec = spec(1, new Routing.Dense());
        Decoder decoder = new Decoder(spec, parameters(spec), BY_ROUTER);
        Sequence sequence = decoder.begin();
        decoder.advance(sequence, tokens(CONTEXT));
        assertThatThrownBy(() -> decoder.advance(sequence, 1)).hasMessageContaining("at most " + CONTEXT);
    }
}
