package io.fathom.engine.cuda;

import io.fathom.program.Instruction;
import io.fathom.program.Value;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the device does as one: an instruction, with those that its kernel takes along.
 *
 * @param instruction the main one
 * @param then a Gelu of a product's result, or a GeluGrad of it, done by the product's epilogue
 * @param sum the column sum of the main result, done by the same kernel
 * @param hidden a value between the two that is then never in memory
 */
record Step(
        Instruction instruction,
        @Nullable Instruction then,
        Instruction.@Nullable ColumnSum sum,
        @Nullable Value hidden) {

    /** A step of one instruction. */
    static Step of(Instruction instruction) {
        return new Step(instruction, null, null, null);
    }

    /** The same that also sums columns of its result. */
    Step with(Instruction.ColumnSum columns) {
        return new Step(instruction, then, columns, hidden);
    }

    /** Values it reads from memory. */
    Set<Value> reads() {
        Set<Value> reads = new LinkedHashSet<>(instruction.reads());
        if (then != null) {
            reads.addAll(then.reads());
            instruction.writes().forEach(reads::remove);
        }
        return reads;
    }

    /** Values it writes, the main result first. */
    List<Value> writes() {
        List<Value> writes = new ArrayList<>();
        if (then != null) {
            writes.addAll(then.writes());
        }
        for (Value written : instruction.writes()) {
            if (!written.equals(hidden)) {
                writes.add(written);
            }
        }
        if (sum != null) {
            writes.add(sum.dBias());
        }
        return writes;
    }

    /** Values whose place the main result may take. */
    List<Value> inPlace() {
        return then == null ? instruction.inPlace() : List.of();
    }
}
