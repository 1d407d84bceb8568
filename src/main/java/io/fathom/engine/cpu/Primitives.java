package io.fathom.engine.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import io.fathom.engine.cpu.Primitive.Operand;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.dnnl_stream;
import org.jspecify.annotations.Nullable;

/**
 * Makes and owns the {@link Primitive}s of one lane, which share one piece of scratch memory: a lane runs one at a
 * time.
 */
final class Primitives implements AutoCloseable {
    private final dnnl_stream stream = new dnnl_stream();
    private final List<Primitive> made = new ArrayList<>();
    private @Nullable Slab scratch;

    Primitives() {
        OneDnn.check(dnnl_stream_create(stream, OneDnn.engine(), dnnl_stream_default_flags), "a stream");
    }

    /** c = a b + bias (a row, on every row), then {@code after}; operands a, b, c, bias, those of {@code after}. */
    Primitive product(Panel a, Panel b, Panel c, @Nullable Panel bias, PostOp... after) {
        try (Descriptors d = new Descriptors()) {
            dnnl_memory_desc ofA = d.matrix(a);
            dnnl_memory_desc ofB = d.matrix(b);
            dnnl_memory_desc ofC = d.matrix(c);
            dnnl_memory_desc ofBias = bias == null ? null : d.matrix(bias);
            dnnl_primitive_desc description = new dnnl_primitive_desc();
            OneDnn.check(
                    dnnl_matmul_primitive_desc_create(
                            description, OneDnn.engine(), ofA, ofB, ofBias, ofC, d.attributes(after)),
                    "a product of " + a.rows() + " x " + a.columns() + " by " + b.rows() + " x " + b.columns());
            List<Operand> operands = new ArrayList<>();
            operands.add(new Operand(DNNL_ARG_SRC, ofA, a.address()));
            operands.add(new Operand(DNNL_ARG_WEIGHTS, ofB, b.address()));
            operands.add(new Operand(DNNL_ARG_DST, ofC, c.address()));
            if (bias != null && ofBias != null) {
                operands.add(new Operand(DNNL_ARG_BIAS, ofBias, bias.address()));
            }
            for (int i = 0; i < after.length; i++) {
                if (after[i] instanceof PostOp.Add add) {
                    int name = DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE * (i + 1) | DNNL_ARG_SRC_1;
                    operands.add(
                            new Operand(name, d.matrix(add.other()), add.other().address()));
                }
            }
            return keep(description, operands);
        }
    }

    /** c = a + b on {@code n} floats. */
    Primitive sum(long a, long b, long c, int n) {
        try (Descriptors d = new Descriptors()) {
            dnnl_memory_desc shape = d.vector(n);
            dnnl_primitive_desc description = new dnnl_primitive_desc();
            OneDnn.check(
                    dnnl_binary_primitive_desc_create(
                            description, OneDnn.engine(), dnnl_binary_add, shape, shape, shape, d.attributes()),
                    "a sum");
            return keep(
                    description,
                    List.of(
                            new Operand(DNNL_ARG_SRC, shape, a),
                            new Operand(DNNL_ARG_SRC_1, shape, b),
                            new Operand(DNNL_ARG_DST, shape, c)));
        }
    }

    /** y = gelu(x) on {@code n} floats, by tanh. */
    Primitive gelu(long x, long y, int n) {
        try (Descriptors d = new Descriptors()) {
            dnnl_memory_desc shape = d.vector(n);
            return keep(
                    gelu(shape, d.attributes()),
                    List.of(new Operand(DNNL_ARG_SRC, shape, x), new Operand(DNNL_ARG_DST, shape, y)));
        }
    }

    private static dnnl_primitive_desc gelu(dnnl_memory_desc shape, dnnl_primitive_attr attributes) {
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        OneDnn.check(
                dnnl_eltwise_forward_primitive_desc_create(
                        description,
                        OneDnn.engine(),
                        dnnl_forward_training,
                        dnnl_eltwise_gelu_tanh,
                        shape,
                        shape,
                        0f,
                        0f,
                        attributes),
                "gelu");
        return description;
    }

    /** dx = dy gelu'(x) on {@code n} floats; dx may be dy. */
    Primitive geluGrad(long x, long dy, long dx, int n) {
        try (Descriptors d = new Descriptors()) {
            dnnl_memory_desc shape = d.vector(n);
            dnnl_primitive_attr attributes = d.attributes();
            dnnl_primitive_desc forward = gelu(shape, attributes);
            dnnl_primitive_desc description = new dnnl_primitive_desc();
            OneDnn.check(
                    dnnl_eltwise_backward_primitive_desc_create(
                            description,
                            OneDnn.engine(),
                            dnnl_eltwise_gelu_tanh,
                            shape,
                            shape,
                            shape,
                            0f,
                            0f,
                            forward,
                            attributes),
                    "the gradient of gelu");
            dnnl_primitive_desc_destroy(forward);
            return keep(
                    description,
                    List.of(
                            new Operand(DNNL_ARG_SRC, shape, x),
                            new Operand(DNNL_ARG_DIFF_DST, shape, dy),
                            new Operand(DNNL_ARG_DIFF_SRC, shape, dx)));
        }
    }

