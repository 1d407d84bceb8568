package io.fathom.jobs;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.CheckpointStore;
import io.fathom.checkpoint.RunDirectory;
import io.fathom.config.RunConfig;
import io.fathom.config.UserError;
import io.fathom.corpus.Tokenizer;
import io.fathom.corpus.Tokenizers;
import io.fathom.decode.CausalRule;
import io.fathom.decode.Decoder;
import io.fathom.decode.DepthText;
import io.fathom.decode.Generation;
import io.fathom.decode.Generator;
import io.fathom.decode.Sampling;
import io.fathom.decode.evaluation.Thresholds;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Writes on from a prompt with the newest checkpoint of a run, and tells what each token cost. */
@Command(
        name = "generate",
        description =
                "Writes on from a prompt with a trained model, computing only the blocks each token is routed to.")
final class GenerateJob implements Callable<Integer> {
    private static final String PAGE = "generate.html";

    @Mixin
    private JobOptions options = new JobOptions();

    @Option(
            names = "--prompt",
            paramLabel = "TEXT",
            description = "What to go on from; empty: the start of a document.")
    private String prompt = "";

    @Option(names = "--max-tokens", paramLabel = "N", description = "Tokens to write at most (default 200).")
    private int maxTokens = 200;

    @Option(
            names = "--temperature",
            paramLabel = "T",
            description = "Divides the logits; 0 takes the likeliest token (default 0.8).")
    private double temperature = 0.8;

    @Option(names = "--top-k", paramLabel = "K", description = "Choose among the K likeliest tokens.")
    private Optional<Integer> topK = Optional.empty();

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "Choose among the likeliest tokens that hold this share of the probability (default 1).")
    private double topP = 1;

    @Option(names = "--seed", paramLabel = "SEED", description = "Same seed, same text; the run's seed otherwise.")
    private Optional<Long> seed = Optional.empty();

    @Option(
            names = "--routing",
            paramLabel = "RULE",
            description = "predictor or router: what decides a token's route; the predictor where the model has one.")
    private Optional<String> routing = Optional.empty();

    @Option(
            names = "--calibrated",
            description = "Use the thresholds that the evaluate job calibrated to hold the capacity, instead of 0.")
    private boolean calibrated;

    @Option(
            names = "--explain-routing",
            description = "Show the text coloured by depth, and write it to RUN/" + PAGE + ".")
    private boolean explain;

    @Override
    public Integer call() {
        RunConfig config = options.configOfRun();
        RunDirectory run = options.runDirectory(config);
        Checkpoint checkpoint = new CheckpointStore(run).newest();
        Tokenizer tokenizer = Tokenizers.named(config.corpus().tokenizer());
        CausalRule rule = rule(run, checkpoint);
        OptionalInt likeliest = topK.map(OptionalInt::of).orElseGet(OptionalInt::empty);
        Sampling sampling = new Sampling(temperature, likeliest, topP, seed.orElse(config.seed()));
        try (TextReader text = TextReader.of(config, checkpoint)) {
            write(new Generator(new Decoder(text.reader(), rule), tokenizer), sampling, run, checkpoint, text.line());
        }
        return 0;
    }

    private void write(Generator generator, Sampling sampling, RunDirectory run, Checkpoint checkpoint, String where) {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        out.print(prompt);
        Generation generation = generator.generate(prompt, maxTokens, sampling, piece -> {
            out.print(piece);
            out.flush();
        });
        out.println();
        out.println();
        out.print(GenerationSummary.of(generation, checkpoint, where));
        if (explain) {
            DepthText text = new DepthText(checkpoint.spec().blocks(), generation.tokens());
            run.write(PAGE, text.html());
            out.println();
            out.println(text.terminal());
            out.println("page: " + run.path(PAGE));
        }
    }

    private CausalRule rule(RunDirectory run, Checkpoint checkpoint) {
        if (checkpoint.spec().routedBlocks().isEmpty() && (calibrated || routing.isPresent())) {
            throw new UserError((calibrated ? "--calibrated" : "--routing") + ": this model is dense, every token takes"
                    + " every block; leave it out");
        }
        CausalRule rule = routing.map(name -> CausalRule.of(CausalRule.Signal.named(name)))
                .orElseGet(() -> CausalRule.of(checkpoint.spec()));
        rule.requireFor(checkpoint.spec());
        return calibrated
                ? rule.withThresholds(Thresholds.read(run, checkpoint.round()).of(rule.signal()))
                : rule;
    }
}
