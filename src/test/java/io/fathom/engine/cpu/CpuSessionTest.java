package io.fathom.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fathom.engine.AdamW;
import io.fathom.engine.EngineException;
import io.fathom.engine.Precision;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.engine.nd4j.Nd4jEngine;
import io.fathom.model.Batch;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.program.Program;
import io.fathom.program.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** What a session promises beyond the right numbers. */
class CpuSessionTest {
    private static final ModelSpec SPEC =
            new ModelSpec(61, 80, 24, 3, 4, new Routing.ExpertChoice(2, 1, 0.25, Gate.SIGMOID, 0.01, true));
    private static final AdamW STEP = new AdamW(1, 1e-3, 0.9, 0.95, 1e-8, 0.1, 1.0, 1.0);

    private static Session open(Program program, int threads) {
        Session session = new CpuEngine().open(program, new SessionOptions(Precision.FLOAT32, threads, 0));
        session.write(
                Session.Vector.PARAMETERS, ParameterLayout.of(program.spec()).initial(program.spec(), 5));
        return session;
    }

    private static Batch batch(int sequences, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int[][] windows = new int[sequences][];
        for (int b = 0; b < sequences; b++) {
            windows[b] = random.ints(SPEC.context() + 1, 0, SPEC.vocabulary()).toArray();
        }
        return Batch.ofWindows(windows);
    }

    private static float[] read(Session session, Session.Vector vector) {
        float[] values = new float[session.program().layout().size()];
        session.read(vector, values);
        return values;
    }

    private static float[] trained(int threads) {
        try (Session session = open(Programs.training(SPEC, 2), threads)) {
            for (int i = 0; i < 3; i++) {
                session.clearGradient();
                session.run(batch(2, i));
                session.update(STEP);
            }
            return read(session, Session.Vector.PARAMETERS);
        }
    }

    @Test
    void sameInputSameBits() {
        assertThat(trained(1)).isEqualTo(trained(1));
        assertThat(trained(2)).isEqualTo(trained(2));
        assertThat(trained(3)).isEqualTo(trained(3));
    }

    @Test
    void threadsChangeNothingButRounding() {
        float[] one = trained(1);
        float[] three = trained(3);
        for (int i = 0; i < one.length; i++) {
            assertThat(three[i]).isCloseTo(one[i], within(2e-3f));
        }
    }

    @Test
    void microBatchesGiveTheGradientOfTheWholeBatch() {
        ModelSpec spec = SPEC.dense();
        Batch whole = batch(4, 1);
        float[] expected;
        double norm;
        try (Session session = open(Programs.training(spec, 4), 1)) {
            session.run(whole);
            expected = read(session, Session.Vector.GRADIENT);
            norm = session.update(STEP);
        }
        try (Session session = open(Programs.training(spec, 2), 1)) {
            int half = 2 * spec.context();
            for (int part = 0; part < 2; part++) {
                session.run(new Batch(
                        2,
                        spec.context(),
                        Arrays.copyOfRange(whole.tokens(), part * half, (part + 1) * half),
                        Arrays.copyOfRange(whole.targets(), part * half, (part + 1) * half)));
            }
            float[] summed = read(session, Session.Vector.GRADIENT);
            for (int i = 0; i < summed.length; i++) {
                summed[i] /= 2;
            }
            assertThat(difference(summed, expected)).isLessThan(1e-5);
            AdamW halved = new AdamW(1, 1e-3, 0.9, 0.95, 1e-8, 0.1, 1.0, 0.5);
            assertThat(session.update(halved)).isCloseTo(norm, within(1e-5 * norm));
        }
    }

