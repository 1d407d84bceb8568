package io.fathom.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.CheckpointStore;
import io.fathom.checkpoint.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Text, corpus and runs on HDFS, from a name node and a data node in this JVM. */
class HdfsTest {
    private static final String TINY = """
            fathom {
              corpus.validationFraction = 0.3
              engine.name = cpu
              model { context = 8, width = 8, heads = 2, blocks = 2 }
              train {
                workers = 2, rounds = 6, localSteps = 2, batch = 2
                checkpoint { everyRounds = 2, keep = 2 }
                validation.batches = 1
              }
              routing.sequences = 4
            }
            """;

    private static MiniDFSCluster hdfs;
    private static FileSystem files;

    @TempDir
    java.nio.file.Path directory;

    @BeforeAll
    static void start(@TempDir java.nio.file.Path data) throws IOException {
        hdfs = new MiniDFSCluster.Builder(new Configuration(), data.toFile()).build();
        files = hdfs.getFileSystem();
    }

    @AfterAll
    static void stop() {
        hdfs.shutdown();
    }

    /**
     * Of the bits of a run on local files, with a resume in the middle and after all that a killed driver can leave.
     */
    @Test
    void aRunOnHdfsIsThatOnLocalFiles() throws Exception {
        String local = directory.resolve("local").toUri().toString();
        String remote = files.makeQualified(new Path("/runs/a b")).toString();
        Files.writeString(directory.resolve("tiny.conf"), TINY);
        for (int i = 0; i < 20; i++) {
            String text = ("text number " + i + " says little. ").repeat(5);
            Files.writeString(
                    Files.createDirectories(directory.resolve("texts")).resolve("t" + i + ".txt"), text);
            writeText(new Path("/texts/t" + i + ".txt"), text);
        }
        job(remote, "prepare", "--set", "corpus.input=" + files.makeQualified(new Path("/texts")));
        job(local, "train", "--set", "corpus.path=" + remote + "/corpus");
        job(remote, "train");
        // A driver that is killed leaves a checkpoint without its manifest, and files open, their leases held.
        files.delete(new Path(remote, "checkpoints/round-000006/manifest.json"), false);
        FileSystem killed = FileSystem.newInstance(files.getUri(), files.getConf());
        List<FSDataOutputStream> open = new ArrayList<>();
        for (String name : List.of("checkpoints/.round-000006.writing/parameters", ".metrics.jsonl.writing-1")) {
            FSDataOutputStream out = killed.create(new Path(remote, name));
            out.writeLong(1);
            out.hflush();
            open.add(out);
        }
        assertThat(store(remote).list()).containsExactly(4);
        job(remote, "train", "--resume");

        assertThat(store(remote).list()).containsExactly(4, 6);
        store(remote).verify(6);
        Checkpoint expected = store(local).newest();
        assertThat(store(remote).newest().parameters()).isEqualTo(expected.parameters());
        assertThat(new RunDirectory(files.getConf(), remote)
                        .readText("metrics.jsonl")
                        .lines())
                .hasSize(6);
        job(remote, "report");
        assertThat(text(new Path(remote, "report.html"))).startsWith("<!DOCTYPE html>");
        assertThat(open).hasSize(2);
    }

    /** A rename onto a file that exists is refused there unless one asks for it. */
    @Test
    void aFileThatIsReplacedIsThereAtEveryMoment() throws Exception {
        RunDirectory run = new RunDirectory(
                files.getConf(), files.makeQualified(new Path("/replaced")).toString());
        run.write("metrics.jsonl", "0");
        AtomicBoolean done = new AtomicBoolean();
        List<String> missed = new ArrayList<>();
        Thread reader = new Thread(() -> {
            while (!done.get()) {
                if (!run.exists("metrics.jsonl")) {
                    missed.add("missed");
                }
            }
        });
        reader.start();
        for (int i = 1; i <= 50; i++) {
            run.write("metrics.jsonl", Integer.toString(i));
        }
        done.set(true);
        reader.join();
        assertThat(missed).isEmpty();
        assertThat(run.readText("metrics.jsonl")).isEqualTo("50");
        assertThat(files.listStatus(new Path("/replaced")))
                .extracting(FileStatus::getPath)
                .extracting(Path::getName)
                .containsExactly("metrics.jsonl");
    }

    private static CheckpointStore store(String run) {
        return new CheckpointStore(files.getConf(), run);
    }

    private void job(String run, String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--run", run, "--config", directory + "/tiny.conf"));
        JobRun.of(all.toArray(String[]::new)).sound();
    }

    private static void writeText(Path path, String text) throws IOException {
        try (FSDataOutputStream out = files.create(path)) {
            out.writeBytes(text);
        }
    }

    private static String text(Path path) throws IOException {
        try (var in = files.open(path)) {
            return new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        }
    }
}
