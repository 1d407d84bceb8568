/**
 * Checkpoints: a round's whole state in one directory, in a format with headers and checksums, published whole or not
 * at all.
 *
 * <p>May import every room up to average, the Hadoop client and Jackson; not Spark.
 *
 * <p>Promises that what {@link io.fathom.checkpoint.CheckpointStore} lists is complete, that what it reads is what was
 * written, that a crash at any moment leaves the checkpoints before it as they were, and that of two starts in one run
 * directory the newest alone goes on writing.
 */
@NullMarked
package io.fathom.checkpoint;

import org.jspecify.annotations.NullMarked;
