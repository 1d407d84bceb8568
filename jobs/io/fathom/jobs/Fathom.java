package io.fathom.jobs;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.util.ShutdownHookManager;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.config.Configurator;
import org.apache.spark.SparkConf;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;

/** The command line: {@code fathom JOB [options]} runs one job and ends with its exit code. */
@Command(
        name = "fathom",
        synopsisSubcommandLabel = "JOB",
        description = "Trains Mixture-of-Depths language models on Apache Spark and shows what the routers learned.",
        commandListHeading = "%nJobs:%n",
        footer = {"", "fathom JOB --help tells a job's options; conf/ holds complete runs."},
        subcommands = {
            DemoJob.class,
            PrepareJob.class,
            TrainJob.class,
            RoutingJob.class,
            ReportJob.class,
            GenerateJob.class,
            EvaluateJob.class,
            VerifyJob.class,
            ExportJob.class,
            ImportJob.class
        })
public final class Fathom implements Runnable {
    /** Exit code when a mistake of the user stopped the job. */
    static final int MISTAKE = CommandLine.ExitCode.USAGE;

    /** Exit code of every other failure. */
    static final int FAILURE = CommandLine.ExitCode.SOFTWARE;

    /** Hadoop runs hooks of higher priority first; Spark's is 40. */
    private static final int AFTER_SPARK = 20;

    private static final int LAST_WORDS_SECONDS = 10;

    @CommandLine.Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help and exit.")
    @SuppressWarnings("UnusedVariable") // picocli sets it and acts on it
    private boolean help;

    public static void main(String[] arguments) {
        CountDownLatch ended = new CountDownLatch(1);
        ShutdownHookManager.get().addShutdownHook(() -> await(ended), AFTER_SPARK);
        Failures failures = new Failures();
        int exitCode = commandLine(failures).execute(arguments);
        ended.countDown();
        if (isYarnsDriver()) {
            if (exitCode != 0) {
                throw new JobFailedException(failures.told());
            }
            return;
        }
        // Native thread pools and Spark's timers are not all daemons: without exit a finished job would hang.
        System.exit(exitCode);
    }

    /**
     * Whether YARN's application master runs this driver, in its own JVM: it ends that JVM itself, takes any other exit
     * for a failure, and tells its reason from what {@code main} throws.
     */
    private static boolean isYarnsDriver() {
        SparkConf spark = new SparkConf();
        return "yarn".equals(spark.get("spark.master", ""))
                && "cluster".equals(spark.get("spark.submit.deployMode", "client"));
    }

    /**
     * After Ctrl-C the JVM ends with its hooks, not with the job: this one lets the last line of a job be seen that
     * ends because Spark did. Nothing ends the others.
     */
    private static void await(CountDownLatch ended) {
        try {
            if (!ended.await(SparkContexts.started() ? LAST_WORDS_SECONDS : 0, TimeUnit.SECONDS)) {
                System.err.println("fathom: stopped before the job could end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The dispatcher with all jobs and the reporting of failures. */
    static CommandLine commandLine(Failures failures) {
        return new CommandLine(new Fathom())
                .setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8))
                .setExecutionStrategy(Fathom::execute)
                .setParameterExceptionHandler(failures)
                .setExecutionExceptionHandler(failures);
    }

    private static int execute(ParseResult parsed) {
        if (parsed.hasSubcommand() && parsed.subcommand().hasMatchedOption("--verbose")) {
            Configurator.setAllLevels(LogManager.ROOT_LOGGER_NAME, Level.INFO);
        }
        try {
            return new RunLast().execute(parsed);
        } catch (Error e) {
            // Such as no memory left, or a class that is not there: told as any other failure.
            List<CommandLine> commands = parsed.asCommandLineList();
            throw new ExecutionException(commands.get(commands.size() - 1), String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public void run() {
        CommandLine.usage(this, System.out);
    }
}
