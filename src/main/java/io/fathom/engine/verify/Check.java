package io.fathom.engine.verify;

/**
 * One quantity compared with its reference.
 *
 * @param quantity what was compared
 * @param error relative error found; NaN where nothing could be computed
 * @param bound largest error allowed
 */
public record Check(String quantity, double error, double bound) {
    /** Whether the error lies within the bound; NaN does not. */
    public boolean passed() {
        return error <= bound;
    }
}
