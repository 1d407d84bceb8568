package io.fathom.checkpoint;

import java.util.Map;

/**
 * The file that makes a directory a checkpoint; written last.
 *
 * @param format always {@code fathom-checkpoint}
 * @param version of the format
 * @param round of the checkpoint
 * @param files length and CRC32C of every other file, by name
 */
record Manifest(String format, int version, int round, Map<String, FileSum> files) {
    static final String FORMAT = "fathom-checkpoint";
    static final int VERSION = 1;
}
