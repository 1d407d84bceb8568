package io.fathom.engine.cpu;

import org.jspecify.annotations.Nullable;

/**
 * {@link io.fathom.program.Instruction.LayerNormGrad}: lanes share the rows and sum dGain and dBias in their partials,
 * at {@code atGain} and {@code atBias}.
 */
record LayerNormGradStep(
        Floats x,
        Floats gain,
        Floats mean,
        Floats rstd,
        Floats dy,
        @Nullable Floats addend,
        Floats dx,
        int atGain,
        int atBias,
        int rows,
        int width)
        implements Step {
    @Override
    public void run(Lane lane) {
        int block = Lane.rowsOfBlock(width);
        int to = lane.to(rows);
        gain.get(0, lane.c, width);
        for (int row = lane.from(rows); row < to; row += block) {
            int n = Math.min(block, to - row);
            x.get(row * width, lane.a, n * width);
            dy.get(row * width, lane.b, n * width);
            for (int i = 0; i < n; i++) {
                differentiate(lane, i * width, mean.get(row + i), rstd.get(row + i));
            }
            if (addend != null) {
                addend.get(row * width, lane.a, n * width);
                Vectors.add(lane.b, 0, lane.a, 0, n * width);
            }
            dx.put(row * width, lane.b, n * width);
        }
    }

    /** Row at {@code at}: x in a, dy in b; leaves dx in b. */
    private void differentiate(Lane lane, int at, float m, float r) {
        float[] a = lane.a;
        float[] b = lane.b;
        float[] gains = lane.c;
        for (int i = 0; i < width; i++) {
            a[at + i] = (a[at + i] - m) * r;
        }
        float[] partials = lane.partials;
        for (int i = 0; i < width; i++) {
            partials[atGain + i] = Math.fma(b[at + i], a[at + i], partials[atGain + i]);
        }
        for (int i = 0; i < width; i++) {
            partials[atBias + i] += b[at + i];
        }
        for (int i = 0; i < width; i++) {
            b[at + i] *= gains[i];
        }
        float meanU = Vectors.sum(b, at, at + width) / width;
        float meanUx = Vectors.dot(a, at, b, at, width) / width;
        for (int i = 0; i < width; i++) {
            b[at + i] = r * (b[at + i] - meanU - a[at + i] * meanUx);
        }
    }
}
