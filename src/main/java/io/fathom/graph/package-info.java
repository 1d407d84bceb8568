/**
 * Models as DL4J SameDiff graphs, and their weights in files that others read and write.
 *
 * <p>May import config, model, corpus, ND4J and Jackson; it is the only builder of SameDiff operations.
 *
 * <p>Promises graphs of stock operations alone, so that a saved one gives the same logits in any DL4J program, and that
 * a malformed weight file is refused with the reason before memory is taken for it.
 */
@NullMarked
package io.fathom.graph;

import org.jspecify.annotations.NullMarked;
