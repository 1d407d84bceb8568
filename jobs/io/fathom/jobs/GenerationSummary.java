package io.fathom.jobs;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.decode.Generation;
import java.util.Locale;

/** What a generated text cost, beside what the dense model would have: a few lines for the console. */
final class GenerationSummary {
    private GenerationSummary() {}

    /** The lines; {@code where} is what it was computed on. */
    static String of(Generation generation, Checkpoint checkpoint, String where) {
        Generation.Cost cost = generation.cost();
        String ended = generation.end() == Generation.End.END_OF_TEXT ? ", ended by itself" : "";
        String slides = cost.slides() == 0
                ? ""
                : String.format(
                        Locale.ROOT,
                        "context        full %d times: the newer half of its %d tokens was read again%n",
                        cost.slides(),
                        checkpoint.spec().context());
        return String.format(
                        Locale.ROOT,
                        "tokens         %d new after a prompt of %d%s, from round %d%n",
                        cost.newTokens(),
                        cost.promptTokens(),
                        ended,
                        checkpoint.round())
                + String.format("computed on    %s%n", where)
                + String.format(
                        Locale.ROOT,
                        "speed          %.1f new tokens/s; prompt read in %.2f s%n",
                        cost.tokensPerSecond(),
                        cost.promptSeconds())
                + String.format(
                        Locale.ROOT,
                        "depth          %.2f of %d blocks a token%n",
                        cost.meanDepth(),
                        checkpoint.spec().blocks())
                + against("keys, values", "bytes", (double) cost.cacheBytes(), (double) cost.denseCacheBytes())
                + against("compute", "FLOPs a token", cost.flopsPerToken(), cost.denseFlopsPerToken())
                + slides;
    }

    private static String against(String what, String unit, double value, double dense) {
        return String.format(
                Locale.ROOT, "%-14s %,.0f %s, dense %,.0f: %.1f %%%n", what, value, unit, dense, 100 * value / dense);
    }
}
