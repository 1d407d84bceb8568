package io.fathom.average;

import io.fathom.model.Tensor;

/** Tensors that behave alike when they are quantised. */
public enum TensorGroup {
    EMBEDDING,
    ATTENTION,
    MLP,
    /** Routers and predictors: few and sensitive, since a small change reorders tokens. */
    ROUTER,
    NORM_AND_BIAS;

    /** The group of {@code tensor}, by its name. */
    public static TensorGroup of(Tensor tensor) {
        String name = tensor.name();
        if (name.contains("router.") || name.contains("predictor.")) {
            return ROUTER;
        }
        if (tensor.shape().size() == 1) {
            return NORM_AND_BIAS;
        }
        return name.contains("attn.") ? ATTENTION : name.contains("mlp.") ? MLP : EMBEDDING;
    }

    /** Whether its changes may be quantised; the others always travel as fp32. */
    public boolean quantised() {
        return this == EMBEDDING || this == ATTENTION || this == MLP;
    }
}
