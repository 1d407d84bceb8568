package io.fathom.jobs;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.CheckpointStore;
import io.fathom.checkpoint.RunDirectory;
import io.fathom.config.RunConfig;
import io.fathom.corpus.Tokenizers;
import io.fathom.graph.ModelFile;
import io.fathom.graph.weights.WeightExport;
import io.fathom.graph.weights.Weights;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.spark.SparkConf;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Writes a checkpoint's weights for other programs: safetensors with config.json, and a plain SameDiff file. */
@Command(
        name = "export",
        description =
                "Writes the weights of a checkpoint as model.safetensors with config.json, and as model.fb for DL4J"
                        + " programs. The Hugging Face library loads a dense model's files as GPT-2.")
final class ExportJob implements Callable<Integer> {
    @Mixin
    private JobOptions options = new JobOptions();

    @Option(names = "--to", paramLabel = "DIR", description = "Where to, any Hadoop path (default RUN/model).")
    private Optional<String> to = Optional.empty();

    @Option(names = "--round", paramLabel = "N", description = "The round to export; the newest checkpoint otherwise.")
    private Optional<Integer> round = Optional.empty();

    @Override
    public Integer call() throws IOException {
        RunConfig config = options.configOfRun();
        RunDirectory run = options.runDirectory(config);
        RunDirectory target =
                new RunDirectory(SparkContexts.hadoop(new SparkConf()), to.orElse(config.run() + "/model"));
        CheckpointStore store = new CheckpointStore(run);
        Checkpoint checkpoint = round.map(store::read).orElseGet(store::newest);
        Weights weights = new Weights(checkpoint.spec(), checkpoint.parameters());
        int endOfText = Tokenizers.named(config.corpus().tokenizer()).endOfText();

        Path scratch = Files.createTempDirectory("export");
        Path tensors = scratch.resolve("model.safetensors");
        Path graph = scratch.resolve("model.fb");
        try {
            try (OutputStream out = Files.newOutputStream(tensors)) {
                WeightExport.writeTensors(weights, out);
            }
            target.copy(tensors, "model.safetensors");
            target.write("config.json", WeightExport.config(weights, endOfText));
            boolean graphs = ModelFile.holds(weights.spec());
            if (graphs) {
                ModelFile.write(weights.spec(), weights.parameters(), graph);
                target.copy(graph, "model.fb");
            }
            System.out.println("round " + checkpoint.round() + " of " + run.path() + " is in " + target.path()
                    + ": model.safetensors, config.json"
                    + (graphs ? ", model.fb" : "; no model.fb, whose format ends at 1 GiB"));
        } finally {
            Files.deleteIfExists(tensors);
            Files.deleteIfExists(graph);
            Files.delete(scratch);
        }
        return 0;
    }
}
