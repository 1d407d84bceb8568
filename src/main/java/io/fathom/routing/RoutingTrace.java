package io.fathom.routing;

import io.fathom.model.Batch;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * What every router did with one sequence.
 *
 * @param tokens the S input tokens
 * @param losses at t, the cross-entropy in nats of predicting the token after t
 * @param layers the routed blocks in ascending order
 */
public record RoutingTrace(int[] tokens, double[] losses, List<Layer> layers) {

    /**
     * One routed block's decisions over one sequence.
     *
     * @param block its index in the model, from 0
     * @param scores r of each token
     * @param selected the tokens that it computed
     * @param predictor the predictor's logit of each token; absent where the model has none
     */
    public record Layer(int block, double[] scores, boolean[] selected, Optional<double[]> predictor) {
        public Layer {
            if (selected.length != scores.length
                    || predictor
                            .filter(logits -> logits.length != scores.length)
                            .isPresent()) {
                throw new IllegalArgumentException(
                        "block " + block + ": scores, selection and predictor differ in length");
            }
            for (double score : scores) {
                if (!Double.isFinite(score)) {
                    throw new IllegalArgumentException("block " + block + ": router weight " + score
                            + " is not finite; the checkpoint holds a diverged model");
                }
            }
        }
    }

    public RoutingTrace {
        layers = List.copyOf(layers);
        for (Layer layer : layers) {
            if (layer.scores().length != tokens.length) {
                throw new IllegalArgumentException("block " + layer.block() + ": " + layer.scores().length
                        + " router weights for " + tokens.length + " tokens");
            }
        }
        if (losses.length != tokens.length) {
            throw new IllegalArgumentException(losses.length + " losses for " + tokens.length + " tokens");
        }
    }

    /**
     * The traces of a batch that an inference program has just scored.
     *
     * @param output the program's outputs by name, as {@link io.fathom.program.Program} lists them
     */
    public static List<RoutingTrace> of(ModelSpec spec, Batch batch, Function<String, double[]> output) {
        boolean predictor = spec.routing() instanceof Routing.ExpertChoice choice && choice.predictor();
        int length = batch.length();
        double[] losses = output.apply("token_loss");
        List<List<Layer>> layers = new ArrayList<>();
        for (int b = 0; b < batch.sequences(); b++) {
            layers.add(new ArrayList<>());
        }
        for (int block : spec.routedBlocks()) {
            double[] scores = output.apply("h." + block + ".scores");
            boolean[] selected = new boolean[scores.length];
            double[] mask = output.apply("h." + block + ".mask");
            for (int row = 0; row < mask.length; row++) {
                selected[row] = mask[row] != 0;
            }
            Optional<double[]> logits =
                    predictor ? Optional.of(output.apply("h." + block + ".predictor")) : Optional.empty();
            for (int b = 0; b < batch.sequences(); b++) {
                int from = b * length;
                int to = from + length;
                layers.get(b)
                        .add(new Layer(
                                block,
                                Arrays.copyOfRange(scores, from, to),
                                Arrays.copyOfRange(selected, from, to),
                                logits.map(all -> Arrays.copyOfRange(all, from, to))));
            }
        }
        List<RoutingTrace> traces = new ArrayList<>();
        for (int b = 0; b < batch.sequences(); b++) {
            int from = b * length;
            traces.add(new RoutingTrace(
                    Arrays.copyOfRange(batch.tokens(), from, from + length),
                    Arrays.copyOfRange(losses, from, from + length),
                    layers.get(b)));
        }
        return traces;
    }

    /** S. */
    public int length() {
        return tokens.length;
    }

    /** D_t: how many routed blocks computed the token at {@code position}. */
    public int depth(int position) {
        int depth = 0;
        for (Layer layer : layers) {
            depth += layer.selected()[position] ? 1 : 0;
        }
        return depth;
    }
}
