package io.fathom.engine.cuda;

import io.fathom.engine.AdamW;
import io.fathom.engine.Precision;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.model.Batch;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import io.fathom.program.Program;
import io.fathom.program.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * Trains the 10M MoD model and its dense twin on the bytes of a text at equal FLOPs, on one GPU, and prints both loss
 * curves as CSV. Arguments: text file, steps of the dense twin.
 */
public final class TextRun {
    private static final int SEQUENCES = 16;
    private static final int VALIDATION_BATCHES = 24;

    private TextRun() {}

    public static void main(String[] arguments) throws IOException {
        byte[] text = Files.readAllBytes(Path.of(arguments[0]));
        int denseSteps = Integer.parseInt(arguments[1]);
        Routing routing = new Routing.ExpertChoice(2, 1, 0.125, Gate.SIGMOID, 0.01, true);
        ModelSpec mod = new ModelSpec(257, 256, 384, 6, 6, routing);
        double ratio = (double) Programs.training(mod.dense(), SEQUENCES).flops()
                / Programs.training(mod, SEQUENCES).flops();
        System.out.println("model,step,exaflops,seconds,training_ce,validation_ce");
        train("dense", mod.dense(), text, denseSteps);
        train("mod", mod, text, (int) (denseSteps * ratio));
    }

    private static void train(String name, ModelSpec spec, byte[] text, int steps) {
        SessionOptions options = SessionOptions.DEFAULT.withPrecision(Precision.BF16);
        Program program = Programs.training(spec, SEQUENCES);
        int split = text.length * 9 / 10;
        float[] theta = program.layout().initial(spec, 1);
        SplittableRandom random = new SplittableRandom(1);
        try (Session training = new CudaEngine().open(program, options);
                Session scoring = new CudaEngine().open(Programs.inference(spec, SEQUENCES), options)) {
            training.write(Session.Vector.PARAMETERS, theta);
            long begin = System.nanoTime();
            double ce = 0;
            int counted = 0;
            for (int step = 1; step <= steps; step++) {
                training.clearGradient();
                training.run(batch(text, 0, split, spec.context(), random));
                double cosine = 0.5 * (1 + Math.cos(Math.PI * step / steps));
                double rate = (1e-4 + 9e-4 * cosine) * Math.min(1, step / 200.0);
                training.update(new AdamW(step, rate, 0.9, 0.95, 1e-8, 0.1, 1.0, 1.0));
                if (step % 50 == 0) {
                    ce += training.scalar("ce");
                    counted++;
                }
                if (step % Math.max(1, steps / 20) == 0) {
                    double seconds = (System.nanoTime() - begin) / 1e9;
                    training.read(Session.Vector.PARAMETERS, theta);
                    scoring.write(Session.Vector.PARAMETERS, theta);
                    SplittableRandom held = new SplittableRandom(2);
                    double validation = 0;
                    for (int i = 0; i < VALIDATION_BATCHES; i++) {
                        scoring.run(batch(text, split, text.length, spec.context(), held));
                        validation += scoring.scalar("ce") / VALIDATION_BATCHES;
                    }
                    System.out.printf(
                            Locale.ROOT,
                            "%s,%d,%.5f,%.1f,%.4f,%.4f%n",
                            name,
                            step,
                            step * (double) program.flops() / 1e18,
                            seconds,
                            ce / Math.max(1, counted),
                            validation);
                    ce = 0;
                    counted = 0;
                }
            }
        }
    }

    private static Batch batch(byte[] text, int from, int to, int length, SplittableRandom random) {
        int[][] windows = new int[SEQUENCES][length + 1];
        for (int[] window : windows) {
            int start = random.nextInt(from, to - length - 1);
            for (int i = 0; i <= length; i++) {
                window[i] = text[start + i] & 0xff;
            }
        }
        return Batch.ofWindows(windows);
    }
}
