/**
 * Text from a trained model: causal routing, a ragged cache of keys and values, sampling.
 *
 * <p>May import config, model, corpus, engine and the rooms before it; the reader on the processor needs no ND4J and no
 * BLAS.
 *
 * <p>Promises that tokens a routed block passes by cost nothing in it and are not in its cache, that the prompt is
 * routed by the same causal rule as new tokens, and that on the processor results do not depend on how tokens are
 * grouped into calls.
 */
@NullMarked
package io.fathom.decode;

import org.jspecify.annotations.NullMarked;
