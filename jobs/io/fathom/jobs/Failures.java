package io.fathom.jobs;

import io.fathom.config.Nearest;
import io.fathom.config.UserError;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.util.ShutdownHookManager;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Tells the user why a job ended, in one line, and chooses the exit code. */
final class Failures implements IParameterExceptionHandler, IExecutionExceptionHandler {
    private String told = "";

    /** The line that the user was told last; empty before. */
    String told() {
        return told;
    }

    private void tell(CommandLine command, String line) {
        told = command.getCommandSpec().qualifiedName() + ": " + line;
        command.getErr().println(told);
    }

    @Override
    public int handleParseException(ParameterException problem, String[] arguments) {
        CommandLine command = problem.getCommandLine();
        String name = command.getCommandSpec().qualifiedName();
        tell(command, complaint(problem, command) + "; see " + name + " --help");
        return Fathom.MISTAKE;
    }

    /** Names the jobs there are when the first word is none of them. */
    private static String complaint(ParameterException problem, CommandLine command) {
        boolean dispatcher = command.getParent() == null;
        if (dispatcher && problem instanceof UnmatchedArgumentException unmatched) {
            String word = unmatched.getUnmatched().get(0);
            if (!word.startsWith("-")) {
                List<String> jobs = List.copyOf(command.getSubcommands().keySet());
                String hint = Nearest.hint(word, jobs);
                return "there is no job " + word + (hint.isEmpty() ? "; the jobs are " : hint + " The jobs are ")
                        + String.join(", ", jobs);
            }
        }
        String message = String.valueOf(problem.getMessage());
        return Character.toLowerCase(message.charAt(0)) + message.substring(1);
    }

    @Override
    public int handleExecutionException(Exception failure, CommandLine command, ParseResult parsed) {
        if (command.getParseResult().hasMatchedOption("--verbose")) {
            failure.printStackTrace(command.getErr());
        }
        List<Throwable> chain = chain(failure);
        Optional<String> mistake =
                chain.stream().flatMap(cause -> mistake(cause).stream()).findFirst();
        if (mistake.isPresent()) {
            tell(command, mistake.get());
            return Fathom.MISTAKE;
        }
        if (ShutdownHookManager.get().isShutdownInProgress()) {
            tell(command, "stopped by a signal; what it had completed is intact");
            return Fathom.FAILURE;
        }
        tell(command, explain(chain));
        return Fathom.FAILURE;
    }

    private static Optional<String> mistake(Throwable cause) {
        String message = String.valueOf(cause.getMessage());
        if (cause instanceof UserError) {
            return Optional.of(message);
        }
        return cause instanceof ClassNotFoundException && message.contains("FileSystem")
                ? Optional.of("no connector for this kind of path (" + message + "); add it, such as --packages"
                        + " org.apache.hadoop:hadoop-aws:VERSION for s3a:, VERSION being that of this Spark's Hadoop")
                : Optional.empty();
    }

    private static String explain(List<Throwable> chain) {
        for (Throwable cause : chain) {
            String message = String.valueOf(cause.getMessage());
            if (message.contains("No space left on device") || message.contains("Disk quota exceeded")) {
                return "the disk is full: free some space where the run directory and spark.local.dir lie, then run"
                        + " again; complete checkpoints are intact";
            }
            if (cause instanceof OutOfMemoryError || message.contains("java.lang.OutOfMemoryError")) {
                return "out of memory: give more with --driver-memory (local mode has no other) and --executor-memory,"
                        + " or lower train.batch, raise train.microBatches, or make the model smaller";
            }
            if (message.contains("SparkContext was shut down") || message.contains("stopped SparkContext")) {
                return "Spark ended before the job did: its master or resource manager is gone, or ended the"
                        + " application; see its log, then run again, train with --resume";
            }
        }
        Throwable root = chain.get(chain.size() - 1);
        String message = String.valueOf(root.getMessage()).lines().findFirst().orElse("");
        return "failed: " + root.getClass().getSimpleName() + ": " + message
                + "; run again with --verbose for the stack trace";
    }

    /** The failure and its causes, outermost first. */
    private static List<Throwable> chain(Throwable failure) {
        List<Throwable> chain = new ArrayList<>();
        for (Throwable cause = failure; cause != null && !chain.contains(cause); cause = cause.getCause()) {
            chain.add(cause);
        }
        return chain;
    }
}
