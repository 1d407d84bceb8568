package io.fathom.jobs;

import io.fathom.config.ConfigReader;
import io.fathom.config.ConfigWriter;
import io.fathom.config.RunConfig;
import io.fathom.corpus.Corpus;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import io.fathom.program.ProgramListing;
import io.fathom.program.Programs;
import io.fathom.train.Budget;
import io.fathom.train.CapacitySchedule;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a training run comes to before it begins: its rounds, its stages, its compiled step. */
final class TrainingPlan {
    private TrainingPlan() {}

    /** {@code config} with the rounds that {@code train.flops}, where it is given, pays for. */
    static RunConfig of(RunConfig config, ModelSpec spec) {
        int rounds = new Budget(spec, config.train()).rounds();
        return with("train.rounds", Integer.toString(rounds), "train.flops", config);
    }

    /** {@code config} with the tokenizer of {@code corpus}: what decides which tokens the model will know. */
    static RunConfig on(Corpus corpus, RunConfig config) {
        return with("corpus.tokenizer", corpus.tokenizer().name(), "corpus.path", config);
    }

    private static RunConfig with(String key, String value, String source, RunConfig config) {
        return ConfigReader.read(List.of(
                ConfigReader.settings(Map.of(key, value), source),
                ConfigReader.parse(ConfigWriter.render(config), "train")));
    }

    /** How many rounds, in words. */
    static String rounds(int rounds) {
        return rounds == 1 ? "1 round" : rounds + " rounds";
    }

    /** Prints the compiled step, the stages of the capacity and what the run costs. */
    static void explain(RunConfig asked, ModelSpec spec) {
        RunConfig config = of(asked, spec);
        CapacitySchedule schedule = CapacitySchedule.of(config.train().capacitySchedule());
        int sequences = config.train().batch() / config.train().microBatches();
        System.out.println(ProgramListing.of(Programs.training(spec, sequences)));
        ModelSpec before = null;
        for (int round = 1;
                round <= Math.min(schedule.rounds() + 1, config.train().rounds());
                round++) {
            ModelSpec stage = schedule.at(spec, round);
            if (!stage.equals(before) && stage.routing() instanceof Routing.Routed routed) {
                System.out.printf(
                        Locale.ROOT,
                        "from round %d: capacity %.4f, %d of %d tokens of a sequence, %.3f GFLOP a micro-batch%n",
                        round,
                        routed.capacity(),
                        routed.selected(stage.context()),
                        stage.context(),
                        Programs.training(stage, sequences).flops() / 1e9);
            }
            before = stage;
        }
        System.out.printf(
                Locale.ROOT,
                "%s, %.4g training FLOPs%n",
                rounds(config.train().rounds()),
                new Budget(spec, config.train()).flops());
    }
}
