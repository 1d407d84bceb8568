package io.fathom.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fathom.engine.Session.Vector;
import io.fathom.engine.cuda.CudaEngine;
import io.fathom.model.Batch;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.program.Programs;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Moments that go from session to session. */
class MomentMemoryTest {
    private static final ModelSpec SPEC = new ModelSpec(19, 8, 16, 2, 1, new Routing.Dense());
    private static final int SIZE = ParameterLayout.of(SPEC).size();

    private static Session open(String engine) {
        assumeTrue(!engine.equals("cuda") || CudaEngine.unavailable().isEmpty(), "no GPU here");
        return Engines.named(engine).open(Programs.training(SPEC, 2), SessionOptions.DEFAULT);
    }

    private static Batch batch(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int[][] windows = new int[2][];
        for (int b = 0; b < windows.length; b++) {
            windows[b] = random.ints(SPEC.context() + 1, 0, SPEC.vocabulary()).toArray();
        }
        return Batch.ofWindows(windows);
    }

    private static float[] read(Session session, Vector vector) {
        float[] values = new float[SIZE];
        session.read(vector, values);
        return values;
    }

    /** One step of worker {@code worker} from the same parameters. */
    private static void step(Session session, int worker, int step) {
        session.write(Vector.PARAMETERS, ParameterLayout.of(SPEC).initial(SPEC, 5));
        session.clearGradient();
        session.run(batch(100L * worker + step));
        session.update(new AdamW(step, 1e-3, 0.9, 0.95, 1e-8, 0.1, 1.0, 1.0));
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "nd4j", "cuda"})
    void workersInTurnOnChangingSessionsEqualASessionEach(String engine) {
        int workers = 2;
        float[][][] alone = new float[workers][2][];
        for (int worker = 0; worker < workers; worker++) {
            try (Session session = open(engine)) {
                for (int step = 1; step <= 3; step++) {
                    step(session, worker, step);
                }
                alone[worker][0] = read(session, Vector.PARAMETERS);
                alone[worker][1] = read(session, Vector.SECOND_MOMENT);
            }
        }
        assertThat(alone[0][1]).isNotEqualTo(alone[1][1]);
        try (Session one = open(engine);
                Session two = open(engine);
                MomentMemory first = one.takeMoments();
                MomentMemory second = two.takeMoments()) {
            for (int step = 1; step <= 3; step++) {
                for (int worker = 0; worker < workers; worker++) {
                    Session session = (step + worker) % 2 == 0 ? one : two;
                    session.attach(worker == 0 ? first : second);
                    step(session, worker, step);
                    if (step == 3) {
                        assertThat(read(session, Vector.PARAMETERS)).isEqualTo(alone[worker][0]);
                        assertThat(read(session, Vector.SECOND_MOMENT)).isEqualTo(alone[worker][1]);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "nd4j", "cuda"})
    void theyAreZeroOutliveTheirSessionAndCanBeWritten(String engine) {
        float[] written = new float[SIZE];
        written[SIZE - 1] = 3;
        MomentMemory moments;
        try (Session session = open(engine)) {
            moments = session.takeMoments();
            session.write(Vector.FIRST_MOMENT, written);
            session.attach(moments);
            assertThat(read(session, Vector.FIRST_MOMENT)).containsOnly(0f);
            session.write(Vector.FIRST_MOMENT, written);
        }
        try (Session session = open(engine)) {
            assertThat(read(session, Vector.FIRST_MOMENT)).as("its own").containsOnly(0f);
            session.attach(moments);
            assertThat(read(session, Vector.FIRST_MOMENT)).isEqualTo(written);
            assertThat(read(session, Vector.SECOND_MOMENT)).containsOnly(0f);
        } finally {
            moments.close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "nd4j", "cuda"})
    void strangersAreRefused(String engine) {
        try (Session session = open(engine)) {
            assertThatThrownBy(() -> session.attach(() -> {}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("another engine");
        }
    }
}
