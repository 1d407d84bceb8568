package io.fathom.commands;

import java.util.Set;

/** Flags that submit.sh takes itself or hands to spark-submit. */
final class SparkFlags {
    static final Set<String> ALL = Set.of(
            "--dry-run",
            "--master",
            "--deploy-mode",
            "--conf",
            "--jars",
            "--files",
            "--properties-file",
            "--num-executors",
            "--executor-memory",
            "--executor-cores",
            "--total-executor-cores",
            "--driver-memory");

    private SparkFlags() {}
}
