package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class HandoverTest {
    /** Two fill a chunk. */
    private static final int LENGTH = Handover.Memory.CHUNK / 2;

    private static final int PARTS = 3;

    /** Round after round two tasks fill the three chunks that there are; what is more goes through the shuffle. */
    @Test
    void partsPassThroughMemoryAndBeyondItsLimitThroughTheShuffle() throws IOException {
        Handover.Memory memory = new Handover.Memory(3L * Handover.Memory.CHUNK);
        for (int round = 0; round < 4; round++) {
            String name = "round " + round;
            try (Handover handover = Handover.open(name, memory)) {
                ByteArrayOutputStream first = written(handover, 10 + round);
                assertThat(first.size()).as("numbers alone").isLessThan(100);
                ByteArrayOutputStream second = written(handover, 20 + round);
                assertThat(second.size()).as("one part found no room").isBetween(LENGTH, LENGTH + 100);
                assertRead(name, first, 10 + round, PARTS);
                assertRead(name, second, 20 + round, 2);
                assertRead(name, first, 10 + round, PARTS);
                handover.release();
            }
        }
    }

    @Test
    void memoryOfARoundThatFailedIsNotUsedAgain() throws IOException {
        Handover.Memory memory = new Handover.Memory(Handover.Memory.CHUNK);
        ByteBuffer left;
        try (Handover failed = Handover.open("failed", memory)) {
            written(failed, 1);
            left = failed.part(1, 0);
        }
        try (Handover next = Handover.open("next", memory)) {
            assertThat(written(next, 2).size()).isGreaterThan(PARTS * LENGTH);
            assertThat(left.get(0))
                    .as("what a task that lingers may still read")
                    .isEqualTo(value(1, 0));
            assertThatThrownBy(() -> next.part(1, 0)).hasMessageContaining("task 1 left no part 0");
        }
    }

    @Test
    void memoryHoldsWhatItsChunksDo() {
        Handover.Memory memory = new Handover.Memory(6L * Handover.Memory.CHUNK);
        assertThat(memory.holds(2, 12)).isTrue();
        assertThat(memory.holds(2, 13)).as("four chunks each").isFalse();
        assertThat(memory.holds(7, 1)).as("a chunk each").isFalse();
    }

    @Test
    void aPartIsOfItsRoundAlone() throws IOException {
        ByteArrayOutputStream shuffle;
        try (Handover handover = Handover.open("over", new Handover.Memory(1L << 30))) {
            shuffle = written(handover, 7);
        }
        assertThat(Handover.of("over")).isNull();
        assertThatThrownBy(() -> assertRead("over", shuffle, 7, PARTS))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is over");
    }

    private static byte value(long task, int number) {
        return (byte) (10 * task + number);
    }

    /** What the shuffle holds of a task's parts, numbers left out. */
    private static ByteArrayOutputStream written(Handover handover, long task) throws IOException {
        Outlet outlet = handover.outlet(task);
        ByteArrayOutputStream shuffle = new ByteArrayOutputStream();
        for (int number = 0; number < PARTS; number++) {
            ByteBuffer room = outlet.room(LENGTH);
            while (room.hasRemaining()) {
                room.put(value(task, number));
            }
            outlet.send(number, room, new DataOutputStream(shuffle));
        }
        return shuffle;
    }

    private static void assertRead(String round, ByteArrayOutputStream shuffle, long task, int staying)
            throws IOException {
        Parcel.Reader reader =
                new Parcel.Reader(new DataInputStream(new ByteArrayInputStream(shuffle.toByteArray())), round);
        for (int number = 0; number < PARTS; number++) {
            Parcel.Came came = reader.next(number);
            assertThat(came.stays()).isEqualTo(number < staying);
            byte[] bytes = new byte[came.bytes().remaining()];
            came.bytes().get(bytes);
            assertThat(bytes).hasSize(LENGTH).containsOnly(value(task, number));
        }
    }
}
