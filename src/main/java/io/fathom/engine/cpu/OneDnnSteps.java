package io.fathom.engine.cpu;

import io.fathom.program.Instruction;
import io.fathom.program.Instruction.Gelu;
import io.fathom.program.Instruction.GeluGrad;
import io.fathom.program.Instruction.LayerNorm;
import io.fathom.program.Instruction.LayerNormGrad;
import io.fathom.program.Instruction.MatMul;
import io.fathom.program.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The steps that oneDNN serves, where it does: products with what follows them, gelu and layer norm. All primitives are
 * made here, once; all scratch memory is the session's.
 */
final class OneDnnSteps {
    private static final int PAGE = 4096;

    private final Binding binding;
    private final Map<Value, Double> epsilons = new HashMap<>();
    /** A lane's place for the gradient of a layer norm before its addend is added, by length. */
    private final List<Map<Integer, Floats>> beforeAddends = new ArrayList<>();

    OneDnnSteps(Binding binding) {
        this.binding = binding;
        for (int i = 0; i < binding.lanes().length; i++) {
            beforeAddends.add(new HashMap<>());
        }
    }

    /** The step of {@code instruction}; null where it is none of them. */
    @Nullable
    Step of(Instruction instruction) {
        if (instruction instanceof MatMul m && servesBetter(m)) {
            return matMul(m);
        } else if (instruction instanceof Gelu m) {
            // What lies between two rows is computed too: nobody reads it.
            return step(binding.floats(m.x()).length(), (primitives, lane, from, n) ->
                    new Primitive[] {primitives.gelu(address(m.x(), from), address(m.y(), from), n)});
        } else if (instruction instanceof GeluGrad m) {
            return step(binding.floats(m.x()).length(), (primitives, lane, from, n) -> new Primitive[] {
                primitives.geluGrad(address(m.x(), from), address(m.dy(), from), address(m.dx(), from), n)
            });
        } else if (instruction instanceof LayerNorm m) {
            return layerNorm(m);
        } else if (instruction instanceof LayerNormGrad m) {
            return layerNormGrad(m);
        }
        return null;
    }

    /** Makes what one lane runs on its share, {@code n} units from {@code from} on. */
    private interface Share {
        Primitive[] of(Primitives primitives, Lane lane, int from, int n);
    }

    private PrimitiveStep step(int units, Share share) {
        Lane[] lanes = binding.lanes();
        Primitive[][] ofLanes = new Primitive[lanes.length][];
        for (int i = 0; i < lanes.length; i++) {
            int from = lanes[i].from(units);
            int n = lanes[i].to(units) - from;
            ofLanes[i] = n == 0 ? new Primitive[0] : share.of(binding.primitives(i), lanes[i], from, n);
        }
        return new PrimitiveStep(ofLanes);
    }

    private long address(Value value, long element) {
        return binding.floats(value).at(element);
    }

    private Panel panel(Value value, int from, int rows) {
        int stride = binding.stride(value);
        return Panel.of(binding.floats(value), (long) from * stride, rows, value.columns(), stride);
    }

    /**
     * Whether a primitive beats {@link Blas#gemm}, measured in a training step: it does where it saves the pass that
     * lays a bias, on b transposed, and where the rows of a transposed a lie a multiple of a page apart, which sgemm
     * reads with conflicts in the caches.
     */
    private boolean servesBetter(MatMul m) {
        return m.transposeA() ? binding.stride(m.a()) * Float.BYTES % PAGE == 0 : m.addend() == null;
    }

    /** Lanes share the rows of c. */
    private Step matMul(MatMul m) {
        Beta beta = binding.beta(m.c());
        if (m.c().storage() != Value.Storage.GRADIENT) {
            return matMul(m, after(m));
        }
        Step add = matMul(m, (from, n) -> new PostOp[] {new PostOp.Accumulate()});
        return beta == Beta.ONE ? add : new EitherStep(beta, matMul(m, (from, n) -> new PostOp[0]), add);
    }

    /** What is done to {@code n} rows of a product from {@code from} on. */
    private interface After {
        PostOp[] of(int from, int n);
    }

    private After after(MatMul m) {
        Value addend = m.addend();
        if (addend == null) {
            return (from, n) -> new PostOp[0];
        }
        return binding.floats(addend).sharesPlaceWith(binding.floats(m.c()))
                ? (from, n) -> new PostOp[] {new PostOp.Accumulate()}
                : (from, n) -> new PostOp[] {new PostOp.Add(panel(addend, from, n))};
    }

    private Step matMul(MatMul m, After after) {
        Panel b = m.transposeB() ? panel(m.b(), 0, m.b().rows()).transposed() : panel(m.b(), 0, m.b().rows());
        return step(m.c().rows(), (primitives, lane, from, n) -> {
            Panel a = m.transposeA()
                    ? Panel.of(binding.floats(m.a()), from, m.inner(), n, binding.stride(m.a()))
                            .transposed()
                    : panel(m.a(), from, n);
            Panel c = panel(m.c(), from, n);
            Panel bias = m.bias() == null ? null : panel(m.bias(), 0, 1);
            return new Primitive[] {primitives.product(a, b, c, bias, after.of(from, n))};
        });
    }

    /** Lanes share the rows. oneDNN keeps the variance where others keep rstd; its gradient alone reads that. */
    private Step layerNorm(LayerNorm m) {
        epsilons.put(m.rstd(), m.epsilon());
        return step(m.x().rows(), (primitives, lane, from, n) -> new Primitive[] {
            primitives.layerNorm(
                    panel(m.x(), from, n),
                    address(m.gain(), 0),
                    address(m.bias(), 0),
                    m.epsilon(),
                    address(m.y(), (long) from * m.y().columns()),
                    address(m.mean(), from),
                    address(m.rstd(), from))
        });
    }

    /** Lanes share the rows; each leaves its sums over rows in its partials. */
    private Step layerNormGrad(LayerNormGrad m) {
        int atGain = binding.sumOver(m.dGain());
        int atBias = binding.sumOver(m.dBias());
        Double epsilon = epsilons.get(m.rstd());
        if (epsilon == null) {
            throw new IllegalArgumentException(m.rstd().name() + " was made by no layer norm");
        }
        return step(m.x().rows(), (primitives, lane, from, n) -> {
            int width = m.x().columns();
            long first = (long) from * width;
            Value addend = m.addend();
            long dx = address(m.dx(), first);
            // The addend may lie in the place of dx, which oneDNN does not add to.
            long out = addend == null ? dx : beforeAddend(lane, n * width).at(0);
            Primitive gradient = primitives.layerNormGrad(
                    panel(m.x(), from, n),
                    address(m.gain(), 0),
                    epsilon,
                    address(m.mean(), from),
                    address(m.rstd(), from),
                    address(m.dy(), first),
                    out,
                    lane.partials.at(atGain),
                    lane.partials.at(atBias));
            return addend == null
                    ? new Primitive[] {gradient}
                    : new Primitive[] {gradient, primitives.sum(address(addend, first), out, dx, n * width)};
        });
    }

    private Floats beforeAddend(Lane lane, int length) {
        return beforeAddends.get(lane.index).computeIfAbsent(length, binding::scratch);
    }
}
