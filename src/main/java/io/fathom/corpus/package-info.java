/**
 * Text as a model sees it: documents read from files, normalised and tokenised, token shards with their manifest, and
 * the batches drawn from them.
 *
 * <p>May import model, config, the Hadoop client (any file system), Jackson, Parquet and JTokkit; never Spark: the
 * distributed pass that fills a corpus lives in {@code cluster}.
 *
 * <p>Promises that a corpus is a pure function of the text and the settings, that a corpus without its manifest does
 * not exist, that no token of a truncated or damaged shard is ever handed out, and that a batch is a pure function of
 * (seed, worker, step).
 */
@NullMarked
package io.fathom.corpus;

import org.jspecify.annotations.NullMarked;
