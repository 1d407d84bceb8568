/**
 * What runs a program, and what reads tokens: the contracts here, one implementation in each room below.
 *
 * <p>May import config, model, corpus, graph and program; {@code engine.nd4j} and {@code engine.cpu} ND4J and BLAS,
 * {@code engine.cuda} the CUDA bindings and neither of those.
 *
 * <p>Promises that every engine gives the results of every instruction to the bounds of its precision, and on a
 * processor the same bits for the same input.
 */
@NullMarked
package io.fathom.engine;

import org.jspecify.annotations.NullMarked;
