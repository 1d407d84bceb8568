package io.fathom.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.engine.EngineException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two processes and one GPU. */
class DeviceLockTest {
    private static final String ADDRESS = "0000:17:00.0";

    @TempDir
    Path folder;

    /** Another process: holds the GPU until its input ends. */
    static final class Holder {
        private Holder() {}

        public static void main(String[] arguments) throws IOException {
            DeviceLock.Hold hold = new DeviceLock(Path.of(arguments[0]), Duration.ZERO).hold(ADDRESS, 0);
            System.out.println("held");
            System.out.flush();
            System.in.transferTo(OutputStream.nullOutputStream());
            hold.close();
        }
    }

    private Process holder() throws IOException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Holder.class.getName(),
                        folder.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        assertThat(process.inputReader().readLine()).isEqualTo("held");
        return process;
    }

    @Test
    void aGpuOfAnotherProcessIsAnErrorThatNamesIt() throws Exception {
        Process other = holder();
        DeviceLock lock = new DeviceLock(folder, Duration.ofMillis(150));
        assertThatThrownBy(() -> lock.hold(ADDRESS, 3))
                .isInstanceOf(EngineException.class)
                .hasMessageStartingWith("engine cuda: device 3 is in use by process " + other.pid() + " of ")
                .hasMessageContaining("local.gpus");
        lock.hold("0000:65:00.0", 1).close();
        other.destroyForcibly().waitFor();
        lock.hold(ADDRESS, 3).close();
    }

    @Test
    void aGpuThatIsGivenBackInTimeIsWaitedFor() throws Exception {
        Process other = holder();
        Thread ending = new Thread(() -> {
            try {
                Thread.sleep(300);
                other.outputWriter().close();
            } catch (IOException | InterruptedException e) {
                other.destroyForcibly();
            }
        });
        ending.start();
        new DeviceLock(folder, Duration.ofSeconds(20)).hold(ADDRESS, 0).close();
        ending.join();
        assertThat(other.waitFor()).isZero();
    }

    @Test
    void sessionsOfOneProcessShareItUntilTheLastIsClosed() throws Exception {
        DeviceLock lock = new DeviceLock(folder, Duration.ZERO);
        DeviceLock.Hold first = lock.hold(ADDRESS, 0);
        DeviceLock.Hold second = lock.hold(ADDRESS, 0);
        first.close();
        ProcessBuilder other = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Holder.class.getName(),
                folder.toString());
        Process refused = other.redirectErrorStream(true).start();
        assertThat(refused.inputReader().lines())
                .anySatisfy(line -> assertThat(line)
                        .contains("device 0 is in use by process "
                                + ProcessHandle.current().pid()));
        second.close();
        Process taken = holder();
        taken.outputWriter().close();
        assertThat(taken.waitFor()).isZero();
    }
}
