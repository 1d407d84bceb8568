/**
 * Measures the compiled step beside libtorch, on one machine in one run.
 *
 * <p>May import everything; compiled by every build, run by the profile {@code bench}.
 *
 * <p>Promises that both compute the same model on the same batch (checked before timing) and take turns.
 */
@NullMarked
package io.fathom.bench;

import org.jspecify.annotations.NullMarked;