    /** Row by row y = gain (x - mean) / sqrt(variance + epsilon) + bias; mean and variance of each row are kept. */
    Primitive layerNorm(Panel x, long gain, long bias, double epsilon, long y, long mean, long variance) {
        try (Descriptors d = new Descriptors()) {
            dnnl_memory_desc rows = d.matrix(x);
            dnnl_memory_desc row = d.vector(x.columns());
            dnnl_memory_desc statistic = d.vector(x.rows());
            return keep(
                    layerNorm(rows, statistic, epsilon, d.attributes()),
                    List.of(
                            new Operand(DNNL_ARG_SRC, rows, x.address()),
                            new Operand(DNNL_ARG_SCALE, row, gain),
                            new Operand(DNNL_ARG_SHIFT, row, bias),
                            new Operand(DNNL_ARG_DST, rows, y),
                            new Operand(DNNL_ARG_MEAN, statistic, mean),
                            new Operand(DNNL_ARG_VARIANCE, statistic, variance)));
        }
    }

    private static dnnl_primitive_desc layerNorm(
            dnnl_memory_desc rows, dnnl_memory_desc statistic, double epsilon, dnnl_primitive_attr attributes) {
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        OneDnn.check(
                dnnl_layer_normalization_forward_primitive_desc_create(
                        description,
                        OneDnn.engine(),
                        dnnl_forward_training,
                        rows,
                        rows,
                        statistic,
                        (float) epsilon,
                        dnnl_use_scale | dnnl_use_shift,
                        attributes),
                "layer norm");
        return description;
    }

    /** The gradients of {@link #layerNorm}; dGain and dBias, the sums over the rows, are written, not added to. */
    Primitive layerNormGrad(
            Panel x, long gain, double epsilon, long mean, long variance, long dy, long dx, long dGain, long dBias) {
        try (Descriptors d = new Descriptors()) {
            dnnl_memory_desc rows = d.matrix(x);
            dnnl_memory_desc row = d.vector(x.columns());
            dnnl_memory_desc statistic = d.vector(x.rows());
            dnnl_primitive_attr attributes = d.attributes();
            dnnl_primitive_desc forward = layerNorm(rows, statistic, epsilon, attributes);
            dnnl_primitive_desc description = new dnnl_primitive_desc();
            OneDnn.check(
                    dnnl_layer_normalization_backward_primitive_desc_create(
                            description,
                            OneDnn.engine(),
                            dnnl_backward,
                            rows,
                            rows,
                            rows,
                            statistic,
                            (float) epsilon,
                            dnnl_use_scale | dnnl_use_shift,
                            forward,
                            attributes),
                    "the gradient of layer norm");
            dnnl_primitive_desc_destroy(forward);
            return keep(
                    description,
                    List.of(
                            new Operand(DNNL_ARG_SRC, rows, x.address()),
                            new Operand(DNNL_ARG_SCALE, row, gain),
                            new Operand(DNNL_ARG_MEAN, statistic, mean),
                            new Operand(DNNL_ARG_VARIANCE, statistic, variance),
                            new Operand(DNNL_ARG_DIFF_DST, rows, dy),
                            new Operand(DNNL_ARG_DIFF_SRC, rows, dx),
                            new Operand(DNNL_ARG_DIFF_SCALE, row, dGain),
                            new Operand(DNNL_ARG_DIFF_SHIFT, row, dBias)));
        }
    }

    private Primitive keep(dnnl_primitive_desc description, List<Operand> operands) {
        try {
            Primitive primitive = new Primitive(description, stream, operands);
            made.add(primitive);
            return primitive;
        } finally {
            dnnl_primitive_desc_destroy(description);
        }
    }

    /** Takes the scratch memory that the primitives made so far need; before any of them runs. */
    void takeScratch() {
        long bytes = made.stream().mapToLong(Primitive::scratchBytes).max().orElse(0);
        if (scratch != null) {
            scratch.close();
        }
        Slab taken = Slab.take(bytes / Float.BYTES + 1, "scratch of oneDNN");
        scratch = taken;
        made.forEach(primitive -> primitive.useScratch(taken.address()));
    }

    /** Bytes of the scratch memory. */
    long bytes() {
        return scratch == null ? 0 : scratch.bytes();
    }

    @Override
    public void close() {
        made.forEach(Primitive::close);
        dnnl_stream_destroy(stream);
        if (scratch != null) {
            scratch.close();
        }
    }
}
