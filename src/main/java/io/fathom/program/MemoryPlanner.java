package io.fathom.program;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Gives every activation a place in one arena from its lifetime: greedy by size, each at the lowest place that no
 * activation alive at the same time holds.
 */
final class MemoryPlanner {
    private static final int ALIGNMENT = 32;

    private MemoryPlanner() {}

    /** Plans {@code instructions}; {@code outputs} live from the instruction that writes them to the end. */
    static MemoryPlan plan(List<Instruction> instructions, Collection<Value> outputs) {
        Map<Value, Integer> lastRead = new HashMap<>();
        for (int i = 0; i < instructions.size(); i++) {
            for (Value read : instructions.get(i).reads()) {
                lastRead.put(read, i);
            }
        }
        Set<Value> kept = new HashSet<>(outputs);
        Map<Integer, Integer> strides = RowStrides.of(instructions, outputs);
        Map<Value, Room> rooms = new HashMap<>();
        List<Room> distinct = new ArrayList<>();
        long unshared = 0;
        for (int i = 0; i < instructions.size(); i++) {
            Instruction instruction = instructions.get(i);
            List<Value> writes = instruction.writes();
            for (Value written : writes) {
                if (written.storage() != Value.Storage.ACTIVATION) {
                    continue;
                }
                long length = length(written, strides);
                unshared += length;
                Room room = null;
                if (written.equals(writes.get(0))) {
                    for (Value candidate : instruction.inPlace()) {
                        if (candidate.storage() == Value.Storage.ACTIVATION
                                && length(candidate, strides) == length
                                && candidate.type() == written.type()
                                && lastRead.getOrDefault(candidate, -1) == i
                                && Collections.frequency(instruction.reads(), candidate) == 1
                                && !kept.contains(candidate)) {
                            room = rooms.get(candidate);
                            break;
                        }
                    }
                }
                if (room == null) {
                    room = new Room(i, length);
                    distinct.add(room);
                }
                room.liveTo(kept.contains(written) ? instructions.size() : lastRead.getOrDefault(written, i));
                rooms.put(written, room);
            }
        }
        long elements = Room.place(distinct);
        Map<Integer, Long> offsets = new HashMap<>();
        rooms.forEach((value, room) -> offsets.put(value.id(), room.offset()));
        return new MemoryPlan(offsets, strides, elements, unshared);
    }

    private static long length(Value value, Map<Integer, Integer> strides) {
        long length = (long) value.rows() * strides.getOrDefault(value.id(), value.columns());
        return (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
}
