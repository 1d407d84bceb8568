package io.fathom.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;

/** A job as the command line runs it, in this process: its exit code, what it printed and what it complained of. */
record JobRun(int code, String out, String problem) {

    static JobRun of(String... arguments) {
        StringWriter problem = new StringWriter();
        CommandLine command = Fathom.commandLine(new Failures()).setErr(new PrintWriter(problem, true));
        command.getSubcommands().values().forEach(job -> job.setErr(new PrintWriter(problem, true)));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrintStream before = System.out;
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        try {
            int code = command.execute(arguments);
            return new JobRun(code, out.toString(StandardCharsets.UTF_8), problem.toString());
        } finally {
            System.setOut(before);
        }
    }

    /** What it printed; fails the test where the job did not end well. */
    String sound() {
        assertThat(code).as(problem).isZero();
        return out;
    }

    /** The one line that tells a mistake; fails the test where the job found none. */
    String mistake() {
        assertThat(code).as(out + problem).isEqualTo(Fathom.MISTAKE);
        assertThat(problem.strip()).hasLineCount(1);
        return problem;
    }
}
