package io.fathom.cluster;

import io.fathom.average.Slices;
import io.fathom.config.UserError;
import io.fathom.corpus.TokenSplit;
import io.fathom.engine.Session;
import io.fathom.model.Batch;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import scala.Tuple2;

/** Scores parameters on the first batches of the validation split, always the same ones, as one Spark job. */
final class Validation {
    private final JavaSparkContext spark;
    private final WorkerTools tools;
    private final int batches;

    /** @throws UserError when the split holds no batch */
    Validation(JavaSparkContext spark, WorkerTools tools, int batches) {
        this.spark = spark;
        this.tools = tools;
        TokenSplit split = tools.validation();
        long available = split.windows(tools.spec().context()) / tools.batch();
        if (available == 0) {
            throw new UserError(split.name() + " holds " + split.tokens() + " tokens, one batch of train.batch = "
                    + tools.batch() + " x model.context = " + tools.spec().context()
                    + " needs " + ((long) tools.batch() * tools.spec().context() + 1)
                    + ": add text, raise corpus.validationFraction, or lower train.batch");
        }
        this.batches = (int) Math.min(batches, available);
    }

    /** Mean cross-entropy in nats a token, with the routers choosing by top-k as in training. */
    double loss(float[] theta) {
        Replica parameters = Replica.of(spark, theta, Optional.empty(), new Slices(theta.length, Rounds.SLICE_FLOATS));
        try {
            int tasks = Math.min(batches, Math.max(tools.workers(), spark.defaultParallelism()));
            List<Integer> indices = IntStream.range(0, batches).boxed().toList();
            List<Tuple2<Integer, Double>> scores = new ArrayList<>(spark.parallelize(indices, tasks)
                    .mapPartitions(new Score(tools, parameters))
                    .collect());
            scores.sort(Comparator.comparingInt(Tuple2::_1));
            return scores.stream().mapToDouble(Tuple2::_2).sum() / batches;
        } finally {
            parameters.destroy();
        }
    }

    /** The cross-entropy of some batches, as a task. */
    private record Score(WorkerTools tools, Replica parameters)
            implements FlatMapFunction<Iterator<Integer>, Tuple2<Integer, Double>> {
        @Override
        public Iterator<Tuple2<Integer, Double>> call(Iterator<Integer> indices) {
            List<Tuple2<Integer, Double>> scores = new ArrayList<>();
            ExecutorSessions sessions = ExecutorSessions.ofThisProcess();
            TokenSplit split = sessions.resident(tools).validation();
            try (ExecutorSessions.Loan loan = sessions.scoring(tools)) {
                Session session = loan.session();
                parameters.writeTo(session);
                while (indices.hasNext()) {
                    int index = indices.next();
                    session.run(batch(split, index));
                    scores.add(new Tuple2<>(index, session.scalar("ce")));
                }
                loan.keep();
            }
            return scores.iterator();
        }

        private Batch batch(TokenSplit split, int index) {
            int[][] windows = new int[tools.batch()][];
            for (int b = 0; b < windows.length; b++) {
                windows[b] = split.window(
                        (long) index * windows.length + b, tools.spec().context());
            }
            return Batch.ofWindows(windows);
        }
    }
}
