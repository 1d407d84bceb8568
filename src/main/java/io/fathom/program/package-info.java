/**
 * The compiler: reads a SameDiff graph into a short list of typed instructions, differentiates, orders and plans
 * memory.
 *
 * <p>May import config, model, corpus, graph and, in the reader alone, ND4J.
 *
 * <p>Promises that a {@link io.fathom.program.Program} is plain data: no arrays, no ND4J types, printable, the same for
 * the same graph.
 */
@NullMarked
package io.fathom.program;

import org.jspecify.annotations.NullMarked;
