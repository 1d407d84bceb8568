/**
 * What the routers did: traces of single sequences folded into per-layer, per-position and per-token statistics, and
 * what that saved.
 *
 * <p>May import config, model, corpus and the Hadoop client with its Parquet writer; no Spark, no ND4J.
 *
 * <p>Promises pure folds: counts are integers, folds of parts merge into the fold of the whole, and the same parts
 * merged in the same order give the same bits.
 */
@NullMarked
package io.fathom.routing;

import org.jspecify.annotations.NullMarked;
