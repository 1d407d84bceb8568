package io.fathom.engine.cpu;

import org.jspecify.annotations.Nullable;

/** {@link io.fathom.program.Instruction.BinaryCrossEntropyGrad}: lanes share the rows. */
record BinaryCrossEntropyGradStep(
        Floats z, Floats mask, double weight, @Nullable Floats addend, Floats dz) implements Step {
    @Override
    public void run(Lane lane) {
        int to = lane.to(z.length());
        for (int i = lane.from(z.length()); i < to; i++) {
            double sigmoid = 1 / (1 + Math.exp(-z.get(i)));
            double before = addend == null ? 0 : addend.get(i);
            dz.put(i, (float) (before + weight / z.length() * (sigmoid - mask.get(i))));
        }
    }
}
