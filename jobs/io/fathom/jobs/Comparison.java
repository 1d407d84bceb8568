package io.fathom.jobs;

import io.fathom.cluster.TrainingSummary;
import io.fathom.corpus.CorpusManifest;
import io.fathom.model.Flops;
import java.util.Locale;

/** The demo's table: what a routed model and its dense twin reached for the same training FLOPs. */
final class Comparison {
    private Comparison() {}

    /** Prints the table; {@code flops} are the routed model's. */
    static void print(Flops flops, TrainingSummary routed, TrainingSummary dense, CorpusManifest corpus) {
        System.out.printf("%n%-34s %14s %14s%n", "", "MoD", "dense twin");
        row("parameters", "%,14d", routed.parameters(), dense.parameters());
        row("training FLOPs", "%14.3e", routed.flops(), dense.flops());
        row("tokens learnt from", "%,14d", routed.tokens(), dense.tokens());
        row("training tokens/s", "%,14.0f", routed.tokensPerSecond(), dense.tokensPerSecond());
        row(
                "forward FLOPs a token",
                "%,14.0f",
                flops.forwardPerToken(),
                flops.denseTwin().forwardPerToken());
        row("forward FLOPs saved, %", "%14.1f", 100 * flops.savedShare(), 0.0);
        row("validation loss, nats a token", "%14.4f", routed.validationLoss(), dense.validationLoss());
        row("validation loss, bits a byte", "%14.4f", routed.bitsPerByte(), dense.bitsPerByte());
        System.out.printf(
                Locale.ROOT,
                "Order-0 entropy of the corpus: %.4f nats a token, the loss of knowing only how often each token comes.%n",
                corpus.entropyNatsPerToken());
    }

    private static void row(String what, String format, Object routed, Object dense) {
        System.out.printf(Locale.ROOT, "%-34s " + format + " " + format + "%n", what, routed, dense);
    }
}
