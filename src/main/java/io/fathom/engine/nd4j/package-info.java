/**
 * The reference engine: runs every instruction by stock ND4J operations on whatever ND4J backend is on the class path.
 *
 * <p>May import config, model, program, engine and ND4J.
 *
 * <p>Promises to be plain rather than fast, in single or double precision; the other engines are measured against it.
 */
@NullMarked
package io.fathom.engine.nd4j;

import org.jspecify.annotations.NullMarked;
