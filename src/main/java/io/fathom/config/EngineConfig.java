package io.fathom.config;

/** {@code fathom.engine}: what runs the compiled step. */
public record EngineConfig(String name, String precision, int threads) {}
