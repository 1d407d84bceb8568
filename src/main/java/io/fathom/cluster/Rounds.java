package io.fathom.cluster;

import io.fathom.average.Floats;
import io.fathom.average.MeanOfWorkers;
import io.fathom.average.SliceCodec;
import io.fathom.average.Slices;
import io.fathom.checkpoint.CheckpointStore;
import io.fathom.checkpoint.FileSum;
import io.fathom.config.TrainConfig.InnerMoments;
import io.fathom.corpus.HadoopSettings;
import io.fathom.model.ModelSpec;
import io.fathom.train.Moments;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.storage.StorageLevel;
import scala.Tuple2;

/**
 * The workers of one run on Spark, round after round.
 *
 * <p>A round is one Spark job: the parameters are broadcast, each logical worker makes its local steps from them, its
 * result goes in slices to the tasks that sum them in worker order, and the means come to the driver. The workers after
 * the round are a cached RDD whose parent is the workers after the round before: so Spark prefers the executor that
 * holds a worker's moments, and when that executor is lost, trains this worker again from {@link #startFrom}'s source,
 * with the same result. Broadcasts are kept at the driver as long as that may need them.
 */
final class Rounds implements AutoCloseable {
    /** 256 KiB: what a core works on in its own cache, and no large object to any garbage collector. */
    static final int SLICE_FLOATS = 1 << 16;

    private final JavaSparkContext spark;
    private final WorkerTools tools;
    private final Slices slices;
    private final SliceCodec codec;
    private final List<Replica> sent = new ArrayList<>();
    private JavaRDD<WorkerState> workers;

    Rounds(JavaSparkContext spark, WorkerTools tools, Slices slices, SliceCodec codec, WorkerSource source) {
        this.spark = spark;
        this.tools = tools;
        this.slices = slices;
        this.codec = codec;
        this.workers = from(source);
    }

    private JavaRDD<WorkerState> from(WorkerSource source) {
        List<Integer> ids = IntStream.range(0, tools.workers()).boxed().toList();
        return spark.parallelize(ids, tools.workers()).map(source);
    }

    /**
     * What a round gave.
     *
     * @param mean of the workers that did not fail; empty floats when all failed
     * @param moments likewise, where workers share them
     * @param reports in worker order
     */
    record Outcome(MeanOfWorkers mean, Optional<Moments> moments, List<WorkerReport> reports) {}

    /**
     * Runs the job of one round of {@code spec}, of at most {@code localSteps} steps and {@code seconds}, from
     * {@code theta} and, where workers share them, {@code moments}; when it throws, the workers are as they were.
     */
    Outcome run(ModelSpec spec, float[] theta, Optional<Moments> moments, int localSteps, double seconds) {
        Replica parameters = Replica.of(spark, theta, moments, slices);
        sent.add(parameters);
        TrainWorker train = new TrainWorker(tools.withSpec(spec), localSteps, seconds, parameters, codec);
        JavaRDD<WorkerState> trained = workers.map(train).persist(StorageLevel.MEMORY_AND_DISK());
        JavaPairRDD<Integer, byte[]> means = trained.flatMapToPair(WorkerState::parts)
                .partitionBy(new SlicePartitioner(slices, vectors()))
                .mapPartitionsToPair(new SumSlices(slices, codec));
        List<Tuple2<Integer, byte[]>> parts;
        try {
            parts = means.collect();
        } catch (RuntimeException e) {
            trained.unpersist();
            throw e;
        } finally {
            // Spark would keep them until the driver's next full collection, and the disk would fill.
            means.rdd().cleanShuffleDependencies(false);
        }
        parameters.leaveExecutors();
        workers.unpersist();
        workers = trained;
        return outcome(parts);
    }

    private Outcome outcome(List<Tuple2<Integer, byte[]>> parts) {
        float[][] means = new float[vectors()][slices.size()];
        List<WorkerReport> reports = new ArrayList<>();
        for (Tuple2<Integer, byte[]> part : parts) {
            if (part._1() < 0) {
                reports.add(WorkerReport.fromBytes(part._2()));
            }
        }
        parts.parallelStream().filter(part -> part._1() >= 0).forEach(part -> {
            int slice = part._1() % slices.count();
            Floats.buffer(part._2())
                    .asFloatBuffer()
                    .get(means[part._1() / slices.count()], slices.from(slice), slices.length(slice));
        });
        reports.sort(Comparator.comparingInt(WorkerReport::worker));
        Optional<Moments> moments = means.length == 1 ? Optional.empty() : Optional.of(new Moments(means[1], means[2]));
        return new Outcome(new MeanOfWorkers(means[0], codec.relative()), moments, reports);
    }

    /** How many vectors go up and down in a round. */
    int vectors() {
        return tools.optimization().adamw().moments() == InnerMoments.AVERAGE ? Replica.VECTORS.size() : 1;
    }

    /** Has every worker write its moments into the checkpoint of {@code round}, which has begun. In worker order. */
    List<FileSum> writeMoments(HadoopSettings hadoop, String run, int round) {
        return workers
                .map(worker -> {
                    FileSum sum = new CheckpointStore(hadoop.configuration(), run)
                            .writeMoments(
                                    round, worker.worker(), worker.moments().orElseThrow());
                    // Longs, since Kryo, where a cluster has chosen it, cannot send records.
                    return new long[] {sum.length(), sum.crc32c()};
                })
                .collect()
                .stream()
                .map(sum -> new FileSum(sum[0], sum[1]))
                .toList();
    }

    /** From now on workers that are lost begin from {@code source}, which must be what they are now. */
    void startFrom(WorkerSource source) {
        close();
        workers = from(source);
    }

    /** Drops all that is held on executors and at the driver. */
    @Override
    public void close() {
        workers.unpersist();
        sent.forEach(Replica::destroy);
        sent.clear();
    }
}
