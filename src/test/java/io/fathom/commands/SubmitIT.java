package io.fathom.commands;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.commands.Command.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code submit.sh} on the packaged jar. */
class SubmitIT {
    private static final String SUBMIT = "./submit.sh";

    @Test
    void withoutAJobItTellsHowToUseIt() throws Exception {
        Result result = Command.of(SUBMIT).run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.errors()).startsWith("usage: ./submit.sh JOB");
    }

    @Test
    void helpListsTheJobs() throws Exception {
        Result result = Command.of(SUBMIT, "--help").run();
        assertThat(result.exitCode()).isZero();
        assertThat(result.output()).startsWith("usage: ./submit.sh JOB").contains("Jobs:", "generate", "train", "demo");
        assertThat(result.errors()).isEmpty();
    }

    @Test
    void anUnknownJobIsOneLineAndTheExitCodeOfAMistake() throws Exception {
        Result result = Command.of(SUBMIT, "trian").run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.errors().strip())
                .hasLineCount(1)
                .startsWith("fathom: there is no job trian; did you mean train? The jobs are ");
    }

    @Test
    void anUnknownSettingIsOneLine() throws Exception {
        Result result = Command.of(SUBMIT, "train", "--set", "train.round=3").run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.errors().strip())
                .isEqualTo("fathom train: train.round = \"3\": unknown key; did you mean rounds? (--set)");
    }

    @Test
    void dryRunPrintsTheCommandAndRunsNothing() throws Exception {
        Result result = Command.of(
                        SUBMIT, "train", "--dry-run", "--conf", "spark.ui.enabled=true", "--master", "local[3]")
                .run();
        assertThat(result.exitCode()).isZero();
        assertThat(result.output())
                .contains("java.arguments", "-Dspark.ui.enabled=true", "io.fathom.jobs.Fathom train")
                .contains("-Dspark.master=local\\[3\\]");
    }

    @Test
    void sparkSubmitGetsItsFlagsAndTheJobTheRest(@TempDir Path spark) throws Exception {
        Command command = Command.of(
                        SUBMIT,
                        "train",
                        "--master",
                        "yarn",
                        "--run",
                        "runs/a b",
                        "--queue=night",
                        "--jars",
                        "my.jar",
                        "--set",
                        "seed=4",
                        "--resume",
                        "--deploy-mode",
                        "cluster",
                        "--config",
                        "conf/small.conf",
                        "--",
                        "--vendor-flag",
                        "on")
                .with("SPARK_HOME", recordingSpark(spark).toString());
        Result result = command.run();
        assertThat(result.exitCode()).as(result.errors()).isEqualTo(7);
        assertThat(result.errors().lines().toList())
                .containsSubsequence("--master", "yarn", "--queue", "night", "--deploy-mode", "cluster")
                .containsSubsequence("--vendor-flag", "on")
                .containsSubsequence("--files", "conf/small.conf")
                .endsWith(
                        Path.of("target/fathom.jar").toAbsolutePath().toString(),
                        "train",
                        "--config",
                        "small.conf",
                        "--run",
                        "runs/a b",
                        "--set",
                        "seed=4",
                        "--resume")
                .anySatisfy(line -> assertThat(line).contains("openblas").endsWith(",my.jar"));
    }

    /** The complete configurations of conf/ for each kind of cluster say themselves where the driver runs. */
    @ParameterizedTest
    @CsvSource({"yarn, small.conf", "kubernetes, small.conf", "standalone, conf/small.conf"})
    void aPropertiesFileSaysWhereTheDriverRuns(String kind, String config, @TempDir Path spark) throws Exception {
        String properties = "conf/spark-" + kind + ".conf";
        Result result = Command.of(SUBMIT, "train", "--properties-file", properties, "--config", "conf/small.conf")
                .with("SPARK_HOME", recordingSpark(spark).toString())
                .run();
        assertThat(result.exitCode()).as(result.errors()).isEqualTo(7);
        String submitted = "standalone".equals(kind) ? result.output() : result.errors();
        assertThat(submitted.lines().toList())
                .containsSubsequence("--properties-file", properties)
                .endsWith("train", "--config", config);
        if (!"standalone".equals(kind)) {
            assertThat(submitted).containsPattern("--files\n(.*,)?conf/small.conf\n");
        }
    }

    @Test
    void aStandaloneMasterIsAskedForAWholeDriver(@TempDir Path spark) throws Exception {
        Path properties = spark.resolve("cluster.conf");
        Files.writeString(properties, """
                spark.master             spark://host:7077
                spark.submit.deployMode = cluster
                spark.driver.extraJavaOptions   -Dmine=1
                spark.files   hdfs:///theirs.txt
                """);
        Command command =
                Command.of(SUBMIT, "train", "--config", "conf/small.conf", "--properties-file", properties.toString());
        Result result =
                command.with("SPARK_HOME", recordingSpark(spark).toString()).run();
        assertThat(result.exitCode()).isEqualTo(7);
        assertThat(result.errors().lines().toList())
                .containsSubsequence("--files", "hdfs:///theirs.txt,conf/small.conf")
                .containsSubsequence("--conf", "spark.standalone.submit.waitAppCompletion=true")
                .anySatisfy(line -> assertThat(line)
                        .startsWith("--add-opens=java.base/java.lang=ALL-UNNAMED")
                        .endsWith(" -Dmine=1"));
    }

    /** spark-submit itself ends with 0 then. */
    @Test
    void aStandaloneDriverThatFailsIsAFailure(@TempDir Path spark) throws Exception {
        String lastLine = "INFO ClientEndpoint: State of driver driver-1 is FAILED, exiting spark-submit JVM.";
        Result result = Command.of(SUBMIT, "train", "--master", "spark://host:7077", "--deploy-mode", "cluster")
                .with("SPARK_HOME", spark(spark, "echo " + lastLine).toString())
                .run();
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.errors().strip()).isEqualTo(lastLine);
    }

    /** What its JVM shows of itself then is left out, and its reason stays. */
    @Test
    void aDriverThatFailsOnYarnIsItsReason(@TempDir Path spark) throws Exception {
        String reason =
                "ERROR Client: Application diagnostics message: User class threw exception: fathom train: no text";
        Result result = Command.of(SUBMIT, "train", "--master", "yarn", "--deploy-mode", "cluster")
                .with("SPARK_HOME", spark(spark, """
                        echo '%s' >&2
                        echo 'Exception in thread "main" org.apache.spark.SparkException: Application a_1 finished' >&2
                        printf '\\tat org.apache.spark.deploy.yarn.Client.run(Client.scala:1312)\\n' >&2
                        exit 1""".formatted(reason)).toString())
                .run();
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.errors().strip()).isEqualTo(reason);
    }

    /** spark-submit of 3.5 ends with 0 then as well. */
    @Test
    void theExitCodeOfADriverInAPodIsItsOwn(@TempDir Path spark) throws Exception {
        String report = "INFO LoggingPodStatusWatcherImpl: State changed, new state:  pod name: fathom-train-driver"
                + "  phase: Failed  container state: terminated  exit code: 2  termination reason: Error";
        Result result = Command.of(SUBMIT, "train", "--master", "k8s://https://host:6443", "--deploy-mode", "cluster")
                .with("SPARK_HOME", spark(spark, "echo '" + report + "'").toString())
                .run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.errors().strip()).isEqualTo(report);
    }

    @Test
    void aBrokenSparkHomeIsOneLine(@TempDir Path empty) throws Exception {
        Result result =
                Command.of(SUBMIT, "train").with("SPARK_HOME", empty.toString()).run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.errors().strip()).hasLineCount(1).startsWith("submit.sh: SPARK_HOME is ");
    }

    @Test
    void aClusterWithoutSparkIsOneLine() throws Exception {
        Result result = Command.of(SUBMIT, "train", "--master", "yarn").run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.errors().strip())
                .isEqualTo("submit.sh: --master yarn needs a Spark distribution: set SPARK_HOME");
    }

    @Test
    void theJarIsThinAndLeavesSparkItsOwn() throws IOException {
        Path jar = Path.of("target/fathom.jar");
        assertThat(Files.size(jar)).isLessThan(40_000_000);
        try (JarFile file = new JarFile(jar.toFile())) {
            assertThat(file.stream().map(JarEntry::getName))
                    .contains("io/fathom/jobs/Fathom.class", "reference.conf", "fathom-build.properties")
                    .contains("io/fathom/shaded/picocli/CommandLine.class")
                    .noneMatch(name -> name.startsWith("org/apache/spark/") || name.startsWith("scala/"))
                    .noneMatch(name -> name.startsWith("com/google/flatbuffers/"))
                    .noneMatch(name -> name.startsWith("org/slf4j/"))
                    .noneMatch(name -> name.startsWith("com/typesafe/config/") || name.startsWith("picocli/"))
                    .noneMatch(name -> name.endsWith(".so") && name.contains("linux"));
        }
    }

    /** A Spark whose spark-submit prints its arguments, a line each, and ends with exit code 7. */
    private static Path recordingSpark(Path home) throws IOException {
        return spark(home, "printf '%s\\n' \"$@\"\nexit 7");
    }

    private static Path spark(Path home, String submit) throws IOException {
        Path script = home.resolve("bin/spark-submit");
        Files.createDirectories(script.getParent());
        Files.writeString(script, "#!/bin/sh\n" + submit + "\n");
        assertThat(script.toFile().setExecutable(true)).isTrue();
        return home;
    }
}
