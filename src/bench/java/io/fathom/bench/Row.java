package io.fathom.bench;

import io.fathom.model.Batch;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** One row of the table: a model and a batch; 4 blocks, byte vocabulary. */
public record Row(String name, ModelSpec spec, int sequences, double goal) {
    static final List<Row> ALL = List.of(
            row("dense-128", 128, 128, 8, false, 0.75),
            row("mod-128", 128, 128, 8, true, 0.65),
            row("dense-256", 256, 256, 8, false, 0.85),
            row("mod-256", 256, 256, 8, true, 0.75),
            row("dense-1024", 1024, 256, 2, false, 0.75),
            row("mod-1024", 1024, 256, 2, true, 0.75));

    private static Row row(String name, int context, int width, int sequences, boolean routed, double goal) {
        Routing routing = routed ? new Routing.ExpertChoice(2, 1, 0.125, Gate.SIGMOID, 0, false) : new Routing.Dense();
        return new Row(name, new ModelSpec(256, context, width, 4, 4, routing), sequences, goal);
    }

    public static Row named(String name) {
        return ALL.stream()
                .filter(row -> row.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no row " + name + "; rows: "
                        + ALL.stream().map(Row::name).toList()));
    }

    public float[] parameters() {
        return ParameterLayout.of(spec).initial(spec, 1);
    }

    /** The batch in {@code workers} equal parts. */
    public List<Batch> batches(int workers) {
        SplittableRandom random = new SplittableRandom(2);
        List<Batch> parts = new ArrayList<>();
        for (int w = 0; w < workers; w++) {
            int[][] windows = new int[sequences / workers][];
            for (int b = 0; b < windows.length; b++) {
                windows[b] =
                        random.ints(spec.context() + 1, 0, spec.vocabulary()).toArray();
            }
            parts.add(Batch.ofWindows(windows));
        }
        return parts;
    }
}
