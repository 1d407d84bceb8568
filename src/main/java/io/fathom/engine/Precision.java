package io.fathom.engine;

/** The numbers an engine computes with; parameters and optimizer state are never narrower than 32 bits. */
public enum Precision {
    /** IEEE double: for verification. */
    FLOAT64,
    /** IEEE single. */
    FLOAT32,
    /** Matrix products with 10-bit mantissas, the rest single; CUDA alone. */
    TF32,
    /**
     * Activations and matrix products in bfloat16; master weights, router, softmax, norms and loss single; CUDA alone.
     */
    BF16
}