    /** A cleared gradient is zero to all who look, and to a run, whatever was in its memory. */
    @Test
    void aClearedGradientIsZeroWhateverItsMemoryHolds() {
        float[] expected;
        try (Session session = open(Programs.training(SPEC, 2), 2)) {
            session.run(batch(2, 1));
            expected = read(session, Session.Vector.GRADIENT);
        }
        float[] stale = new float[expected.length];
        Arrays.fill(stale, Float.NaN);
        try (Session session = open(Programs.training(SPEC, 2), 2)) {
            session.write(Session.Vector.GRADIENT, stale);
            session.clearGradient();
            session.run(batch(2, 1));
            assertThat(read(session, Session.Vector.GRADIENT)).isEqualTo(expected);
            session.write(Session.Vector.GRADIENT, stale);
            session.clearGradient();
            assertThat(read(session, Session.Vector.GRADIENT)).containsOnly(0f);
            session.run(batch(2, 1));
            assertThat(read(session, Session.Vector.GRADIENT)).isEqualTo(expected);
            session.write(Session.Vector.GRADIENT, stale);
            session.clearGradient();
            assertThat(session.update(STEP)).isZero();
        }
    }

    /** A hidden layer of 1024 floats, whose rows the memory plan keeps apart, beside the engine that has no gaps. */
    @Test
    void rowsKeptApartGiveTheGradientOfTheReference() {
        ModelSpec spec = new ModelSpec(13, 7, 256, 2, 2, new Routing.ExpertChoice(2, 1, 0.5, Gate.SIGMOID, 0.01, true));
        Program program = Programs.training(spec, 2);
        assertThat(program.memory().strides().values()).isNotEmpty().containsOnly(1040);
        SplittableRandom random = new SplittableRandom(9);
        int[] tokens = random.ints(14, 0, 13).toArray();
        Batch batch = new Batch(2, 7, tokens, random.ints(14, 0, 13).toArray());
        float[] theta = ParameterLayout.of(spec).initial(spec, 3);
        float[] expected = new float[theta.length];
        float[] actual = new float[theta.length];
        try (Session reference = new Nd4jEngine().open(program, SessionOptions.DEFAULT);
                Session session = open(program, 1)) {
            reference.write(Session.Vector.PARAMETERS, theta);
            reference.run(batch);
            reference.read(Session.Vector.GRADIENT, expected);
            for (int i = 0; i < 2; i++) {
                session.write(Session.Vector.PARAMETERS, theta);
                session.clearGradient();
                session.run(batch);
                session.read(Session.Vector.GRADIENT, actual);
                assertThat(difference(actual, expected)).isLessThan(1e-6);
            }
        }
    }

    /** |a - b| / |b|. */
    private static double difference(float[] a, float[] b) {
        double difference = 0;
        double size = 0;
        for (int i = 0; i < b.length; i++) {
            difference += Math.pow(a[i] - b[i], 2);
            size += Math.pow(b[i], 2);
        }
        return Math.sqrt(difference / size);
    }

    @Test
    void productsStayOnTheThreadThatAsksForThem() throws Exception {
        // Wide enough that the library shares its products among threads where it may.
        ModelSpec spec = new ModelSpec(61, 256, 256, 1, 4, new Routing.Dense());
        Batch batch = Batch.ofWindows(new int[][] {
            new SplittableRandom(1)
                    .ints(spec.context() + 1, 0, spec.vocabulary())
                    .toArray()
        });
        try (Session session = open(Programs.training(spec, 1), 1)) {
            FutureTask<Long> run = new FutureTask<>(() -> {
                OpenMp.threads(2);
                session.run(batch);
                return threadsNamed("lone-worker");
            });
            new Thread(run, "lone-worker").start();
            assertThat(run.get()).isEqualTo(1);
        }
    }

    /**
     * A thread that opens its first session has every processor in OpenMP's eyes, unless the environment of the process
     * says otherwise, which that of these tests does.
     */
    @Test
    @EnabledOnOs(OS.LINUX)
    void theFirstSessionOfAThreadStaysOnItToo() throws Exception {
        assertThat(OtherJvm.output(
                        CpuSessionTest.class, List.of("-Xint", "-Xmx128m", "-XX:+UseSerialGC"), "lone-worker"))
                .endsWith("threads of the session: 1");
    }

