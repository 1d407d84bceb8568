package io.fathom.engine.cpu;

import io.fathom.engine.AdamW;
import io.fathom.engine.Session.Vector;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Tensor;
import java.util.Arrays;

/** AdamW over the flat vectors in two passes: the gradient's norm, then everything else at once. */
final class Optimizer {
    private final SessionMemory memory;
    private final Floats theta;
    private final Floats gradient;
    /** Where decay begins or ends: tensor i of the layout lies in [starts[i], starts[i + 1]). */
    private final int[] starts;

    private final boolean[] decays;
    private final double[] squares;
    private final Step[] norm = {this::sumSquares};
    private final Step[] apply = {this::apply};

    // Of the update under way; the lanes read them between two meetings.
    private Floats firstMoment;
    private Floats secondMoment;
    private float scale;
    private float beta1;
    private float beta2;
    private float fresh1;
    private float fresh2;
    private float rate;
    private float epsilon;
    private float decay;
    private float rootCorrection;

    Optimizer(SessionMemory memory, ParameterLayout layout, int lanes) {
        this.memory = memory;
        this.theta = memory.vector(Vector.PARAMETERS);
        this.gradient = memory.vector(Vector.GRADIENT);
        this.firstMoment = memory.vector(Vector.FIRST_MOMENT);
        this.secondMoment = memory.vector(Vector.SECOND_MOMENT);
        int tensors = layout.tensors().size();
        this.starts = new int[tensors + 1];
        this.decays = new boolean[tensors];
        for (int i = 0; i < tensors; i++) {
            Tensor tensor = layout.tensors().get(i);
            starts[i] = tensor.offset();
            decays[i] = tensor.decays();
        }
        starts[tensors] = layout.size();
        this.squares = new double[lanes];
    }

    /** {@link io.fathom.engine.Session#update}. */
    double update(AdamW step, Team team) {
        firstMoment = memory.vector(Vector.FIRST_MOMENT);
        secondMoment = memory.vector(Vector.SECOND_MOMENT);
        team.run(norm);
        double sum = 0;
        for (double square : squares) {
            sum += square;
        }
        double n = Math.sqrt(sum) * step.gradientScale();
        if (!Double.isFinite(n)) {
            return n;
        }
        scale = (float) (step.gradientScale() * Math.min(1, step.clipNorm() / (n + 1e-6)));
        beta1 = (float) step.beta1();
        beta2 = (float) step.beta2();
        // 1 - 0.999f is off by 13 millionths.
        fresh1 = (float) (1 - step.beta1());
        fresh2 = (float) (1 - step.beta2());
        rate = (float) (step.learningRate() / (1 - Math.pow(step.beta1(), step.step())));
        rootCorrection = (float) (1 / Math.sqrt(1 - Math.pow(step.beta2(), step.step())));
        epsilon = (float) step.epsilon();
        decay = (float) (1 - step.learningRate() * step.weightDecay());
        team.run(apply);
        return n;
    }

    private void sumSquares(Lane lane) {
        // A running sum for each place of a block: vector code, and each sum stays short.
        Arrays.fill(lane.b, 0, Lane.BLOCK, 0f);
        int to = lane.to(gradient.length());
        for (int at = lane.from(gradient.length()); at < to; at += Lane.BLOCK) {
            int n = Math.min(Lane.BLOCK, to - at);
            gradient.get(at, lane.a, n);
            Vectors.addSquares(lane.b, lane.a, n);
        }
        double sum = 0;
        for (int i = 0; i < Lane.BLOCK; i++) {
            sum += lane.b[i];
        }
        squares[lane.index] = sum;
    }

    private void apply(Lane lane) {
        int to = lane.to(theta.length());
        int at = lane.from(theta.length());
        int found = Arrays.binarySearch(starts, at);
        int tensor = found >= 0 ? found : -found - 2;
        while (at < to) {
            while (at >= starts[tensor + 1]) {
                tensor++;
            }
            int n = Math.min(Math.min(Lane.BLOCK, to - at), starts[tensor + 1] - at);
            block(lane, at, n, decays[tensor] ? decay : 1f);
            at += n;
        }
    }

    private void block(Lane lane, int at, int n, float keep) {
        float[] g = lane.a;
        float[] m = lane.b;
        float[] v = lane.c;
        gradient.get(at, g, n);
        firstMoment.get(at, m, n);
        secondMoment.get(at, v, n);
        moments(g, m, v, n);
        firstMoment.put(at, m, n);
        secondMoment.put(at, v, n);
        theta.get(at, g, n);
        descend(g, m, v, n, keep);
        theta.put(at, g, n);
    }

    private void moments(float[] g, float[] m, float[] v, int n) {
        float s = scale;
        float b1 = beta1;
        float b2 = beta2;
        float f1 = fresh1;
        float f2 = fresh2;
        for (int i = 0; i < n; i++) {
            float clipped = g[i] * s;
            m[i] = Math.fma(b1, m[i], f1 * clipped);
            v[i] = Math.fma(b2, v[i], f2 * clipped * clipped);
        }
    }

    private void descend(float[] p, float[] m, float[] v, int n, float keep) {
        float r = rate;
        float e = epsilon;
        float correction = rootCorrection;
        for (int i = 0; i < n; i++) {
            p[i] = p[i] * keep - r * m[i] / ((float) Math.sqrt(v[i]) * correction + e);
        }
    }
}
