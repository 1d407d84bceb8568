package io.fathom.config;

/** {@code fathom.engine}: what runs the compiled step. */
public record EngineConfig(String name, String precision, int threads) implements Checked {
    @Override
    public void check(Problems problems) {
        problems.notBlank(name, "name");
        problems.notBlank(precision, "precision");
        problems.require(threads >= 1 && threads <= MOST_THREADS, "threads", "must lie between 1 and " + MOST_THREADS);
    }

    private static final int MOST_THREADS = 1024;
}
