package io.fathom.engine.cpu;

import io.fathom.program.Instruction.BalanceLoss;

/** {@link BalanceLoss}, in double, by the first lane. */
record BalanceLossStep(Floats scores, double capacity, Floats loss) implements Step {
    @Override
    public void run(Lane lane) {
        if (!lane.first()) {
            return;
        }
        double sum = 0;
        for (int i = 0; i < scores.length(); i++) {
            sum += 1 / (1 + Math.exp(-scores.get(i)));
        }
        loss.put(0, (float) BalanceLoss.value(positiveShare(scores), sum / scores.length(), capacity));
    }

    /** Share of scores above 0. */
    static double positiveShare(Floats scores) {
        int positive = 0;
        for (int i = 0; i < scores.length(); i++) {
            positive += scores.get(i) > 0 ? 1 : 0;
        }
        return (double) positive / scores.length();
    }
}
