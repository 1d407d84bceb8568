/**
 * Weights in and out: safetensors files, checkpoints as the Hugging Face library writes them.
 *
 * <p>May import config, model, the tokenizers of corpus, Jackson and the JDK.
 *
 * <p>Promises that what it writes reads back bit for bit, and that a malformed or hostile file is refused with its name
 * and the reason before anything of the size it claims is allocated.
 */
@NullMarked
package io.fathom.graph.weights;

import org.jspecify.annotations.NullMarked;
