package io.fathom.train;

/**
 * What H steps of one worker gave.
 *
 * @param parameters after the last step
 * @param moments after the last step
 * @param means what was seen on the way
 */
public record LocalRound(float[] parameters, Moments moments, StepMeans means) {}
