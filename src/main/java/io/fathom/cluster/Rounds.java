package io.fathom.cluster;

import io.fathom.average.OuterStep;
import io.fathom.average.SliceCodec;
import io.fathom.average.Slices;
import io.fathom.checkpoint.FileSum;
import io.fathom.corpus.HadoopSettings;
import io.fathom.model.ModelSpec;
import io.fathom.train.Moments;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.rdd.ShuffledRDD;
import org.apache.spark.storage.StorageLevel;
import scala.Tuple2;
import scala.reflect.ClassTag;

/**
 * The workers of one run on Spark, round after round.
 *
 * <p>A round is one Spark job: the parameters are broadcast, each logical worker makes its local steps from them, its
 * result goes in slices to the tasks that sum them in worker order, and the means come to the driver. Between rounds a
 * worker's moments stay where its engine left them, see {@link ResidentMoments}; Spark caches nothing but each worker's
 * number, so that it prefers the executor where that worker is. Broadcasts are kept at the driver as long as a worker
 * that is lost may need them to be trained again.
 */
final class Rounds implements AutoCloseable {
    /** 256 KiB: what a core works on in its own cache, and no large object to any garbage collector. */
    static final int SLICE_FLOATS = 1 << 16;

    private final JavaSparkContext spark;
    private final WorkerTools tools;
    private final Slices slices;
    private final SliceCodec codec;
    private final Optional<Handover.Memory> shared;
    private WorkerHistory history;
    private JavaRDD<Integer> workers;
    private List<WorkerReport> last = List.of();

    Rounds(JavaSparkContext spark, WorkerTools tools, Slices slices, SliceCodec codec, WorkerSource source) {
        this.spark = spark;
        this.tools = tools;
        this.slices = slices;
        this.codec = codec;
        this.shared = spark.isLocal() ? Optional.of(new Handover.Memory(HeapNeeds.handover())) : Optional.empty();
        this.history = new WorkerHistory(UUID.randomUUID().toString(), tools, source, 0, List.of());
        this.workers = deal();
    }

    /** The workers' numbers; where Spark first trains a worker, its number is cached, and the worker stays. */
    private JavaRDD<Integer> deal() {
        List<Integer> ids = IntStream.range(0, tools.workers()).boxed().toList();
        return spark.parallelize(ids, tools.workers()).map(id -> id).persist(StorageLevel.MEMORY_AND_DISK());
    }

    /**
     * What a round gave beside the means of the parameters.
     *
     * @param moments the mean of the workers', where they share them
     * @param reports in worker order
     */
    record Outcome(Optional<Moments> moments, List<WorkerReport> reports) {}

    /**
     * Runs the job of one round of {@code spec}, of at most {@code localSteps} steps and {@code seconds}, from
     * {@code theta} and, where workers share them, {@code moments}, and brings the means to {@code step}; none where
     * all workers failed. When it throws, the workers are as they were.
     */
    Outcome run(
            ModelSpec spec, float[] theta, Optional<Moments> moments, int localSteps, double seconds, OuterStep step) {
        Replica parameters = Replica.of(spark, theta, moments, slices);
        float[][] means = new float[vectors() - 1][slices.size()];
        List<Tuple2<Integer, byte[]>> results;
        try (Arrivals arrivals = new Arrivals((number, mean) -> take(number, mean, step, means))) {
            TrainWorker train =
                    new TrainWorker(history, spec, localSteps, seconds, parameters, codec, arrivals.round());
            SlicePartitioner tasks = new SlicePartitioner(slices, vectors(), tools.workers());
            results = shared.isPresent()
                    ? handedOver(train, arrivals, tasks, shared.get())
                    : results(train, arrivals, tasks);
        } catch (Exception e) { // Spark's are checked ones, undeclared
            parameters.destroy();
            throw e;
        }
        parameters.leaveExecutors();
        last = results.stream()
                .filter(result -> result._1() == Emission.REPORT)
                .map(result -> WorkerReport.fromBytes(result._2()))
                .sorted(Comparator.comparingInt(WorkerReport::worker))
                .toList();
        history = history.with(new WorkerHistory.Past(
                spec,
                parameters,
                last.stream().map(WorkerReport::steps).toList(),
                last.stream()
                        .filter(WorkerReport::failed)
                        .map(WorkerReport::worker)
                        .toList()));
        return new Outcome(means.length == 0 ? Optional.empty() : Optional.of(new Moments(means[0], means[1])), last);
    }

