/**
 * The paper's words: what a Mixture-of-Depths model is, how its parameters lie in one vector, what it costs.
 *
 * <p>May import the JDK alone.
 *
 * <p>Promises immutable values that are checked when made; nothing here does input or output.
 */
@NullMarked
package io.fathom.model;

import org.jspecify.annotations.NullMarked;
