package io.fathom.cluster;

/** Who is told how training goes. */
public interface Progress {
    /** A round of {@code rounds} was committed; {@code secondsLeft} is a guess. */
    void round(RoundMetrics metrics, int rounds, double secondsLeft);

    /** Something the user should know. */
    void say(String line);

    /** Tells nobody. */
    static Progress silent() {
        return new Progress() {
            @Override
            public void round(RoundMetrics metrics, int rounds, double secondsLeft) {}

            @Override
            public void say(String line) {}
        };
    }
}
