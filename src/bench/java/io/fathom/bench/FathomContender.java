package io.fathom.bench;

import io.fathom.engine.AdamW;
import io.fathom.engine.Engine;
import io.fathom.engine.Engines;
import io.fathom.engine.Precision;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.model.Batch;
import io.fathom.program.Programs;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.openblas.global.openblas_nolapack;

/** The {@code cpu} engine: sessions of some threads each. */
final class FathomContender implements Contender {
    private final int threads;
    private final List<Session> sessions = new ArrayList<>();
    private final List<Batch> batches;
    private double norm;
    private int steps;

    FathomContender(Row row, int workers, int threads) {
        this.threads = threads;
        this.batches = row.batches(workers);
        Engine engine = Engines.named("cpu");
        for (Batch batch : batches) {
            Session session = engine.open(
                    Programs.training(row.spec(), batch.sequences()),
                    new SessionOptions(Precision.FLOAT32, threads, 0));
            session.write(Session.Vector.PARAMETERS, row.parameters());
            sessions.add(session);
        }
    }

    @Override
    public String name() {
        return "fathom " + sessions.size() + "x" + threads;
    }

    @Override
    public void prepare() {
        openblas_nolapack.blas_set_num_threads(1);
    }

    @Override
    public double step(int worker) {
        Session session = sessions.get(worker);
        session.clearGradient();
        session.run(batches.get(worker));
        if (worker == 0) {
            steps++;
        }
        double n = session.update(new AdamW(
                Math.max(1, steps),
                StepBenchmark.LEARNING_RATE,
                0.9,
                0.95,
                1e-8,
                StepBenchmark.WEIGHT_DECAY,
                StepBenchmark.CLIP,
                1));
        if (worker == 0) {
            norm = n;
        }
        return session.scalar("total");
    }

    double norm() {
        return norm;
    }

    Session session() {
        return sessions.get(0);
    }

    @Override
    public int workers() {
        return sessions.size();
    }

    @Override
    public void close() {
        sessions.forEach(Session::close);
    }
}
