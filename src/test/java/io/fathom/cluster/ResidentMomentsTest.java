package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.engine.MomentMemory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ResidentMomentsTest {
    private final ResidentMoments here = ResidentMoments.ofThisProcess();

    private static final class Memory implements MomentMemory {
        private boolean closed;

        @Override
        public void close() {
            assertThat(closed).as("closed once").isFalse();
            closed = true;
        }
    }

    private final Memory memory = new Memory();
    private final Memory other = new Memory();

    @AfterEach
    void clear() {
        here.close();
    }

    private void put(int worker, int round, Memory what) {
        assertThat(here.take("run", 99, 0)).isNull();
        here.put("run", worker, round, what);
    }

    @Test
    void aSecondAttemptFindsNothingAndBothMayGiveBack() {
        put(1, 4, memory);
        assertThat(here.take("run", 1, 4)).isSameAs(memory);
        assertThat(here.take("run", 1, 4)).as("another attempt").isNull();
        here.put("run", 1, 5, memory);
        here.put("run", 1, 5, other);
        assertThat(memory.closed).as("the same bits twice").isTrue();
        assertThat(here.take("run", 1, 5)).isSameAs(other);
        assertThat(other.closed).isFalse();
        other.close();
    }

    @Test
    void anAttemptThatComesTooLateSpoilsNothing() {
        put(1, 5, memory);
        assertThat(here.take("run", 1, 4)).as("a round that is over").isNull();
        here.put("run", 1, 4, other);
        assertThat(other.closed).isTrue();
        assertThat(here.take("run", 1, 5)).isSameAs(memory);
        memory.close();
    }

    @Test
    void whatNobodyAsksForAnyMoreIsClosed() {
        put(1, 5, memory);
        put(2, 6, other);
        assertThat(here.take("run", 3, 6)).isNull();
        assertThat(memory.closed).as("its worker went on elsewhere").isTrue();
        assertThat(other.closed).isFalse();
        assertThat(here.count()).isOne();
        assertThat(here.take("another run", 2, 6)).isNull();
        assertThat(other.closed).isTrue();
        assertThat(here.count()).isZero();
    }
}
