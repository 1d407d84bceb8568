package io.fathom.engine.cpu;

import io.fathom.engine.Session.Vector;
import io.fathom.model.Tensor;
import io.fathom.program.Program;
import io.fathom.program.Value;
import java.util.List;

/** Runs the last batch once more, a step at a time, to name the first value that is not finite. */
final class Diagnosis {
    private final Program program;
    private final SessionMemory memory;
    private final List<PreparedStep> steps;
    private final Team team;

    Diagnosis(Program program, SessionMemory memory, List<PreparedStep> steps, Team team) {
        this.program = program;
        this.memory = memory;
        this.steps = steps;
        this.team = team;
    }

    /** The message for the user. The gradient is of no use afterwards. */
    String firstNonFinite() {
        Floats theta = memory.vector(Vector.PARAMETERS);
        for (Tensor tensor : program.layout().tensors()) {
            int bad = firstBad(theta, tensor.offset(), 1, tensor.length(), tensor.length());
            if (bad >= 0) {
                return "parameter " + tensor.name() + " is not finite (element " + bad
                        + "): resume from the last checkpoint with a lower learning rate";
            }
        }
        for (PreparedStep step : steps) {
            team.run(new Step[] {step.step()});
            if (step.source() == null) {
                continue;
            }
            for (Value value : step.source().writes()) {
                int bad = value.type() == Value.Type.INT
                        ? -1
                        : firstBad(memory.floats(value), 0, value.rows(), value.columns(), memory.stride(value));
                if (bad >= 0) {
                    return "not a finite number: " + value.name() + ", row " + bad / value.columns() + " of "
                            + value.rows() + ", first made by "
                            + step.source().getClass().getSimpleName()
                            + "; lower train.learningRate.peak or train.adamw.clipNorm";
                }
            }
        }
        return "the loss is not a finite number";
    }

    /** The first element that is not finite, counted row by row; -1 if all are. */
    private static int firstBad(Floats values, int from, int rows, int columns, int stride) {
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                if (!Float.isFinite(values.get(from + row * stride + column))) {
                    return row * columns + column;
                }
            }
        }
        return -1;
    }
}
