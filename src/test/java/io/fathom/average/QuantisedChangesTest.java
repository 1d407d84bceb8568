package io.fathom.average;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fathom.average.QuantisedChanges.Width;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.model.Tensor;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class QuantisedChangesTest {
    private static final ModelSpec SPEC =
            new ModelSpec(37, 9, 24, 3, 2, new Routing.ExpertChoice(2, 1, 0.5, Gate.SIGMOID, 0.01, true));
    private static final ParameterLayout LAYOUT = ParameterLayout.of(SPEC);

    private final float[] before = noise(1, 1);
    private final float[] after = moved(before, noise(2, 1e-3));

    @Test
    void bfloat16RoundsToTheNearestAndTiesToEven() {
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < 100_000; i++) {
            float value = Float.intBitsToFloat(random.nextInt());
            if (!Float.isFinite(value)) {
                continue;
            }
            int bits = Float.floatToRawIntBits(value);
            float down = Float.intBitsToFloat(bits & 0xFFFF0000);
            float up = Float.intBitsToFloat((bits & 0xFFFF0000) + 0x10000);
            float found = Float.intBitsToFloat(QuantisedChanges.toBfloat16(value) << 16);
            if (!Float.isFinite(up)) {
                continue;
            }
            int nearer = distance(value, down).compareTo(distance(value, up));
            boolean downIsEven = (bits >>> 16 & 1) == 0;
            float expected = nearer < 0 || (nearer == 0 && downIsEven) ? down : up;
            assertThat(Float.floatToRawIntBits(found)).isEqualTo(Float.floatToRawIntBits(expected));
        }
    }

    private static BigDecimal distance(float a, float b) {
        return new BigDecimal(a).subtract(new BigDecimal(b)).abs();
    }

    @ParameterizedTest
    @EnumSource
    void errorsStayWithinTheirBounds(Width width) {
        SliceCodec codec = new QuantisedChanges(SPEC, width);
        float[] decoded = decode(codec, encode(codec, before, after));
        for (Tensor tensor : LAYOUT.tensors()) {
            double largest = 0;
            for (int i = tensor.offset(); i < tensor.offset() + tensor.length(); i++) {
                largest = Math.max(largest, Math.abs((double) after[i] - before[i]));
            }
            for (int i = tensor.offset(); i < tensor.offset() + tensor.length(); i++) {
                float change = after[i] - before[i];
                if (!TensorGroup.of(tensor).quantised()) {
                    assertThat(decoded[i]).as(tensor.name()).isEqualTo(change);
                } else if (width == Width.BF16) {
                    assertThat(decoded[i]).isCloseTo(change, within(Math.abs(change) / 256 + Float.MIN_NORMAL));
                } else {
                    assertThat((double) decoded[i]).isCloseTo(change, within(largest / 254 * 1.0001));
                }
            }
        }
    }

    /** By their names, which are those of GPT-2 and of the routers, and by no rule of this package. */
    @ParameterizedTest
    @EnumSource
    void routersPredictorsNormsAndBiasesLoseNothing(Width width) {
        SliceCodec codec = new QuantisedChanges(SPEC, width);
        float[] decoded = decode(codec, encode(codec, before, after));
        List<String> rounded = new ArrayList<>();
        for (Tensor tensor : LAYOUT.tensors()) {
            for (int i = tensor.offset(); i < tensor.offset() + tensor.length(); i++) {
                if (decoded[i] != after[i] - before[i]) {
                    rounded.add(tensor.name());
                    break;
                }
            }
        }
        assertThat(rounded)
                .containsExactlyInAnyOrder(
                        "wte.weight",
                        "wpe.weight",
                        "h.0.attn.c_attn.weight",
                        "h.0.attn.c_proj.weight",
                        "h.0.mlp.c_fc.weight",
                        "h.0.mlp.c_proj.weight",
                        "h.1.attn.c_attn.weight",
                        "h.1.attn.c_proj.weight",
                        "h.1.mlp.c_fc.weight",
                        "h.1.mlp.c_proj.weight");
    }

    /** |decoded - change| / |change|, here of two workers together, group by group. */
    @ParameterizedTest
    @EnumSource
    void theErrorOfAGroupIsThatOfItsTensors(Width width) {
        SliceCodec codec = new QuantisedChanges(SPEC, width);
        List<ChangeNorms> workers = new ArrayList<>();
        Map<String, double[]> sums = new HashMap<>();
        for (float[] came : List.of(after, moved(before, noise(4, 5e-3)))) {
            float[] decoded = decode(codec, encode(codec, before, came));
            ChangeNorms.Sum sum = new ChangeNorms.Sum(LAYOUT);
            sum.add(0, LAYOUT.size(), before, came, decoded);
            workers.add(sum.norms());
            for (Tensor tensor : LAYOUT.tensors()) {
                double[] group = sums.computeIfAbsent(group(tensor.name()), name -> new double[2]);
                for (int i = tensor.offset(); i < tensor.offset() + tensor.length(); i++) {
                    double change = (double) came[i] - before[i];
                    group[0] += Math.pow(decoded[i] - change, 2);
                    group[1] += Math.pow(change, 2);
                }
            }
        }
        Map<TensorGroup, Double> errors = ChangeNorms.relativeErrors(workers);
        assertThat(errors).hasSameSizeAs(sums);
        errors.forEach((group, error) -> {
            double[] twin = Objects.requireNonNull(sums.get(group.name()));
            assertThat(error).as(group.name()).isCloseTo(Math.sqrt(twin[0] / twin[1]), within(1e-5 * error + 1e-12));
        });
    }

    private static String group(String tensor) {
        if (tensor.contains("router") || tensor.contains("predictor")) {
            return "ROUTER";
        }
        if (tensor.endsWith(".bias") || tensor.contains("ln_")) {
            return "NORM_AND_BIAS";
        }
        return tensor.contains("attn") ? "ATTENTION" : tensor.contains("mlp") ? "MLP" : "EMBEDDING";
    }

    @ParameterizedTest
    @EnumSource
    void slicesDecodeToTheSameWhereverTheyAreCutAtBlocks(Width width) {
        SliceCodec codec = new QuantisedChanges(SPEC, width);
        Slices slices = new Slices(LAYOUT.size(), 777);
        float[] whole = decode(codec, encode(codec, before, after));
        ChangeNorms.Sum gathered = new ChangeNorms.Sum(LAYOUT);
        for (int s = 0; s < slices.count(); s++) {
            int from = slices.from(s);
            int to = slices.to(s);
            float[] first = Arrays.copyOfRange(before, from, to);
            float[] last = Arrays.copyOfRange(after, from, to);
            float[] decoded = new float[777];
            ByteBuffer bytes = Floats.buffer(new byte[codec.bytes(from, to)]);
            codec.encode(first, last, from, to, bytes);
            assertThat(bytes.hasRemaining()).isFalse();
            codec.decode(bytes.flip(), from, to, decoded);
            if (width == Width.BF16) {
                assertThat(Arrays.copyOf(decoded, to - from)).isEqualTo(Arrays.copyOfRange(whole, from, to));
            }
            gathered.add(from, to, first, last, decoded);
        }
        ChangeNorms norms = gathered.norms();
        double sum = 0;
        for (int i = 0; i < before.length; i++) {
            sum += Math.pow((double) after[i] - before[i], 2);
        }
        assertThat(norms.change()).isCloseTo(Math.sqrt(sum), within(1e-9));
        var errors = ChangeNorms.relativeErrors(List.of(norms, norms));
        assertThat(errors).containsOnlyKeys(TensorGroup.values());
        assertThat(errors.get(TensorGroup.ATTENTION)).isBetween(1e-4, 1e-2);
        assertThat(errors.get(TensorGroup.ROUTER)).as("rounding of fp32 alone").isLessThan(1e-3);
    }

    @Test
    void anUnchangedModelDecodesToZero() {
        for (Width width : Width.values()) {
            SliceCodec codec = new QuantisedChanges(SPEC, width);
            float[] decoded = decode(codec, encode(codec, before, before));
            assertThat(decoded).containsOnly(0f);
        }
    }

    @Test
    void bytesAreHalfAndAQuarter() {
        int whole = encode(new WholeFloats(), before, after).capacity();
        assertThat(encodedBytes(Width.BF16) / (double) whole).isBetween(0.5, 0.6);
        assertThat(encodedBytes(Width.INT8) / (double) whole).isBetween(0.25, 0.4);
    }

    @Test
    void cosinesAreThoseOfTheVectors() {
        float[] theta = noise(10, 1);
        List<float[]> changes = List.of(noise(11, 1), noise(12, 2), noise(13, 3));
        long[] tokens = {10, 20, 40};
        WeightedMean mean = new WeightedMean(theta.length);
        double[] weights = new double[3];
        double[] norms = new double[3];
        for (int w = 0; w < 3; w++) {
            mean.add(changes.get(w), tokens[w]);
            weights[w] = tokens[w];
            norms[w] = Math.sqrt(dot(changes.get(w), changes.get(w)));
        }
        double products = 0;
        double lengths = 0;
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 3; j++) {
                if (i != j) {
                    products += weights[i] * weights[j] * dot(changes.get(i), changes.get(j));
                    lengths += weights[i] * weights[j] * norms[i] * norms[j];
                }
            }
        }
        OuterStep step = new OuterStep(
                new Outer.Average(), theta, Optional.empty(), new Slices(theta.length, theta.length), true);
        step.take(0, mean.mean());
        double meanNorm = step.change();
        assertThat(Divergence.cosine(weights, norms, meanNorm)).isCloseTo(products / lengths, within(1e-6));
        assertThat(Divergence.cosine(new double[] {1, 1}, new double[] {2, 3}, 2.5))
                .isCloseTo(1, within(1e-12));
        assertThat(Divergence.cosine(new double[] {1}, new double[] {2}, 2)).isNaN();
    }

    private int encodedBytes(Width width) {
        return encode(new QuantisedChanges(SPEC, width), before, after).capacity();
    }

    private static ByteBuffer encode(SliceCodec codec, float[] before, float[] after) {
        ByteBuffer bytes = Floats.buffer(new byte[codec.bytes(0, LAYOUT.size())]);
        codec.encode(before, after, 0, LAYOUT.size(), bytes);
        assertThat(bytes.hasRemaining()).isFalse();
        return bytes.flip();
    }

    private static float[] decode(SliceCodec codec, ByteBuffer bytes) {
        float[] values = new float[LAYOUT.size()];
        codec.decode(bytes, 0, LAYOUT.size(), values);
        assertThat(bytes.hasRemaining()).isFalse();
        return values;
    }

    private static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }

    /** Noise on the tensors, zero in the padding. */
    private static float[] noise(long seed, double scale) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[LAYOUT.size()];
        for (Tensor tensor : LAYOUT.tensors()) {
            for (int i = tensor.offset(); i < tensor.offset() + tensor.length(); i++) {
                values[i] = (float) (scale * random.nextGaussian());
            }
        }
        return values;
    }

    private static float[] moved(float[] from, float[] change) {
        float[] to = from.clone();
        for (int i = 0; i < to.length; i++) {
            to[i] += change[i];
        }
        return to;
    }
}