    /** The other JVM of the test above; interpreted, since threads of the compiler would take the name too. */
    public static void main(String[] arguments) throws Exception {
        // Threads that libraries start when they are loaded are none of the worker's.
        open(Programs.training(SPEC, 2), 1).close();
        FutureTask<Long> run = new FutureTask<>(() -> {
            try (Session session = open(Programs.training(SPEC, 2), 1)) {
                session.run(batch(2, 1));
                return threadsNamed(arguments[0]);
            }
        });
        new Thread(run, arguments[0]).start();
        System.out.println("threads of the session: " + run.get());
    }

    /** Threads of this process of that name, those of machine code included, which take their maker's. */
    private static long threadsNamed(String name) throws IOException {
        try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
            return tasks.filter(task -> {
                        try {
                            return Files.readString(task.resolve("comm"))
                                    .strip()
                                    .equals(name);
                        } catch (IOException e) {
                            return false; // it has ended meanwhile
                        }
                    })
                    .count();
        }
    }

    @Test
    void arenaIsMuchSmallerThanAllActivations() {
        for (ModelSpec spec : new ModelSpec[] {SPEC, SPEC.dense()}) {
            Program program = Programs.training(spec, 2);
            assertThat(program.memory().elements())
                    .isLessThanOrEqualTo(program.memory().unshared() * 6 / 10);
        }
    }

    @Test
    void namesWhatIsNotFinite() {
        try (Session session = open(Programs.training(SPEC, 2), 1)) {
            float[] theta = read(session, Session.Vector.PARAMETERS);
            theta[SPEC_LAYOUT.tensor("h.2.mlp.c_fc.weight").offset() + 7] = Float.NaN;
            session.write(Session.Vector.PARAMETERS, theta);
            assertThatThrownBy(() -> session.run(batch(2, 1)))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("parameter h.2.mlp.c_fc.weight");
            theta[SPEC_LAYOUT.tensor("h.2.mlp.c_fc.weight").offset() + 7] = 1e38f;
            theta[SPEC_LAYOUT.tensor("h.2.ln_2.weight").offset()] = 1e38f;
            session.write(Session.Vector.PARAMETERS, theta);
            assertThatThrownBy(() -> session.run(batch(2, 1)))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("not a finite number: h.2.")
                    .hasMessageContaining("first made by");
        }
    }

    private static final ParameterLayout SPEC_LAYOUT = ParameterLayout.of(SPEC);

    @Test
    void changesNothingWhenTheGradientIsNotFinite() {
        try (Session session = open(Programs.training(SPEC, 2), 1)) {
            session.run(batch(2, 1));
            float[] gradient = read(session, Session.Vector.GRADIENT);
            gradient[3] = Float.POSITIVE_INFINITY;
            session.write(Session.Vector.GRADIENT, gradient);
            float[] before = read(session, Session.Vector.PARAMETERS);
            assertThat(session.update(STEP)).isNotFinite();
            assertThat(read(session, Session.Vector.PARAMETERS)).isEqualTo(before);
            assertThat(read(session, Session.Vector.FIRST_MOMENT)).containsOnly(0f);
        }
    }

    @Test
    void refusesWhatItCannotRun() {
        Program program = Programs.training(SPEC, 2);
        assertThatThrownBy(() -> new CpuEngine().open(program, SessionOptions.DEFAULT.withPrecision(Precision.FLOAT64)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("FLOAT32");
        try (Session session = open(program, 1)) {
            assertThatThrownBy(() -> session.run(batch(3, 1))).hasMessageContaining("3 x 80");
            Batch bad = batch(2, 1);
            bad.tokens()[4] = 61;
            assertThatThrownBy(() -> session.run(bad)).hasMessageContaining("token 61 at 4");
        }
    }
}
