/**
 * Training on one machine: the learning-rate schedule and {@link io.fathom.train.LocalTrainer}, which makes H steps on
 * one session.
 *
 * <p>May import config, model, corpus, graph, program and engine; not Spark.
 *
 * <p>Promises that the same parameters, moments, batches and step number give the same result, bit for bit, whatever
 * session ran before, and that nothing comes out of a round whose loss or gradient stopped being finite.
 */
@NullMarked
package io.fathom.train;

import org.jspecify.annotations.NullMarked;
