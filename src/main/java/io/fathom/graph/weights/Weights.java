package io.fathom.graph.weights;

import io.fathom.model.ModelSpec;

/**
 * A model and its parameters.
 *
 * @param spec the model
 * @param parameters theta, in the order of the model's layout
 */
public record Weights(ModelSpec spec, float[] parameters) {}
