package io.fathom.train;

import io.fathom.engine.Session;
import io.fathom.model.Batch;
import java.util.Arrays;
import java.util.function.BooleanSupplier;

/**
 * Makes steps of one worker on one session; the whole of training when there is only one worker.
 *
 * <p>Everything the result depends on comes in with {@link #train} and everything it leaves goes out, so that a session
 * may serve any worker, and a round that failed is made again by calling the same thing.
 */
public final class LocalTrainer {
    private final Session session;
    private final Optimization optimization;

    /**
     * When a round ends.
     *
     * @param steps most steps, at least 1
     * @param seconds time after which no step begins but the first
     * @param stop asked before each step; when it says true, {@link InterruptedRoundException} is thrown
     */
    public record Limits(int steps, double seconds, BooleanSupplier stop) {
        public Limits {
            if (steps < 1) {
                throw new IllegalArgumentException("steps = " + steps + ": must be >= 1");
            }
        }

        /** {@code steps} steps, however long they take. */
        public static Limits steps(int steps) {
            return new Limits(steps, Double.POSITIVE_INFINITY, () -> false);
        }
    }

    /**
     * A trainer on {@code session}, whose program must be a training program of {@code batch / microBatches} sequences.
     */
    public LocalTrainer(Session session, Optimization optimization) {
        if (!session.program().training()) {
            throw new IllegalArgumentException("the session's program does not train: it makes no gradient");
        }
        this.session = session;
        this.optimization = optimization;
    }

    /**
     * Makes steps from {@code parameters} and {@code moments}, neither of which is written.
     *
     * @param worker whose batches to learn from, from 0
     * @param firstStep steps this worker made before
     * @param limits when to end
     * @throws NonFiniteException at the first step whose loss or gradient norm is not finite
     */
    public LocalRound train(
            BatchSource batches, int worker, long firstStep, Limits limits, float[] parameters, Moments moments) {
        session.write(Session.Vector.PARAMETERS, parameters);
        session.write(Session.Vector.FIRST_MOMENT, moments.first());
        session.write(Session.Vector.SECOND_MOMENT, moments.second());
        StepMeans means = steps(batches, worker, firstStep, limits);
        return new LocalRound(
                read(Session.Vector.PARAMETERS),
                new Moments(read(Session.Vector.FIRST_MOMENT), read(Session.Vector.SECOND_MOMENT)),
                means);
    }

    /**
     * Makes steps from the parameters and moments that the session holds, and leaves there what they come to.
     * Parameters as in {@link #train}, which copies them in and out.
     */
    public StepMeans steps(BatchSource batches, int worker, long firstStep, Limits limits) {
        Sums sums = new Sums();
        long started = System.nanoTime();
        int steps = 0;
        double seconds = 0;
        while (steps < limits.steps() && (steps == 0 || seconds < limits.seconds())) {
            long step = firstStep + steps;
            if (limits.stop().getAsBoolean()) {
                throw new InterruptedRoundException(worker, step);
            }
            step(batches.batch(worker, step), step + 1, firstStep, sums);
            steps++;
            seconds = (System.nanoTime() - started) / 1e9;
        }
        return sums.means(steps, optimization.learningRate().at(firstStep + steps), seconds);
    }

    private void step(Batch batch, long step, long firstStep, Sums sums) {
        int parts = optimization.microBatches();
        session.clearGradient();
        for (int part = 0; part < parts - 1; part++) {
            session.run(part(batch, part, parts));
            count(parts, step, sums);
        }
        session.run(parts == 1 ? batch : part(batch, parts - 1, parts));
        // Before anything is read: so a device does the last run and the update at one go.
        double norm = session.update(optimization.update(step, firstStep));
        count(parts, step, sums);
        if (!Double.isFinite(norm)) {
            throw new NonFiniteException(step, "the gradient's norm", norm);
        }
        sums.norm += norm;
        sums.tokens += batch.tokens().length;
    }

    /** Adds the losses of the last run. */
    private void count(int parts, long step, Sums sums) {
        double loss = session.scalar("total");
        if (!Double.isFinite(loss)) {
            throw new NonFiniteException(step, "the loss", loss);
        }
        sums.loss += loss / parts;
        sums.ce += session.scalar("ce") / parts;
        sums.aux += optional("aux") / parts;
        sums.pred += optional("pred") / parts;
    }

    /** The sequences of one of {@code parts} equal parts of a batch. */
    private static Batch part(Batch batch, int part, int parts) {
        if (batch.sequences() % parts != 0) {
            throw new IllegalArgumentException(
                    "a batch of " + batch.sequences() + " sequences cannot be cut into " + parts + " equal parts");
        }
        int sequences = batch.sequences() / parts;
        int from = part * sequences * batch.length();
        int to = from + sequences * batch.length();
        return new Batch(
                sequences,
                batch.length(),
                Arrays.copyOfRange(batch.tokens(), from, to),
                Arrays.copyOfRange(batch.targets(), from, to));
    }

    private double optional(String output) {
        return session.program().outputs().containsKey(output) ? session.scalar(output) : 0;
    }

    private float[] read(Session.Vector vector) {
        float[] values = new float[session.program().layout().size()];
        session.read(vector, values);
        return values;
    }

    private static final class Sums {
        private double loss;
        private double ce;
        private double aux;
        private double pred;
        private double norm;
        private long tokens;

        StepMeans means(int steps, double learningRate, double seconds) {
            return new StepMeans(
                    steps,
                    tokens,
                    loss / steps,
                    ce / steps,
                    aux / steps,
                    pred / steps,
                    norm / steps,
                    learningRate,
                    seconds);
        }
    }
}
