package io.fathom.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Where each parameter of a model lies in one flat float vector.
 *
 * <p>Gradients, optimizer moments and deltas are vectors of the same layout. Each tensor starts at a multiple of
 * {@link #ALIGNMENT} floats; the floats between tensors are padding, always zero.
 */
public final class ParameterLayout {
    /** Floats between tensor starts are multiples of this: 128 bytes, a cache line pair and what tensor cores want. */
    public static final int ALIGNMENT = 32;

    private final List<Tensor> tensors;
    private final Map<String, Tensor> byName = new LinkedHashMap<>();
    private final int[] offsets;
    private final int size;

    private ParameterLayout(List<Tensor> tensors, int size) {
        this.tensors = List.copyOf(tensors);
        this.offsets = tensors.stream().mapToInt(Tensor::offset).toArray();
        this.size = size;
        for (Tensor tensor : tensors) {
            byName.put(tensor.name(), tensor);
        }
    }

    /** The layout of {@code spec}: token and position tables, blocks in order, final norm. */
    public static ParameterLayout of(ModelSpec spec) {
        int d = spec.width();
        Builder layout = new Builder();
        layout.add("wte.weight", spec.vocabulary(), d);
        layout.add("wpe.weight", spec.context(), d);
        for (int i = 0; i < spec.blocks(); i++) {
            String block = "h." + i + ".";
            layout.add(block + "ln_1.weight", d);
            layout.add(block + "ln_1.bias", d);
            layout.add(block + "attn.c_attn.weight", d, 3 * d);
            layout.add(block + "attn.c_attn.bias", 3 * d);
            layout.add(block + "attn.c_proj.weight", d, d);
            layout.add(block + "attn.c_proj.bias", d);
            layout.add(block + "ln_2.weight", d);
            layout.add(block + "ln_2.bias", d);
            layout.add(block + "mlp.c_fc.weight", d, 4 * d);
            layout.add(block + "mlp.c_fc.bias", 4 * d);
            layout.add(block + "mlp.c_proj.weight", 4 * d, d);
            layout.add(block + "mlp.c_proj.bias", d);
            if (spec.routes(i) && !(spec.routing() instanceof Routing.Stochastic)) {
                layout.add(block + "router.weight", d);
                if (spec.routing() instanceof Routing.ExpertChoice choice && choice.predictor()) {
                    layout.add(block + "predictor.fc.weight", d, d / 2);
                    layout.add(block + "predictor.fc.bias", d / 2);
                    layout.add(block + "predictor.out.weight", d / 2);
                    layout.add(block + "predictor.out.bias", 1);
                }
            }
        }
        layout.add("ln_f.weight", d);
        layout.add("ln_f.bias", d);
        return layout.build();
    }

    private static final class Builder {
        private final List<Tensor> tensors = new ArrayList<>();
        private long next;

        void add(String name, Integer... shape) {
            Tensor tensor = new Tensor(name, List.of(shape), Math.toIntExact(next));
            tensors.add(tensor);
            long end = next + tensor.length();
            next = (end + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        }

        ParameterLayout build() {
            return new ParameterLayout(tensors, Math.toIntExact(next));
        }
    }

    /** All tensors by ascending offset. */
    public List<Tensor> tensors() {
        return tensors;
    }

    /** The tensors that may have floats between {@code from} and {@code to} (exclusive), by ascending offset. */
    public List<Tensor> tensors(int from, int to) {
        int first = Arrays.binarySearch(offsets, from);
        int end = Arrays.binarySearch(offsets, to);
        // Where no tensor begins there, the search gives -(index of the next one) - 1.
        return tensors.subList(first >= 0 ? first : -first - 2, end >= 0 ? end : -end - 1);
    }

    /** Floats of the flat vector, padding included. */
    public int size() {
        return size;
    }

    /** Parameters of the model, padding excluded. */
    public long parameterCount() {
        return tensors.stream().mapToLong(Tensor::length).sum();
    }

    /** Whether the model has a tensor of this name. */
    public boolean contains(String name) {
        return byName.containsKey(name);
    }

    /** The tensor {@code name}; throws {@link IllegalArgumentException} when the model has none of that name. */
    public Tensor tensor(String name) {
        Tensor tensor = byName.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("no parameter named " + name + " in this model");
        }
        return tensor;
    }

    /**
     * Initial parameters as GPT-2 sets them: weights N(0, 0.02), the two projections into the residual stream N(0, 0.02
     * / sqrt(2 L)), routers N(0, 0.02), gains 1, biases 0. Each tensor draws from a stream of its own, so that a block
     * which routes starts from the same weights as its dense twin.
     */
    public float[] initial(ModelSpec spec, long seed) {
        float[] theta = new float[size];
        double residual = 0.02 / Math.sqrt(2.0 * spec.blocks());
        for (Tensor t : tensors) {
            SplittableRandom random =
                    new SplittableRandom(seed * 0x9E3779B97F4A7C15L + t.name().hashCode());
            boolean gain = t.name().matches(".*ln_[12f]\\.weight");
            double scale =
                    t.name().endsWith("c_proj.weight") ? residual : t.name().endsWith(".bias") ? 0 : 0.02;
            for (int i = t.offset(); i < t.offset() + t.length(); i++) {
                theta[i] = gain ? 1f : scale == 0 ? 0f : (float) (scale * random.nextGaussian());
            }
        }
        return theta;
    }
}
