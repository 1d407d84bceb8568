package io.fathom.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.config.UserError;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointStoreTest {
    private static final ModelSpec SPEC =
            new ModelSpec(11, 6, 8, 2, 2, new Routing.ExpertChoice(2, 1, 0.5, Gate.SIGMOID, 0.01, true));
    private static final int SIZE = ParameterLayout.of(SPEC).size();

    @TempDir
    Path run;

    private CheckpointStore store;

    @BeforeEach
    void open() {
        store = new CheckpointStore(new Configuration(), run.toString());
    }

    @Test
    void aCheckpointComesBackBitForBit() {
        write(5);
        Checkpoint read = store.newestIntact().orElseThrow();
        assertThat(read.round()).isEqualTo(5);
        assertThat(read.spec()).isEqualTo(SPEC);
        assertThat(read.parameters()).isEqualTo(floats(5));
        assertThat(read.velocity().orElseThrow()).isEqualTo(floats(105));
        assertThat(read.progress()).isEqualTo(progress(5));
        assertThat(moments(5, 1, SIZE)[0]).isEqualTo(floats(6));
        assertThat(moments(5, 1, SIZE)[1]).isEqualTo(floats(7));
        assertThat(read.parameters()).contains(Float.MIN_VALUE, -0f);
    }

    @Test
    void modelsOfEveryRoutingSurviveJson() {
        assertThat(CheckpointJson.model(CheckpointJson.of(SPEC), "here")).isEqualTo(SPEC);
        assertThat(CheckpointJson.model(CheckpointJson.of(SPEC.dense()), "here"))
                .isEqualTo(SPEC.dense());
        assertThat(CheckpointJson.of(SPEC)).contains("\"kind\" : \"expert-choice\"");
    }

    @Test
    void onlyTheNewestAreKept() {
        for (int round = 1; round <= 4; round++) {
            write(round);
        }
        assertThat(store.list()).containsExactly(3, 4);
    }

    @Test
    void aDirectoryWithoutManifestDoesNotExist() throws IOException {
        write(1);
        write(2);
        Files.delete(file(2, "manifest.json"));
        assertThat(store.list()).containsExactly(1);
        assertThat(store.newest().round()).isEqualTo(1);
        assertThatThrownBy(() -> store.read(2))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("no complete checkpoint of round 2");
        write(2);
        assertThat(store.newest().round()).isEqualTo(2);
    }

    @Test
    void aCheckpointThatWasNotPublishedLeavesNothing() {
        write(1);
        CheckpointWriter writer = writer(directory());
        writeMoments(directory(), writer.begin(2), 0, floats(1), floats(2));
        assertThat(store.list()).containsExactly(1);
        writer.abandon(2);
        assertThat(run.resolve("checkpoints")).isDirectoryNotContaining("glob:**writing");
    }

    @Test
    void aTruncatedFileIsNamedAndTheOneBeforeIsUsed() throws IOException {
        write(1);
        write(2);
        try (RandomAccessFile file = new RandomAccessFile(file(2, "parameters").toFile(), "rw")) {
            file.setLength(100);
        }
        assertThatThrownBy(() -> store.read(2))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("round-000002/parameters: is 100 bytes, the manifest says " + (24 + 4 * SIZE));
        assertThat(store.newest().round()).isEqualTo(1);
        assertThat(store.newestIntact().orElseThrow().round()).isEqualTo(1);
    }

    @Test
    void oneFlippedBitIsFound() throws IOException {
        write(1);
        write(2);
        flip(file(2, "worker-001.moments"), 40);
        assertThatThrownBy(() -> moments(2, 1, SIZE))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("worker-001.moments: CRC32C is");
        assertThat(store.newest().round())
                .as("readers of parameters do not care")
                .isEqualTo(2);
        assertThat(store.newestIntact().orElseThrow().round()).isEqualTo(1);
        flip(file(1, "progress.json"), 30);
        assertThatThrownBy(store::newestIntact)
                .isInstanceOf(UserError.class)
                .hasMessageContaining("round-000002/worker-001.moments");
    }

    @Test
    void anotherModelIsRefused() {
        write(1);
        ModelSpec other = SPEC.dense();
        assertThatThrownBy(() -> store.head(1).requireModel(other, "runs/x"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("another model")
                .hasMessageContaining("Dense");
        ModelSpec wider = new ModelSpec(
                SPEC.vocabulary(), SPEC.context(), 2 * SPEC.width(), SPEC.heads(), SPEC.blocks(), SPEC.routing());
        assertThatThrownBy(() -> store.head(1).requireModel(wider, "runs/x"))
                .hasMessage("runs/x: its checkpoint is of another model (width is " + SPEC.width()
                        + ", the configuration says " + wider.width()
                        + "); give the configuration it was trained with, or another --run");
        assertThatThrownBy(() -> moments(1, 0, SIZE + 32))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("another model");
    }

    @Test
    void aNewerFormatIsRefused() throws IOException {
        write(1);
        Path manifest = file(1, "manifest.json");
        Files.writeString(manifest, Files.readString(manifest).replace("\"version\" : 1", "\"version\" : 2"));
        assertThatThrownBy(() -> store.read(1))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("version 2, this build reads");
    }

    @Test
    void anEmptyRunHasNoCheckpoint() {
        assertThat(store.newestIntact()).isEmpty();
        assertThatThrownBy(store::newest).isInstanceOf(UserError.class).hasMessageContaining("run `train`");
    }

    @Test
    void roundsAfterTheOneGoneOnFromAreDeleted() {
        write(1);
        write(2);
        writer(directory()).deleteAfter(1);
        assertThat(store.list()).containsExactly(1);
    }

    /** A crash after each single change to the file system that writing a checkpoint makes. */
    @Test
    void aCrashAtAnyMomentLeavesACheckpointIntact() throws IOException {
        boolean crashed = true;
        int changes = 0;
        for (; crashed; changes++) {
            write(1);
            write(2);
            CrashingFileSystem dying = dying(changes, "the process died");
            try {
                write(new RunDirectory(dying, run.toString()), 3);
            } catch (UserError | UncheckedIOException e) {
                assertThat(e).hasMessageContaining(run.toString());
            }
            crashed = dying.crashed();
            Checkpoint found = store.newestIntact().orElseThrow();
            assertThat(found.round()).as("after %d changes", changes).isBetween(2, 3);
            assertThat(found.parameters()).isEqualTo(floats(found.round()));
            assertThat(crashed || found.round() == 3).isTrue();
            write(3);
            assertThat(store.newest().round()).isEqualTo(3);
            assertThat(run.resolve("checkpoints")).isDirectoryNotContaining("glob:**writing");
            writer(directory()).deleteAfter(0);
        }
        assertThat(changes).isGreaterThan(20);
    }

    @Test
    void aFullDiskIsToldAndTheOneBeforeStays() throws IOException {
        write(1);
        RunDirectory full = new RunDirectory(dying(4, "No space left on device"), run.toString());
        assertThatThrownBy(() -> write(full, 2))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("No space left on device")
                .hasMessageContaining("make room")
                .hasMessageContaining("earlier checkpoints are intact");
        assertThat(store.newestIntact().orElseThrow().round()).isEqualTo(1);
    }

    private static CrashingFileSystem dying(int changes, String message) throws IOException {
        RawLocalFileSystem real = new RawLocalFileSystem();
        real.initialize(URI.create("file:///"), new Configuration());
        return new CrashingFileSystem(real, changes, message);
    }

    private RunDirectory directory() {
        return new RunDirectory(new Configuration(), run.toString());
    }

    private static CheckpointWriter writer(RunDirectory run) {
        return new CheckpointWriter(Claim.take(run, Start.now("test")));
    }

    private void write(int round) {
        write(directory(), round);
    }

    /** As a start does it that goes on from the round before. */
    private static void write(RunDirectory run, int round) {
        CheckpointWriter writer = writer(run);
        writer.sweep();
        String staging = writer.begin(round);
        List<FileSum> sums = List.of(
                writeMoments(run, staging, 0, floats(8), floats(9)),
                writeMoments(run, staging, 1, floats(6), floats(7)));
        writer.publish(new Checkpoint(SPEC, floats(round), Optional.of(floats(round + 100)), progress(round)), sums, 2);
    }

    private static TrainingProgress progress(int round) {
        return new TrainingProgress(round, 7, List.of(20L * round, 20L * round), 12_345_678_901L, 1.5e18, 3.25);
    }

    private static float[] floats(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[SIZE];
        for (int i = 0; i < SIZE; i++) {
            values[i] = (float) random.nextGaussian();
        }
        values[0] = Float.MIN_VALUE;
        values[1] = -0f;
        return values;
    }

    private Path file(int round, String name) {
        return run.resolve(String.format("checkpoints/round-%06d/%s", round, name));
    }

    private static void flip(Path path, int at) throws IOException {
        byte[] bytes = Files.readAllBytes(path);
        bytes[at] ^= 1;
        Files.write(path, bytes);
    }

    private static FileSum writeMoments(RunDirectory run, String staging, int worker, float[]... moments) {
        return CheckpointWriter.writeMoments(
                run,
                staging,
                worker,
                moments[0].length,
                (vector, from, values, length) -> System.arraycopy(moments[vector], from, values, 0, length));
    }

    private float[][] moments(int round, int worker, int size) {
        float[][] read = new float[2][size];
        store.readMoments(
                round,
                worker,
                size,
                (vector, from, values, length) -> System.arraycopy(values, 0, read[vector], from, length));
        return read;
    }
}
