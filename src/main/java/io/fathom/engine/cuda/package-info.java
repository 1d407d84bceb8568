/**
 * The fast device engine: a whole step (forward, backward, clipping, AdamW) as one CUDA graph on an NVIDIA GPU, and so
 * is a pass that reads tokens.
 *
 * <p>May import model, config, program, engine and the CUDA bindings; knows neither ND4J nor Spark.
 *
 * <p>Promises that nothing of CUDA is loaded before an engine is asked for, that the same input gives the same bits on
 * the same GPU and libraries, and that a machine which cannot run it says what is missing.
 */
@NullMarked
package io.fathom.engine.cuda;

import org.jspecify.annotations.NullMarked;
