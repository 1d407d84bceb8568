package io.fathom.engine.cpu;

import io.fathom.program.Instruction.BalanceLoss;
import org.jspecify.annotations.Nullable;

/** {@link io.fathom.program.Instruction.BalanceLossGrad}: lanes share the rows. */
record BalanceLossGradStep(
        Floats scores,
        double capacity,
        double weight,
        @Nullable Floats addend,
        Floats dScores) implements Step {
    @Override
    public void run(Lane lane) {
        double share = BalanceLossStep.positiveShare(scores);
        double scale = weight / scores.length() * BalanceLoss.slope(share, capacity);
        int to = lane.to(scores.length());
        for (int i = lane.from(scores.length()); i < to; i++) {
            double sigmoid = 1 / (1 + Math.exp(-scores.get(i)));
            double before = addend == null ? 0 : addend.get(i);
            dScores.put(i, (float) (before + scale * sigmoid * (1 - sigmoid)));
        }
    }
}
