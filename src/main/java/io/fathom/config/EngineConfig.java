package io.fathom.config;

/** {@code fathom.engine}: what runs the compiled step. */
public record EngineConfig(String name, String precision, int threads) implements Checked {
    @Override
    public void check(Problems problems) {
        problems.notBlank(name, "name");
        problems.notBlank(precision, "precision");
        problems.atLeast(1, threads, "threads");
    }
}
