package io.fathom.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fathom.engine.Engines;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.model.Batch;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.program.Programs;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class TokenChoiceDecodingTest {
    @Test
    void withRoomForAllTokensDecodingIsThePassOfTheEngine() {
        // A token chooses by its own weight; only the room of a block could make it look at others.
        ModelSpec spec = new ModelSpec(61, 24, 16, 2, 4, new Routing.TokenChoice(2, 1, 1, Gate.SIGMOID, 0.01, 0));
        float[] theta = ParameterLayout.of(spec).initial(spec, 5);
        for (int i = 0; i < theta.length; i++) {
            theta[i] *= 6;
        }
        SplittableRandom random = new SplittableRandom(8);
        int[] window = random.ints(25, 0, 61).toArray();
        Decoder decoder = new Decoder(spec, theta, CausalRule.of(spec));
        Sequence sequence = decoder.begin();
        int[] text = Arrays.copyOf(window, 24);
        float[][] decoded = decoder.score(sequence, text);
        try (Session session = Engines.named("cpu").open(Programs.inference(spec, 1), SessionOptions.DEFAULT)) {
            session.write(Session.Vector.PARAMETERS, theta);
            session.run(Batch.ofWindows(new int[][] {window}));
            double[] logits = session.output("logits");
            for (int t = 0; t < 24; t++) {
                for (int v = 0; v < 61; v++) {
                    assertThat((double) decoded[t][v]).isCloseTo(logits[t * 61 + v], within(1e-4));
                }
            }
            double[] mask = session.output("h.1.mask");
            for (int t = 0; t < 24; t++) {
                assertThat(sequence.blocks(t).contains(1)).isEqualTo(mask[t] != 0);
            }
        }
        assertThat(sequence.routed(1)).hasSizeBetween(2, 22);
    }
}
