package io.fathom.routing;

import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Made-up sequences whose routers prefer some tokens, seeded. */
public final class SyntheticTraces {
    private SyntheticTraces() {}

    /** A byte-vocabulary model with a router in every other block. */
    public static ModelSpec model(int context, int blocks, double capacity, boolean predictor) {
        return new ModelSpec(
                257, context, 16, 2, blocks, new Routing.ExpertChoice(2, 1, capacity, Gate.SIGMOID, 0.01, predictor));
    }

    /** {@code sequences} traces: text cycles through {@code text}; spaces weigh more, later layers less sure. */
    public static List<RoutingTrace> of(ModelSpec spec, String text, int sequences, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Routing.ExpertChoice choice = (Routing.ExpertChoice) spec.routing();
        int length = spec.context();
        int k = choice.selected(length);
        List<RoutingTrace> traces = new ArrayList<>();
        for (int s = 0; s < sequences; s++) {
            int[] tokens = new int[length];
            double[] losses = new double[length];
            for (int t = 0; t < length; t++) {
                tokens[t] = text.charAt((s * length + t) % text.length());
                losses[t] = 4 * random.nextDouble() * (tokens[t] == ' ' ? 2 : 1);
            }
            List<RoutingTrace.Layer> layers = new ArrayList<>();
            for (int block : spec.routedBlocks()) {
                double[] scores = new double[length];
                double[] logits = new double[length];
                for (int t = 0; t < length; t++) {
                    scores[t] = random.nextGaussian() * (1 + block) * 0.3 + (tokens[t] == ' ' ? 1 : -0.5);
                }
                boolean[] selected = topK(scores, k);
                for (int t = 0; t < length; t++) {
                    logits[t] = (selected[t] ? 1 : -1) * 2 + random.nextGaussian() * 1.5;
                }
                layers.add(new RoutingTrace.Layer(
                        block, scores, selected, Optional.of(logits).filter(any -> choice.predictor())));
            }
            traces.add(new RoutingTrace(tokens, losses, layers));
        }
        return traces;
    }

    private static boolean[] topK(double[] scores, int k) {
        boolean[] selected = new boolean[scores.length];
        IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer t) -> -scores[t]).thenComparing(t -> t))
                .limit(k)
                .forEach(t -> selected[t] = true);
        return selected;
    }
}
