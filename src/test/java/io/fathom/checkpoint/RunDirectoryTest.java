package io.fathom.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.config.UserError;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermissions;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunDirectoryTest {
    @TempDir
    java.nio.file.Path folder;

    @Test
    void aDiskThatIsFullLeavesTheFileAsItWas() throws IOException {
        // As Hadoop tells of it: by an Error, that of the kernel's own full device.
        RawLocalFileSystem full = new RawLocalFileSystem() {
            @Override
            public FSDataOutputStream create(
                    Path path, boolean overwrite, int buffer, short replication, long block, Progressable progress)
                    throws IOException {
                super.create(path, overwrite, buffer, replication, block, progress)
                        .close();
                return super.create(new Path("/dev/full"), overwrite, buffer, replication, block, progress);
            }
        };
        full.initialize(URI.create("file:///"), new Configuration());
        RunDirectory run = new RunDirectory(full, folder.toString());
        Files.writeString(folder.resolve("name"), "as it was");
        assertThatThrownBy(() -> run.write("name", "x".repeat(1 << 16)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("name: cannot write it: No space left on device; make room");
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(folder.resolve("name"));
        }
        assertThat(folder.resolve("name")).hasContent("as it was");
    }

    /** A program that is run for it would be ended by the Ctrl-C that the write shall survive. */
    @Test
    void writingStartsNoProgramAndKeepsToHadoopsUmask() throws IOException {
        RunDirectory run = new RunDirectory(new Configuration(), folder.toString());
        java.nio.file.Path told = folder.resolve("told.jfr");
        try (Recording recording = new Recording()) {
            recording.enable("jdk.ProcessStart");
            recording.start();
            run.write("inner/name", "content");
            recording.stop();
            recording.dump(told);
        }
        // Other threads of this JVM may start what they like.
        assertThat(RecordingFile.readAllEvents(told))
                .filteredOn(event -> event.getThread().getJavaThreadId()
                        == Thread.currentThread().getId())
                .isEmpty();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("inner/name"))))
                .isEqualTo("rw-r--r--");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("inner"))))
                .isEqualTo("rwxr-xr-x");
    }
}
