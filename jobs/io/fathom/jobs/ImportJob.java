package io.fathom.jobs;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.CheckpointStore;
import io.fathom.checkpoint.CheckpointWriter;
import io.fathom.checkpoint.Claim;
import io.fathom.checkpoint.RunDirectory;
import io.fathom.checkpoint.Start;
import io.fathom.checkpoint.TrainingProgress;
import io.fathom.config.ConfigReader;
import io.fathom.config.ConfigWriter;
import io.fathom.config.RunConfig;
import io.fathom.config.UserError;
import io.fathom.corpus.Tokenizer;
import io.fathom.corpus.Tokenizers;
import io.fathom.graph.weights.Gpt2Import;
import io.fathom.graph.weights.Gpt2Vocabulary;
import io.fathom.graph.weights.LocalFiles;
import io.fathom.graph.weights.Weights;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Makes a run of somebody else's weights: a checkpoint of round 0 that train, generate and evaluate take. */
@Command(
        name = "import",
        description =
                "Reads a GPT-2 checkpoint (config.json and model.safetensors, sharded or not) into a new run, as it is"
                        + " or as the start of a model that routes. Go on with train --resume --run RUN --config RUN/config.conf.")
final class ImportJob implements Callable<Integer> {
    @Mixin
    private JobOptions options = new JobOptions();

    @Option(names = "--from", paramLabel = "DIR", required = true, description = "The checkpoint's directory, local.")
    private String from = "";

    @Option(
            names = "--route",
            description = "Start a model that routes as model.routing says: routers are fresh, the rest is imported.")
    private boolean route;

    @Override
    public Integer call() {
        RunConfig config = options.config();
        RunDirectory run = options.runDirectory(config);
        CheckpointStore store = new CheckpointStore(run);
        if (!store.list().isEmpty()) {
            throw new UserError(run.path() + ": holds a run already, trained to round "
                    + store.newest().round() + "; give another --run");
        }
        Claim.unended(run).ifPresent(other -> {
            throw new UserError(run.path() + ": is the run of " + other
                    + ", which has saved nothing and not ended; delete that directory if it was killed, or give another"
                    + " --run");
        });
        LocalFiles files = new LocalFiles(Path.of(from));
        Weights weights = Gpt2Import.read(files);
        Optional<Tokenizer> tokenizer = Tokenizers.ofVocabulary(weights.spec().vocabulary());
        boolean confirmed = tokenizer.isPresent() && Gpt2Vocabulary.confirms(files, tokenizer.get());
        if (route) {
            ModelSpec routed = config.model().spec(weights.spec().vocabulary());
            weights = Gpt2Import.withRouting(weights, routed.routing(), config.seed());
        }
        RunConfig imported = ConfigReader.read(List.of(
                ConfigReader.settings(settings(weights.spec(), tokenizer), "import"),
                ConfigReader.parse(ConfigWriter.render(config), "import")));

        TrainingProgress start = new TrainingProgress(
                0, config.seed(), Collections.nCopies(config.train().workers(), 0L), 0, 0, 0);
        try (Claim claim = Claim.take(run, Start.now(""))) {
            CheckpointWriter writer = new CheckpointWriter(claim);
            writer.begin(0);
            writer.publish(new Checkpoint(weights.spec(), weights.parameters(), Optional.empty(), start), List.of(), 1);
            run.write("config.conf", ConfigWriter.render(imported));
        }
        System.out.printf(
                Locale.ROOT,
                "%,d parameters, %d blocks, routed %s, %s%n%s%n",
                ParameterLayout.of(weights.spec()).parameterCount(),
                weights.spec().blocks(),
                weights.spec().routedBlocks(),
                tokenizer
                        .map(known -> "tokenizer " + known.name()
                                + (confirmed ? ", token by token" : ", by the number of its tokens alone"))
                        .orElse("no tokenizer here has its " + weights.spec().vocabulary()
                                + " tokens: it can neither learn from text nor write any"),
                run.path());
        return 0;
    }

    /** What of the configuration the imported model decides. */
    private static Map<String, String> settings(ModelSpec spec, Optional<Tokenizer> tokenizer) {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("model.context", String.valueOf(spec.context()));
        settings.put("model.width", String.valueOf(spec.width()));
        settings.put("model.heads", String.valueOf(spec.heads()));
        settings.put("model.blocks", String.valueOf(spec.blocks()));
        settings.put("model.routing.kind", "dense");
        if (spec.routing() instanceof Routing.Routed routing) {
            settings.put("model.routing.kind", "random");
            settings.put("model.routing.every", String.valueOf(routing.every()));
            settings.put("model.routing.offset", String.valueOf(routing.offset()));
            settings.put("model.routing.capacity", String.valueOf(routing.capacity()));
            settings.put("model.routing.gate", routing.gate().name().toLowerCase(Locale.ROOT));
        }
        if (spec.routing() instanceof Routing.ExpertChoice choice) {
            settings.put("model.routing.kind", "expert-choice");
            settings.put("model.routing.auxWeight", String.valueOf(choice.auxWeight()));
            settings.put("model.routing.zWeight", String.valueOf(choice.zWeight()));
            settings.put("model.routing.predictor", String.valueOf(choice.predictor()));
        }
        if (spec.routing() instanceof Routing.TokenChoice choice) {
            settings.put("model.routing.kind", "token-choice");
            settings.put("model.routing.balanceWeight", String.valueOf(choice.balanceWeight()));
            settings.put("model.routing.zWeight", String.valueOf(choice.zWeight()));
        }
        tokenizer.ifPresent(known -> settings.put("corpus.tokenizer", known.name()));
        return settings;
    }
}
