package io.fathom.program;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A piece of an arena: one value, or a chain of values that follow one another in the same place. Lengths and offsets
 * are in whatever unit the arena counts.
 */
public final class Room {
    private final int born;
    private final long length;
    private int dies;
    private long offset;

    /** A room of {@code length}, first written by instruction {@code born}. */
    public Room(int born, long length) {
        this.born = born;
        this.dies = born;
        this.length = length;
    }

    /** Has the room's value, or the one that now follows in its place, live up to instruction {@code dies}. */
    public void liveTo(int dies) {
        this.dies = dies;
    }

    /** Where the room begins, once {@link #place} has found it a place. */
    public long offset() {
        return offset;
    }

    /**
     * Finds each room the lowest place that is free while it lives, the longest rooms first; returns the length of the
     * arena.
     */
    public static long place(List<Room> rooms) {
        List<Room> bySize = new ArrayList<>(rooms);
        bySize.sort(Comparator.comparingLong((Room r) -> -r.length).thenComparingInt(r -> r.born));
        List<Room> placed = new ArrayList<>();
        long arena = 0;
        for (Room room : bySize) {
            List<Room> neighbours = new ArrayList<>();
            for (Room other : placed) {
                if (other.born <= room.dies && room.born <= other.dies) {
                    neighbours.add(other);
                }
            }
            neighbours.sort(Comparator.comparingLong(r -> r.offset));
            long offset = 0;
            for (Room other : neighbours) {
                if (offset + room.length <= other.offset) {
                    break;
                }
                offset = Math.max(offset, other.offset + other.length);
            }
            room.offset = offset;
            placed.add(room);
            arena = Math.max(arena, offset + room.length);
        }
        return arena;
    }
}
