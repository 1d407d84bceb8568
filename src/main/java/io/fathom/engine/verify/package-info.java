/**
 * Reference cases: independent results that an engine must reproduce on the machine it runs on.
 *
 * <p>May import model, graph (to read weight files), program and engine.
 *
 * <p>Promises that a check passes only when a number was computed and lies within its stated bound.
 */
@NullMarked
package io.fathom.engine.verify;

import org.jspecify.annotations.NullMarked;
