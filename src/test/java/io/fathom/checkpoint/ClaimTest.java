package io.fathom.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.config.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClaimTest {
    @TempDir
    Path folder;

    private RunDirectory run;

    @BeforeEach
    void open() {
        run = new RunDirectory(new Configuration(), folder.toString());
    }

    private Claim claim(String application) {
        return Claim.take(run, Start.now(application));
    }

    @Test
    void theNewestStartHasTheRunAndTheOlderIsToldWhoThatIs() {
        Claim first = claim("local-1");
        assertThatCode(first::check).doesNotThrowAnyException();
        Claim second = claim("local-2");
        assertThatCode(second::check).doesNotThrowAnyException();
        assertThatThrownBy(first::check)
                .isInstanceOf(OvertakenException.class)
                .hasMessageContaining(run.path() + ": was taken over by the start of 2")
                .hasMessageContaining("(process " + ProcessHandle.current().pid() + ", application local-2); ")
                .hasMessageEndingWith("go on with --resume");
    }

    @Test
    void aStartThatEndedByItselfLeavesTheRunToAnybodyAndOneThatWasKilledIsNamed() {
        assertThat(Claim.unended(run)).isEmpty();
        claim("killed");
        assertThat(Claim.unended(run).orElseThrow().application()).isEqualTo("killed");
        Claim second = claim("second");
        assertThat(Claim.unended(run).orElseThrow().application()).isEqualTo("second");
        second.close();
        assertThat(Claim.unended(run)).isEmpty();
        claim("third");
        assertThat(Claim.unended(run).orElseThrow().application()).isEqualTo("third");
    }

    @Test
    void theEndOfAnOvertakenStartIsNotTheEndOfTheNewer() throws IOException {
        Claim first = claim("first");
        claim("second");
        first.close();
        assertThat(Claim.unended(run).orElseThrow().application()).isEqualTo("second");
        assertThat(folder.resolve("end.json")).doesNotExist();

        // As if the older had looked before the newer came, and wrote after it.
        Files.writeString(folder.resolve("end.json"), "{\"start\":\"" + first.id() + "\",\"ended\":\"\"}");
        assertThat(Claim.unended(run).orElseThrow().application()).isEqualTo("second");
    }

    @Test
    void aRunThatIsDeletedIsNobodys() throws IOException {
        Claim claim = claim("local-1");
        Files.delete(folder.resolve("start.json"));
        assertThatThrownBy(claim::check)
                .isInstanceOf(OvertakenException.class)
                .hasMessageContaining("start.json: is gone");
        claim.close();
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void whatEndsAStartIsNamedForWhatItIs() {
        Claim first = claim("local-1");
        IllegalStateException failure = new IllegalStateException("a file was gone");
        assertThatCode(() -> first.check(failure)).doesNotThrowAnyException();
        claim("local-2");
        assertThatThrownBy(() -> first.check(failure))
                .isInstanceOf(OvertakenException.class)
                .hasSuppressedException(failure);
    }

    @Test
    void aClaimThatCannotBeReadIsNamedWithTheRemedy() throws IOException {
        Claim claim = claim("local-1");
        Files.writeString(folder.resolve("start.json"), "{");
        assertThatThrownBy(claim::check)
                .isInstanceOf(UserError.class)
                .hasMessageContaining("start.json: is not what Fathom writes")
                .hasMessageEndingWith("; delete that file");
        IllegalStateException failure = new IllegalStateException("the store is away");
        assertThatCode(() -> claim.check(failure)).doesNotThrowAnyException();
        assertThat(failure.getSuppressed()[0]).isInstanceOf(UserError.class);
    }
}
