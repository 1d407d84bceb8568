package io.fathom.engine.cpu;

import io.fathom.engine.Session;
import io.fathom.program.Value;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What steps are bound to: the memory of a program's values, and what several steps share. */
final class Binding {
    private final SessionMemory memory;
    private final Lane[] lanes;
    private final FirstWrite firstWrite;
    private final List<AddPartialsStep> sums = new ArrayList<>();
    private final Set<Value> written = new HashSet<>();
    /** What steps set in a run that begins a gradient: where a slice begins, and its length. */
    private final TreeMap<Integer, Integer> set = new TreeMap<>();

    private @Nullable Floats ones;
    private final List<Primitives> primitives = new ArrayList<>();
    private int partials;

    Binding(SessionMemory memory, FirstWrite firstWrite, Lane[] lanes) {
        this.memory = memory;
        this.firstWrite = firstWrite;
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

    /** Floats between two rows of {@code value}. */
    int stride(Value value) {
        return memory.stride(value);
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

    /** How the step being bound writes {@code value}, all of it; steps are bound in the order in which they run. */
    Beta beta(Value value) {
        if (value.storage() != Value.Storage.GRADIENT) {
            return Beta.ZERO;
        }
        if (!written.add(value)) {
            return Beta.ONE;
        }
        set.put(value.offset(), value.length());
        return firstWrite;
    }

    /** A gradient of which the step being bound writes parts, always adding to what is there. */
    Floats added(Value gradient) {
        written.add(gradient);
        return floats(gradient);
    }

    /** The steps that clear what no step sets when a run begins a gradient: all between the slices that are set. */
    List<Step> clears() {
        List<Step> clears = new ArrayList<>();
        Floats gradient = memory.vector(Session.Vector.GRADIENT);
        int from = 0;
        set.put(gradient.length(), 0);
        for (Map.Entry<Integer, Integer> slice : set.entrySet()) {
            if (slice.getKey() > from) {
                clears.add(new ZeroStep(gradient.part(from, slice.getKey() - from), firstWrite));
            }
            from = slice.getKey() + slice.getValue();
        }
        return clears;
    }

    /** A place in the lanes' partials for a sum over rows that ends in {@code gradient}. */
    int sumOver(Value gradient) {
        int at = partials;
        partials += gradient.length();
        sums.add(new AddPartialsStep(lanes, at, floats(gradient), gradient.length(), beta(gradient)));
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
