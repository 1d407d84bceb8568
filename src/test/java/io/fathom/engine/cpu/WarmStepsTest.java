package io.fathom.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.fathom.engine.AdamW;
import io.fathom.engine.Precision;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.model.Batch;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.program.Programs;
import java.io.IOException;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/**
 * Steps take no memory once they are warm: none of the heap, by what the JVM charges the thread, and none of the
 * system, by the pages that the thread touches for the first time and by the size of the process.
 */
class WarmStepsTest {
    private static final AdamW STEP = new AdamW(1, 1e-3, 0.9, 0.95, 1e-8, 0.1, 1.0, 1.0);
    private static final Routing ROUTED = new Routing.ExpertChoice(2, 1, 0.25, Gate.SIGMOID, 0.01, true);
    /** Small, so that many steps are no long test. */
    private static final Steps SMALL = new Steps("small", new ModelSpec(61, 80, 24, 3, 4, ROUTED), 2, 500);
    /** Its products are large enough for the library to pack their operands into buffers that it asks for. */
    private static final Steps WIDE = new Steps("wide", new ModelSpec(61, 128, 256, 4, 2, ROUTED), 1, 100);

    private static final int WINDOWS = 60;
    /** Held, since asking for it takes memory too. */
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** A model and how many steps of it make a window. */
    private record Steps(String name, ModelSpec spec, int sequences, int window) {
        Session open() {
            Session session = new CpuEngine()
                    .open(Programs.training(spec, sequences), new SessionOptions(Precision.FLOAT32, 1, 0));
            session.write(Session.Vector.PARAMETERS, ParameterLayout.of(spec).initial(spec, 5));
            return session;
        }

        Batch batch() {
            SplittableRandom random = new SplittableRandom(3);
            int[][] windows = new int[sequences][];
            Arrays.setAll(
                    windows,
                    b -> random.ints(spec.context() + 1, 0, spec.vocabulary()).toArray());
            return Batch.ofWindows(windows);
        }
    }

    private static void step(Session session, Batch batch) {
        session.clearGradient();
        session.run(batch);
        session.update(STEP);
    }

    @Test
    void aSessionTakesAllItsMemoryWhenItOpens() {
        try (Session session = SMALL.open()) {
            long bytes = ((CpuSession) session).bytes();
            step(session, SMALL.batch());
            assertThat(((CpuSession) session).bytes()).isEqualTo(bytes);
        }
    }

    /**
     * When the JVM queues a method for its optimising compiler, the thread in hand resolves the strings and classes
     * that the method names, for which it is charged some 50 to 1000 bytes. Without that compiler every step must be at
     * zero.
     */
    @Test
    void noStepButTheFirstAllocatesWithoutTheOptimisingCompiler() throws Exception {
        assertThat(outputOfOtherJvm("-XX:TieredStopAtLevel=1", "each")).endsWith("200 steps, 0 bytes");
    }

    /**
     * With that compiler, and the thread waiting for it: of the first {@value #WINDOWS} runs of many steps in which
     * nothing was compiled, one was charged nothing, touched no new page and left the process its size. A step that
     * took anything, on the heap or from the system, would show in all of them.
     */
    @Test
    @EnabledOnOs(OS.LINUX)
    void manyStepsTakeNothingOnceTheCompilerRests() throws Exception {
        String output = outputOfOtherJvm("-Xbatch", "windows");
        assertThat(output).contains("small: clean").contains("wide: clean");
    }

    private static String outputOfOtherJvm(String option, String what) throws Exception {
        return OtherJvm.output(
                WarmStepsTest.class, List.of(option, "-Xmx128m", "-XX:+UseSerialGC", "-XX:+AlwaysPreTouch"), what);
    }

    /** The other JVM of the tests above. */
    public static void main(String[] arguments) throws IOException {
        if (arguments[0].equals("windows")) {
            windows(SMALL);
            windows(WIDE);
        } else {
            eachStep();
        }
    }

    private static void eachStep() {
        try (Session session = SMALL.open()) {
            Batch batch = SMALL.batch();
            step(session, batch);
            long taken = 0;
            for (int i = 0; i < 200; i++) {
                long before = allocated();
                step(session, batch);
                taken += allocated() - before;
            }
            System.out.println("200 steps, " + taken + " bytes");
        }
    }

    private static void windows(Steps steps) throws IOException {
        CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
        List<String> seen = new ArrayList<>();
        try (Session session = steps.open()) {
            Batch batch = steps.batch();
            for (int window = 0; window < WINDOWS; window++) {
                long compiled = compiler.getTotalCompilationTime();
                long resident = residentPages();
                long faults = minorFaults();
                long bytes = allocated();
                for (int i = 0; i < steps.window(); i++) {
                    step(session, batch);
                }
                bytes = allocated() - bytes;
                faults = minorFaults() - faults;
                resident = residentPages() - resident;
                compiled = compiler.getTotalCompilationTime() - compiled;
                String told = String.format(
                        "window %d: %d ms of compilation, %d bytes, %d faults, %+d pages",
                        window, compiled, bytes, faults, resident);
                seen.add(told);
                // Linux counts resident pages in each thread and adds them up by and by.
                if (compiled == 0 && bytes == 0 && faults == 0 && resident <= 64) {
                    System.out.println(steps.name() + ": clean, " + steps.window() + " steps, " + told);
                    return;
                }
            }
        }
        System.out.println(steps.name() + ": not clean\n" + String.join("\n", seen));
    }

    private static long allocated() {
        return THREADS.getThreadAllocatedBytes(Thread.currentThread().getId());
    }

    /** Pages that the calling thread touched for the first time. */
    private static long minorFaults() throws IOException {
        return field("/proc/thread-self/stat", 10);
    }

    private static long residentPages() throws IOException {
        return field("/proc/self/stat", 24);
    }

    /** A field of proc(5)'s stat by its number there; the second, a name in brackets, may hold blanks. */
    private static long field(String file, int number) throws IOException {
        String stat = Files.readString(Path.of(file));
        return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[number - 3]);
    }
}
