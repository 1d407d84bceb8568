package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.cudart.*;

import io.fathom.program.Instruction;
import io.fathom.program.Instruction.MatMul;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUstream_st;

/**
 * Where the time of a step goes: each kind of step captured alone, several times over, and timed by device events.
 * Neighbours do not overlap and small data stays in the cache, so the sum is near the whole step, not equal to it.
 */
final class StepProfile {
    private final CUstream_st stream;
    private final int repeats;
    private final Map<String, double[]> kinds = new LinkedHashMap<>();

    StepProfile(CUstream_st stream, int repeats) {
        this.stream = stream;
        this.repeats = repeats;
    }

    /** Times {@code enqueue}, which counts for all of its {@code kind}, {@code flops} each. */
    void add(String kind, long flops, Runnable enqueue) {
        double[] total = kinds.computeIfAbsent(kind, k -> new double[4]);
        if (total[0] == 0) {
            total[3] = millis(stream, repeats, enqueue);
        }
        total[0]++;
        total[1] += total[3];
        total[2] += flops;
    }

    /** Milliseconds of one {@code enqueue} among {@code repeats} in a graph. */
    static double millis(CUstream_st stream, int repeats, Runnable enqueue) {
        enqueue.run();
        CUevent_st begin = new CUevent_st();
        CUevent_st end = new CUevent_st();
        float[] elapsed = new float[1];
        Cuda.check(cudaEventCreate(begin), "cudaEventCreate");
        Cuda.check(cudaEventCreate(end), "cudaEventCreate");
        try (StepGraph graph = StepGraph.capture(stream, () -> {
            for (int i = 0; i < repeats; i++) {
                enqueue.run();
            }
        })) {
            graph.launch(stream);
            Cuda.check(cudaEventRecord(begin, stream), "cudaEventRecord");
            graph.launch(stream);
            Cuda.check(cudaEventRecord(end, stream), "cudaEventRecord");
            Cuda.check(cudaStreamSynchronize(stream), "profile");
            Cuda.check(cudaEventElapsedTime(elapsed, begin, end), "cudaEventElapsedTime");
        }
        cudaEventDestroy(begin);
        cudaEventDestroy(end);
        return elapsed[0] / repeats;
    }

    /** What a step is called: its instruction and the shape that sets its cost. */
    static String kind(Step step) {
        Instruction i = step.instruction();
        String name = i.getClass().getSimpleName()
                + (step.then() == null ? "" : "+" + step.then().getClass().getSimpleName())
                + (step.sum() == null ? "" : "+ColumnSum");
        if (i instanceof MatMul m) {
            return String.format(
                    Locale.ROOT,
                    "%s %s%s %dx%dx%d%s%s",
                    name,
                    m.transposeA() ? "T" : "N",
                    m.transposeB() ? "T" : "N",
                    m.c().rows(),
                    m.c().columns(),
                    m.inner(),
                    m.bias() == null ? "" : " bias",
                    m.addend() == null ? "" : " addend");
        }
        return name + " " + i.reads().get(0).rows() + "x" + i.reads().get(0).columns();
    }

    /** One line a kind, the costliest first, and the sum. */
    List<String> lines() {
        List<String> lines = new ArrayList<>();
        kinds.entrySet().stream()
                .sorted(Comparator.comparingDouble(e -> -e.getValue()[1]))
                .forEach(e -> lines.add(String.format(
                        Locale.ROOT,
                        "%8.3f ms  %3.0f x %8.2f us %6.0f TFLOP/s  %s",
                        e.getValue()[1],
                        e.getValue()[0],
                        e.getValue()[3] * 1e3,
                        e.getValue()[2] / e.getValue()[1] / 1e9,
                        e.getKey())));
        lines.add(String.format(
                Locale.ROOT,
                "%8.3f ms in all",
                kinds.values().stream().mapToDouble(t -> t[1]).sum()));
        return lines;
    }
}
