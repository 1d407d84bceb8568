package io.fathom.jobs;

import io.fathom.config.RunConfig;
import io.fathom.report.ReportPage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.spark.SparkConf;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Turns a run directory into one page to look at. */
@Command(
        name = "report",
        description = "Writes <run>/report.html: loss curves, what the routers learned, what it saved. One file that"
                + " needs nothing else; parts not made yet are named with the command that makes them.")
final class ReportJob implements Callable<Integer> {
    @Mixin
    private JobOptions options = new JobOptions();

    @Option(
            names = "--beside",
            paramLabel = "DIR",
            description =
                    "Run directory to compare with, such as a dense twin's; may be repeated. Without it <run>/dense,"
                            + " if there is one.")
    private List<String> beside = new ArrayList<>();

    @Override
    public Integer call() throws IOException {
        RunConfig config = options.configOfRun();
        String page =
                ReportPage.write(SparkContexts.hadoop(new SparkConf()), config.run(), beside, config.corpusPath());
        System.out.println("Report: " + page);
        return 0;
    }
}
