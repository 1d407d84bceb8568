/**
 * How well a model does under top-k and under each causal rule, and how well the rules foretell top-k.
 *
 * <p>May import config, model, checkpoint, routing and decode.
 *
 * <p>Promises pure folds over sequences: the same figures however the sequences are cut into parts that are merged in
 * order.
 */
@NullMarked
package io.fathom.decode.evaluation;

import org.jspecify.annotations.NullMarked;
