package io.fathom.program;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * A program as text: one line an instruction with what it makes, its shapes, FLOPs and the bytes it touches, then what
 * the whole needs.
 */
public final class ProgramListing {
    private static final int BYTES = Float.BYTES;

    private ProgramListing() {}

    /** The listing of {@code program}; bytes are those of single precision, each operand counted once. */
    public static String of(Program program) {
        String lines = program.instructions().stream()
                .map(ProgramListing::line)
                .collect(Collectors.joining(System.lineSeparator()));
        return lines + System.lineSeparator() + summary(program);
    }

    private static String line(Instruction instruction) {
        return String.format(
                Locale.ROOT,
                "%-22s %10.3f MFLOP %9.1f KiB  %s <- %s",
                instruction.getClass().getSimpleName(),
                instruction.flops() / 1e6,
                bytes(instruction) / 1024.0,
                names(instruction.writes()),
                names(instruction.reads()));
    }

    /** Bytes of all operands, read and written. */
    static long bytes(Instruction instruction) {
        long elements = 0;
        for (Value value : instruction.reads()) {
            elements += value.length();
        }
        for (Value value : instruction.writes()) {
            elements += value.length();
        }
        return elements * BYTES;
    }

    private static String names(List<Value> values) {
        return values.stream()
                .map(value -> value.name() + " [" + value.rows() + ", " + value.columns() + "]")
                .collect(Collectors.joining(", "));
    }

    private static String summary(Program program) {
        MemoryPlan memory = program.memory();
        double mebibyte = 1 << 20;
        long vectors = (program.training() ? 4L : 1L) * program.layout().size();
        return String.format(
                Locale.ROOT,
                "%d instructions, %.3f GFLOP for %,d tokens%n"
                        + "activations %.1f MiB at the peak, %.0f %% of the %.1f MiB they would take side by side%n"
                        + "parameters%s %.1f MiB",
                program.instructions().size(),
                program.flops() / 1e9,
                program.tokens(),
                memory.elements() * BYTES / mebibyte,
                100.0 * memory.elements() / memory.unshared(),
                memory.unshared() * BYTES / mebibyte,
                program.training() ? ", gradient and moments" : "",
                vectors * BYTES / mebibyte);
    }
}
