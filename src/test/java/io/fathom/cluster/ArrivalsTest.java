package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

class ArrivalsTest {
    private final List<Integer> taken = new CopyOnWriteArrayList<>();

    private static boolean arrived(String round, int... numbers) {
        return Boolean.TRUE.equals(Arrivals.receive(new Dispatch.Inquiry(round, numbers)));
    }

    @Test
    void onlyTheRoundAtHandTakesAndItSaysWhatIsThere() {
        Arrivals arrivals = new Arrivals((number, mean) -> taken.add(number));
        String round = arrivals.round();
        try (arrivals) {
            assertThat(Arrivals.receive(new Dispatch.Mean(round, 2, new byte[4])))
                    .isNull();
            Arrivals.receive(new Dispatch.Mean("another", 1, new byte[4]));
            assertThat(arrived(round, 2)).isTrue();
            assertThat(arrived(round, 1, 2)).as("one was lost").isFalse();
            assertThat(arrived("another", 1)).isFalse();
            arrivals.take(1, new byte[4]);
            assertThat(arrived(round, 1, 2)).isTrue();
        }
        Arrivals.receive(new Dispatch.Mean(round, 0, new byte[4]));
        arrivals.take(0, new byte[4]);
        assertThat(arrived(round, 1)).as("an attempt that comes too late").isFalse();
        assertThat(taken).containsExactly(2, 1);
        assertThatThrownBy(() -> Arrivals.receive("something else")).isInstanceOf(IllegalArgumentException.class);
    }

    /** A mean that its round refuses has not arrived: the task that sent it must fail. */
    @Test
    void whatCannotBeTakenHasNotArrived() {
        try (Arrivals arrivals = new Arrivals((number, mean) -> {
            if (mean.length < 1) {
                throw new IllegalStateException("too short");
            }
        })) {
            arrivals.take(0, new byte[3]);
            assertThat(arrived(arrivals.round(), 0)).isFalse();
            assertThatThrownBy(arrivals::await).hasRootCauseMessage("too short");
            arrivals.take(0, new byte[4]);
            assertThat(arrived(arrivals.round(), 0)).as("from another attempt").isTrue();
        }
    }

    /** In local mode the task that made a mean brings it, and fails itself when it is refused. */
    @Test
    void aTaskBringsItsOwn() {
        try (Arrivals arrivals = new Arrivals((number, mean) -> {
            if (number > 1) {
                throw new IllegalStateException("no such slice");
            }
            taken.add(number);
        })) {
            assertThat(Arrivals.here(arrivals.round())).containsSame(arrivals);
            assertThat(Arrivals.here("another")).isEmpty();
            arrivals.take(1, new float[4]);
            arrivals.take(1, new float[4]);
            assertThat(taken).as("twice, from two attempts").containsExactly(1);
            assertThatThrownBy(() -> arrivals.take(2, new float[4])).hasRootCauseMessage("no such slice");
            assertThat(arrived(arrivals.round(), 1)).isTrue();
            assertThat(arrived(arrivals.round(), 2)).isFalse();
        }
    }
}
