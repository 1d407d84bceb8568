package io.fathom.engine.cuda;

import io.fathom.program.Room;
import io.fathom.program.Value;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Places of activations in device memory, in bytes. The program's own plan counts elements of one width; here some are
 * narrow and some never are, and fused steps hide values.
 *
 * @param offsets by value id, multiples of {@link #ALIGNMENT}
 * @param bytes size of the arena
 */
record ArenaPlan(Map<Integer, Long> offsets, long bytes) {
    /** What the tensor copy engine and cuBLASLt like best. */
    static final long ALIGNMENT = 256;

    /** Plans {@code steps}; {@code outputs} live to the end. */
    static ArenaPlan of(List<Step> steps, Collection<Value> outputs, ElementTypes types) {
        Map<Value, Integer> lastRead = new HashMap<>();
        for (int i = 0; i < steps.size(); i++) {
            for (Value read : steps.get(i).reads()) {
                lastRead.put(read, i);
            }
        }
        Set<Value> kept = new HashSet<>(outputs);
        Map<Value, Room> rooms = new HashMap<>();
        List<Room> distinct = new ArrayList<>();
        for (int i = 0; i < steps.size(); i++) {
            Step step = steps.get(i);
            for (Value written : step.writes()) {
                if (written.storage() != Value.Storage.ACTIVATION) {
                    continue;
                }
                Room room = null;
                if (written.equals(step.instruction().writes().get(0))) {
                    for (Value candidate : step.inPlace()) {
                        if (room == null
                                && rooms.containsKey(candidate)
                                && lastRead.getOrDefault(candidate, -1) == i
                                && !kept.contains(candidate)
                                && step.instruction().reads().stream()
                                                .filter(candidate::equals)
                                                .count()
                                        == 1
                                && types.bytes(candidate) == types.bytes(written)) {
                            room = rooms.get(candidate);
                        }
                    }
                }
                if (room == null) {
                    room = new Room(i, (types.bytes(written) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
                    distinct.add(room);
                }
                room.liveTo(kept.contains(written) ? steps.size() : lastRead.getOrDefault(written, i));
                rooms.put(written, room);
            }
        }
        long bytes = Room.place(distinct);
        Map<Integer, Long> offsets = new HashMap<>();
        rooms.forEach((value, room) -> offsets.put(value.id(), room.offset()));
        return new ArenaPlan(Map.copyOf(offsets), bytes);
    }
}
