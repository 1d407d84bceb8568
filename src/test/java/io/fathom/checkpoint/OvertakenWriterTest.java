package io.fathom.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.config.UserError;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A start that writes a checkpoint while a newer one begins, goes on and writes the same round and the next. */
class OvertakenWriterTest {
    private static final ModelSpec SPEC = new ModelSpec(11, 6, 8, 2, 1, new Routing.Dense());
    private static final int SIZE = ParameterLayout.of(SPEC).size();
    private static final float OLDER = 1;
    private static final float NEWER = 2;

    @TempDir
    Path folder;

    @Test
    void whatAnOvertakenStartHasGatheredIsNeverPublished() {
        RunDirectory run = new RunDirectory(new Configuration(), folder.toString());
        Claim older = Claim.take(run, Start.now("older"));
        write(older, 1, OLDER);
        CheckpointWriter late = new CheckpointWriter(older);
        String staging = late.begin(2);
        FileSum sum = moments(run, staging, OLDER);
        Claim newer = Claim.take(run, Start.now("newer"));
        CheckpointWriter writer = new CheckpointWriter(newer);
        String beside = writer.begin(2);
        FileSum sums = moments(run, beside, NEWER);

        assertThatThrownBy(() -> late.publish(checkpoint(2, OLDER), List.of(sum), 2))
                .isInstanceOf(OvertakenException.class);
        late.abandon(2);
        CheckpointStore store = new CheckpointStore(run);
        assertThat(store.list()).containsExactly(1);
        writer.publish(checkpoint(2, NEWER), List.of(sums), 2);
        store.verify(2);
        assertThat(store.read(2).parameters()).containsOnly(NEWER);
    }

    /**
     * A newer start that does all its work between two changes that the older makes, whichever two. Only an older one
     * that is held up between its last look and the very next change, until the newer has come to the same round, can
     * spoil that checkpoint; this is found out, and the one before is whole.
     */
    @ParameterizedTest
    @ValueSource(ints = {3, 4})
    void aNewerStartAtAnyMomentFindsItsOwnOrTheOneBefore(int reached) throws IOException {
        List<Integer> spoilt = new ArrayList<>();
        // The first two changes are the older's claim.
        int moment = 2;
        for (boolean interrupted = true; interrupted; moment++) {
            String path = folder.resolve("run-" + moment).toString();
            RunDirectory sound = new RunDirectory(new Configuration(), path);
            Claim before = Claim.take(sound, Start.now("before"));
            write(before, 1, OLDER);
            write(before, 2, OLDER);
            InterruptedFileSystem files = new InterruptedFileSystem(moment, () -> goOn(sound, reached));
            Claim older = Claim.take(new RunDirectory(files, path), Start.now("older"));
            boolean published = true;
            try {
                write(older, 3, OLDER);
            } catch (UserError | UncheckedIOException e) {
                published = false;
                assertThatThrownBy(() -> older.check(e)).isInstanceOf(OvertakenException.class);
            }
            interrupted = files.interrupted();
            assertThat(published || interrupted).isTrue();

            Checkpoint found = new CheckpointStore(sound).newestIntact().orElseThrow();
            if (interrupted && found.round() < reached) {
                spoilt.add(moment);
            }
            assertThat(found.round()).as("moment " + moment).isGreaterThanOrEqualTo(Math.min(reached - 1, 3));
            assertThat(found.parameters()).containsOnly(found.parameters()[0]);
        }
        assertThat(spoilt).hasSize(reached == 3 ? 2 : 0);
        assertThat(moment).isGreaterThan(15);
    }

    private static void goOn(RunDirectory run, int reached) {
        Claim newer = Claim.take(run, Start.now("newer"));
        CheckpointWriter writer = new CheckpointWriter(newer);
        writer.sweep();
        writer.deleteAfter(2);
        for (int round = 3; round <= reached; round++) {
            write(newer, round, NEWER);
        }
    }

    private static void write(Claim claim, int round, float value) {
        CheckpointWriter writer = new CheckpointWriter(claim);
        FileSum sum = moments(claim.run(), writer.begin(round), value);
        try {
            writer.publish(checkpoint(round, value), List.of(sum), 3);
        } catch (UserError | UncheckedIOException e) {
            writer.abandon(round);
            throw e;
        }
    }

    private static FileSum moments(RunDirectory run, String staging, float value) {
        return CheckpointWriter.writeMoments(
                run, staging, 0, SIZE, (vector, from, values, length) -> Arrays.fill(values, 0, length, value));
    }

    private static Checkpoint checkpoint(int round, float value) {
        float[] parameters = new float[SIZE];
        Arrays.fill(parameters, value);
        return new Checkpoint(
                SPEC, parameters, Optional.empty(), new TrainingProgress(round, 1, List.of(2L * round), 0, 0, 0));
    }
}
