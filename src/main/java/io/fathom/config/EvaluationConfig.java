package io.fathom.config;

/** {@code fathom.evaluation}: how much text the evaluate job scores and calibrates on. */
public record EvaluationConfig(int sequences, int calibrationTokens) implements Checked {
    @Override
    public void check(Problems problems) {
        problems.atLeast(1, sequences, "sequences");
        problems.atLeast(1, calibrationTokens, "calibrationTokens");
    }
}
