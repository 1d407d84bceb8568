package io.fathom.engine.cpu;

import io.fathom.program.Value;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What steps are bound to: the memory of a program's values, and what several steps share. */
final class Binding {
    private final SessionMemory memory;
    private final Lane[] lanes;
    private final List<AddPartialsStep> sums = new ArrayList<>();
    private @Nullable Floats ones;
    private final List<Primitives> primitives = new ArrayList<>();
    private int partials;

    Binding(SessionMemory memory, Lane[] lanes) {
        this.memory = memory;
        this.lanes = lanes;
        if (OneDnn.SERVES) {
            for (int i = 0; i < lanes.length; i++) {
                primitives.add(memory.primitives());
            }
        }
    }

    Floats floats(Value value) {
        return memory.floats(value);
    }

    @Nullable
    Floats optional(@Nullable Value value) {
        return value == null ? null : memory.floats(value);
    }

    int[] ints(Value value) {
        return memory.ints(value);
    }

    long[] seed() {
        return memory.seed();
    }

    Floats scratch(int length) {
        return memory.scratch(length);
    }

    Lane[] lanes() {
        return lanes;
    }

    /** What makes the kernels of lane {@code lane}, where oneDNN serves. */
    Primitives primitives(int lane) {
        return primitives.get(lane);
    }

    /** A place in the lanes' partials for a sum over rows that ends in {@code gradient}. */
    int sumOver(Value gradient) {
        int at = partials;
        partials += gradient.length();
        sums.add(new AddPartialsStep(lanes, at, floats(gradient), gradient.length()));
        return at;
    }

    /** The steps that end the sums over rows asked for so far. */
    List<AddPartialsStep> sums() {
        return sums;
    }

    /** At least {@code length} ones. */
    Floats ones(int length) {
        if (ones == null || ones.length() < length) {
            ones = memory.scratch(length);
            for (int i = 0; i < length; i++) {
                ones.put(i, 1f);
            }
        }
        return ones;
    }
}