    /** The same as {@link #results}, with parts handed over in memory. */
    private List<Tuple2<Integer, byte[]>> handedOver(
            TrainWorker train, Arrivals arrivals, SlicePartitioner tasks, Handover.Memory memory) {
        // A task costs Spark some milliseconds; two a slot keep all of them busy.
        SlicePartitioner fewer = memory.holds(tools.workers(), vectors() * slices.count())
                ? tasks.atMost(2 * spark.defaultParallelism())
                : tasks;
        try (Handover handover = Handover.open(arrivals.round(), memory)) {
            List<Tuple2<Integer, byte[]>> results = results(train, arrivals, fewer);
            handover.release();
            return results;
        }
    }

    /** Runs the job; gives the workers' reports. */
    private List<Tuple2<Integer, byte[]>> results(TrainWorker train, Arrivals arrivals, SlicePartitioner tasks) {
        JavaPairRDD<Integer, Parcel> given = workers.flatMapToPair(train);
        ShuffledRDD<Integer, Parcel, Parcel.Came> slicesOfWorkers =
                new ShuffledRDD<>(given.rdd(), tasks, given.kClassTag(), given.vClassTag(), tag());
        slicesOfWorkers.setSerializer(new ParcelSerializer(arrivals.round()));
        try {
            List<Tuple2<Integer, byte[]>> results = JavaPairRDD.fromRDD(slicesOfWorkers, given.kClassTag(), tag())
                    .mapPartitions(new SumSlices(slices, codec, tools.workers(), arrivals.round()))
                    .collect();
            // On a cluster without the plugin, means come as results.
            results.stream()
                    .filter(result -> result._1() != Emission.REPORT)
                    .forEach(mean -> arrivals.take(mean._1(), mean._2()));
            arrivals.await();
            return results;
        } finally {
            // Spark would keep them until the driver's next full collection, and the disk would fill.
            slicesOfWorkers.cleanShuffleDependencies(false);
        }
    }

    private static ClassTag<Parcel.Came> tag() {
        return ClassTag.apply(Parcel.Came.class);
    }

    private void take(int number, float[] mean, OuterStep step, float[][] means) {
        int vector = number / slices.count();
        int slice = number % slices.count();
        if (vector == 0) {
            step.take(slice, mean);
        } else {
            System.arraycopy(mean, 0, means[vector - 1], slices.from(slice), slices.length(slice));
        }
    }

    /** How many vectors go up and down in a round. */
    int vectors() {
        return Replica.vectors(tools.optimization().adamw().moments());
    }

    /** Has every worker write its moments into a checkpoint that has begun in {@code staging}. In worker order. */
    List<FileSum> writeMoments(HadoopSettings hadoop, String run, String staging) {
        try {
            return workers.map(new WriteMoments(history, hadoop, run, staging)).collect().stream()
                    .map(sum -> new FileSum(sum[0], sum[1]))
                    .toList();
        } catch (Exception e) { // Spark's are checked ones, undeclared
            // Where one worker could not write, others still may.
            Arrays.stream(spark.statusTracker().getJobIdsForGroup(tools.run()))
                    .max()
                    .ifPresent(job -> RunningTasks.awaitEnd(spark, List.of(job)));
            throw e;
        }
    }

    /** From now on workers that are lost begin from {@code source}, which must be what they are now. */
    void startFrom(WorkerSource source) {
        forget();
        history = history.from(source);
        if (unevenlyDealt()) {
            // Now that one who moves finds its moments in the source.
            workers.unpersist();
            workers = deal();
        }
    }

    /** Whether some executor has two workers more than another, such as one that came later. */
    private boolean unevenlyDealt() {
        if (spark.isLocal()) {
            return false;
        }
        // One of them is the driver.
        int executors = spark.sc().statusTracker().getExecutorInfos().length - 1;
        List<Long> counts = List.copyOf(last.stream()
                .collect(Collectors.groupingBy(WorkerReport::executor, Collectors.counting()))
                .values());
        long most = counts.stream().mapToLong(Long::longValue).max().orElse(0);
        long least = counts.size() < executors
                ? 0
                : counts.stream().mapToLong(Long::longValue).min().orElse(0);
        return most > least + 1;
    }

    private void forget() {
        history.since().forEach(past -> past.parameters().destroy());
    }

    /** Drops all that is held on executors and at the driver. */
    @Override
    public void close() {
        workers.unpersist();
        forget();
    }
}
