package io.fathom.engine.cpu;

import org.jspecify.annotations.Nullable;

/** {@link io.fathom.program.Instruction.MeanSquareGrad}: lanes share the rows. */
record MeanSquareGradStep(Floats z, double weight, @Nullable Floats addend, Floats dz) implements Step {
    @Override
    public void run(Lane lane) {
        int to = lane.to(z.length());
        for (int i = lane.from(z.length()); i < to; i++) {
            double before = addend == null ? 0 : addend.get(i);
            dz.put(i, (float) (before + 2 * weight / z.length() * z.get(i)));
        }
    }
}
