/**
 * The processor's engine: matrix products by oneDNN (OpenBLAS where that has no kernels), everything else by row
 * kernels in Java that the JVM compiles to vector code.
 *
 * <p>May import config, model, program, engine and the JavaCPP bindings of oneDNN and OpenBLAS; no ND4J.
 *
 * <p>Promises a step that allocates nothing, the same bits for the same input and thread count, and one thread a
 * session unless asked for more.
 */
@NullMarked
package io.fathom.engine.cpu;

import org.jspecify.annotations.NullMarked;
