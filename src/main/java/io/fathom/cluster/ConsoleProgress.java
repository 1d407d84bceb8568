package io.fathom.cluster;

import java.io.PrintStream;
import java.util.Locale;

/** Progress on a terminal as one line that renews itself, elsewhere as a line every few seconds. */
public final class ConsoleProgress implements Progress {
    private static final long INTERVAL_NANOS = 5_000_000_000L;

    private final String name;
    private final PrintStream out;
    private final boolean terminal;
    private long shown = System.nanoTime() - INTERVAL_NANOS;
    private boolean open;

    /**
     * @param name of the run, at the beginning of each line
     * @param terminal whether {@code out} is a terminal
     */
    public ConsoleProgress(String name, PrintStream out, boolean terminal) {
        this.name = name;
        this.out = out;
        this.terminal = terminal;
    }

    /** On standard output. */
    @SuppressWarnings("SystemConsoleNull") // this build is for JDK 17, where null means redirected
    public static ConsoleProgress standard(String name) {
        return new ConsoleProgress(name, System.out, System.console() != null);
    }

    @Override
    public synchronized void round(RoundMetrics metrics, int rounds, double secondsLeft) {
        boolean last = metrics.round() == rounds;
        boolean due = System.nanoTime() - shown >= INTERVAL_NANOS;
        if (terminal) {
            out.print("\r" + line(metrics, rounds, secondsLeft) + "\u001b[K");
            open = true;
            if (last) {
                closeLine();
            }
            out.flush();
        } else if (last || due) {
            out.println(line(metrics, rounds, secondsLeft));
            shown = System.nanoTime();
        }
    }

    private String line(RoundMetrics metrics, int rounds, double secondsLeft) {
        String validation = metrics.validationLoss().isPresent()
                ? String.format(
                        Locale.ROOT,
                        "  validation %.4f",
                        metrics.validationLoss().getAsDouble())
                : "";
        return String.format(
                Locale.ROOT,
                "%s  round %d/%d  loss %.4f%s  %,.0f tokens/s  ETA %s",
                name,
                metrics.round(),
                rounds,
                metrics.loss(),
                validation,
                metrics.tokensPerSecond(),
                duration(secondsLeft));
    }

    static String duration(double seconds) {
        long s = Math.round(seconds);
        return s < 3600
                ? String.format(Locale.ROOT, "%d:%02d", s / 60, s % 60)
                : String.format(Locale.ROOT, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
    }

    @Override
    public synchronized void say(String line) {
        closeLine();
        out.println(line);
    }

    private void closeLine() {
        if (open) {
            out.println();
            open = false;
        }
    }
}
