package io.fathom.engine.cpu;

import io.fathom.engine.EngineException;
import io.fathom.engine.Session.Vector;
import io.fathom.program.Program;
import io.fathom.program.Value;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * All memory of one session, taken when it opens: four flat vectors, the arena of the activations, scratch; integers
 * are kept on the heap, since BLAS never reads them.
 */
final class SessionMemory implements AutoCloseable {
    /** A buffer counts bytes in an int. */
    private static final long LONGEST = Integer.MAX_VALUE / Float.BYTES - 16;

    private final Program program;
    private final List<Slab> slabs = new ArrayList<>();
    private final Map<Vector, Floats> vectors = new EnumMap<>(Vector.class);
    private final Slab parameters;
    private final Slab gradient;
    private final Slab arena;
    private final Map<Value, Floats> floats = new HashMap<>();
    private final Map<Value, int[]> ints = new HashMap<>();
    private final List<Primitives> primitives = new ArrayList<>();
    private final long[] seed = new long[1];

    SessionMemory(Program program) {
        this.program = program;
        int size = program.layout().size();
        try {
            this.parameters = vector(Vector.PARAMETERS, size);
            this.gradient = vector(Vector.GRADIENT, program.training() ? size : 0);
            // Memory that is never touched costs nothing: so these do where a worker's own take their place.
            vector(Vector.FIRST_MOMENT, program.training() ? size : 0);
            vector(Vector.SECOND_MOMENT, program.training() ? size : 0);
            this.arena = take(program.memory().elements(), "activations");
        } catch (EngineException e) {
            close();
            throw e;
        }
    }

    private Slab vector(Vector vector, int size) {
        Slab slab = take(size, vector.name().toLowerCase(Locale.ROOT).replace('_', ' '));
        vectors.put(vector, slab.floats(0, size));
        return slab;
    }

    private Slab take(long size, String purpose) {
        Slab slab = Slab.take(size, purpose);
        slabs.add(slab);
        return slab;
    }

    /** The seed of the batch in hand, its only element. */
    long[] seed() {
        return seed;
    }

    /** A flat vector; empty for a program that does not train, parameters excepted. */
    Floats vector(Vector vector) {
        Floats found = vectors.get(vector);
        if (found == null) {
            throw new IllegalStateException(vector + " was never taken");
        }
        return found;
    }

    /** Makes {@code moments} the memory of both moments. */
    void attach(CpuMoments moments) {
        vectors.put(Vector.FIRST_MOMENT, moments.first());
        vectors.put(Vector.SECOND_MOMENT, moments.second());
    }

    /** Floats between two rows of {@code value}. */
    int stride(Value value) {
        return program.memory().rowStride(value);
    }

    /** Memory of a value's own; its reals, and what lies between its rows. */
    Floats floats(Value value) {
        return floats.computeIfAbsent(value, this::place);
    }

    private Floats place(Value value) {
        long length = program.memory().length(value);
        if (length > LONGEST) {
            throw new EngineException(value.name() + " is " + value.rows() + " x " + value.columns()
                    + ": more than one buffer holds; use a smaller micro-batch");
        }
        return switch (value.storage()) {
            case PARAMETER -> parameters.floats(value.offset(), value.length());
            case GRADIENT -> gradient.floats(value.offset(), value.length());
            case ACTIVATION -> arena.floats(program.memory().offset(value), (int) length);
            case INPUT -> throw new IllegalArgumentException(value.name() + " holds integers");
        };
    }

    /** The integers of a value. */
    int[] ints(Value value) {
        return ints.computeIfAbsent(value, v -> new int[v.length()]);
    }

    /** Scratch of {@code length} floats that lives as long as the session. */
    Floats scratch(int length) {
        return take(length, "scratch").floats(0, length);
    }

    /** A new maker of kernels, whose kernels live as long as the session. */
    Primitives primitives() {
        Primitives made = new Primitives();
        primitives.add(made);
        return made;
    }

    /** Takes the scratch memory of all kernels, which are complete by now. */
    void takeScratch() {
        primitives.forEach(Primitives::takeScratch);
    }

    /** Bytes taken outside the heap. */
    long bytes() {
        return slabs.stream().mapToLong(Slab::bytes).sum()
                + primitives.stream().mapToLong(Primitives::bytes).sum();
    }

    @Override
    public void close() {
        primitives.forEach(Primitives::close);
        primitives.clear();
        slabs.forEach(Slab::close);
        slabs.clear();
    }
}
