package io.fathom.cluster;

import io.fathom.checkpoint.CheckpointWriter;
import io.fathom.checkpoint.FileSum;
import io.fathom.checkpoint.RunDirectory;
import io.fathom.corpus.HadoopSettings;
import io.fathom.engine.MomentMemory;
import io.fathom.engine.Session;
import org.apache.spark.api.java.function.Function;

/**
 * Writes one worker's moments into a checkpoint that has begun in {@code staging}, as a task; gives the file's length
 * and checksum. Longs, since Kryo, where a cluster has chosen it, cannot send records.
 */
record WriteMoments(WorkerHistory history, HadoopSettings hadoop, String run, String staging)
        implements Function<Integer, long[]> {
    @Override
    public long[] call(Integer worker) {
        WorkerTools tools = history.latest();
        MomentMemory memory = history.moments(worker, tools);
        try (ExecutorSessions.Loan loan = ExecutorSessions.ofThisProcess().training(tools)) {
            Session session = loan.session();
            session.attach(memory);
            FileSum sum = CheckpointWriter.writeMoments(
                    new RunDirectory(hadoop.configuration(), run),
                    staging,
                    worker,
                    session.program().layout().size(),
                    (vector, from, values, length) ->
                            session.read(ResidentMoments.VECTORS.get(vector), from, values, length));
            loan.keep();
            return new long[] {sum.length(), sum.crc32c()};
        } finally {
            // Nothing has written to them, whatever became of the file.
            ResidentMoments.ofThisProcess().put(history.id(), worker, history.round(), memory);
        }
    }
}
