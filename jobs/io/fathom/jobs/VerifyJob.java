package io.fathom.jobs;

import io.fathom.config.RunConfig;
import io.fathom.engine.Engine;
import io.fathom.engine.Engines;
import io.fathom.engine.Precision;
import io.fathom.engine.SessionOptions;
import io.fathom.engine.verify.Check;
import io.fathom.engine.verify.ReferenceCase;
import io.fathom.engine.verify.Verification;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Runs the reference cases on this machine: what one runs first on new hardware. */
@Command(
        name = "verify",
        description =
                "Compares this machine's results with independent reference results: losses, logits, chosen tokens, "
                        + "every gradient and ten optimizer steps. Prints each relative error; exit code 1 past a bound.")
final class VerifyJob implements Callable<Integer> {
    @Mixin
    private JobOptions options = new JobOptions();

    @Option(names = "--engine", paramLabel = "E", description = "Engine to verify; short for --set engine.name=E.")
    private Optional<String> engineName = Optional.empty();

    @Option(
            names = "--precision",
            paramLabel = "P",
            description = "float32, float64 (nd4j), tf32 or bf16 (cuda); short for --set engine.precision=P.")
    private Optional<String> precisionName = Optional.empty();

    @Option(
            names = "--case",
            paramLabel = "PATH",
            description = "A case of your own, NAME.json with NAME.safetensors beside it; may be repeated. "
                    + "Without it the shipped cases run.")
    private List<Path> cases = new ArrayList<>();

    @Option(names = "--summary", description = "Print one line a case instead of one a quantity.")
    private boolean summary;

    @Override
    public Integer call() {
        RunConfig config = options.config();
        Engine engine = Engines.named(engineName.orElse(config.engine().name()));
        Precision precision =
                Precision.named(precisionName.orElse(config.engine().precision()), engine);
        SessionOptions session = new SessionOptions(precision, config.engine().threads(), 0);
        System.out.println("computing in " + precision.spelled() + " on " + engine.description());
        List<ReferenceCase> references = cases.isEmpty()
                ? ReferenceCase.SHIPPED.stream().map(ReferenceCase::shipped).toList()
                : cases.stream().map(ReferenceCase::at).toList();
        int failed = 0;
        for (ReferenceCase reference : references) {
            failed += show(reference.name(), Verification.run(reference, engine, session));
        }
        System.out.println(
                failed == 0
                        ? "Every quantity of " + references.size() + " cases lies within its bound."
                        : failed + " quantities lie outside their bound: do not trust results of this engine here.");
        return failed == 0 ? 0 : Fathom.FAILURE;
    }

    /** Prints the checks of one case and returns how many failed. */
    private int show(String name, List<Check> checks) {
        List<Check> failed = checks.stream().filter(check -> !check.passed()).toList();
        for (Check check : summary ? failed : checks) {
            System.out.printf(
                    Locale.ROOT,
                    "  %-24s %-44s %9.2e  %s %.0e%n",
                    name,
                    check.quantity(),
                    check.error(),
                    check.passed() ? "<=" : "ABOVE",
                    check.bound());
        }
        // A bound of zero is for equality: the share of its bound that an error takes says nothing there.
        Check worst = checks.stream()
                .filter(check -> check.bound() > 0)
                .max(Comparator.comparingDouble(check -> check.error() / check.bound()))
                .orElseThrow();
        System.out.printf(
                Locale.ROOT,
                "%-26s %3d of %3d quantities within bounds; nearest to its bound: %s, %.2e of %.0e%n",
                name,
                checks.size() - failed.size(),
                checks.size(),
                worst.quantity(),
                worst.error(),
                worst.bound());
        return failed.size();
    }
}
