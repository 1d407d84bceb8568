package io.fathom.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProvenanceTest {
    private static final Provenance.CorpusIdentity CORPUS =
            new Provenance.CorpusIdentity("runs/a/corpus", "abc", "bytes", "def");

    @Test
    void tellsTheBuildFromItsOwnJar() {
        Provenance provenance = Provenance.now("fathom train --run x", "3.5.9", 7, CORPUS);
        assertThat(provenance.commit()).matches("[0-9a-f]{40}|unknown");
        assertThat(provenance.versions())
                .containsKeys("fathom", "spark", "nd4j", "javacpp", "openblas", "onednn", "jvm", "os");
        assertThat(provenance.versions().values())
                .allSatisfy(version -> assertThat(version).isNotBlank().doesNotContain("${"));
    }

    @Test
    void keepsTheRoundsItWasResumedFrom(@TempDir Path directory) {
        RunDirectory run = new RunDirectory(new Configuration(), directory.toString());
        Provenance first = Provenance.now("fathom train", "3.5.9", 7, CORPUS);
        first.writeTo(run);
        Provenance second = first.resuming(run, 20);
        second.writeTo(run);
        Provenance third = first.resuming(run, 40);
        third.writeTo(run);
        assertThat(third.resumedFrom()).containsExactly(20, 40);
        assertThat(CheckpointJson.read(run.readText(Provenance.FILE), Provenance.class, ""))
                .isEqualTo(third);
    }
}
