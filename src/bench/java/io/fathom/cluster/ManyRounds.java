package io.fathom.cluster;

import io.fathom.config.RunConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaSparkContext;

/** What a run holds after every hundredth of many rounds of a tiny model. Argument: the number of rounds. */
final class ManyRounds {
    private ManyRounds() {}

    public static void main(String[] arguments) throws IOException {
        Path scratch = Files.createTempDirectory("many-rounds");
        RunConfig config = TinyRun.config(
                "train.rounds",
                arguments[0],
                "train.validation.everyRounds",
                "50",
                "train.checkpoint.everyRounds",
                "10");
        try (JavaSparkContext spark = TinyRun.spark("local[2]", "spark.local.dir", scratch.toString())) {
            Progress each = new Progress() {
                @Override
                public void round(RoundMetrics metrics, int rounds, double secondsLeft) {
                    if (metrics.round() % 100 == 0) {
                        System.out.println(held(spark, metrics.round(), scratch));
                    }
                }

                @Override
                public void say(String line) {}
            };
            TinyRun.train(spark, config, scratch.resolve("run").toString(), false, each);
        }
        System.exit(0);
    }

    private static String held(JavaSparkContext spark, int round, Path scratch) {
        System.gc();
        Runtime java = Runtime.getRuntime();
        try (Stream<Path> files = Files.walk(scratch)) {
            return String.format(
                    Locale.ROOT,
                    "round %d: %.2f MiB of heap after a collection, %d cached RDDs, %d shuffle files",
                    round,
                    (java.totalMemory() - java.freeMemory()) / 1048576.0,
                    spark.getPersistentRDDs().size(),
                    files.filter(file -> file.getFileName().toString().startsWith("shuffle_"))
                            .count());
        } catch (IOException e) {
            return e.toString();
        }
    }
}
