package io.fathom.average;

/** How far workers disagree about where to go. */
public final class Divergence {
    private Divergence() {}

    /**
     * The mean cosine between the changes of two workers, weighted by w_i w_j |d_i| |d_j|: the sum over i != j of w_i
     * w_j d_i . d_j over that of w_i w_j |d_i| |d_j|. It needs only norms, since |sum w_i d_i|^2 holds every product.
     * 1: all went the same way; 0: at right angles, as noise does; NaN for one worker.
     *
     * @param weights w_i, any scale
     * @param norms |d_i|
     * @param mean |sum w_i d_i / sum w_i|
     */
    public static double cosine(double[] weights, double[] norms, double mean) {
        double total = 0;
        double lengths = 0;
        double squares = 0;
        for (int i = 0; i < weights.length; i++) {
            double length = weights[i] * norms[i];
            total += weights[i];
            lengths += length;
            squares += length * length;
        }
        double products = mean * mean * total * total - squares;
        double bound = lengths * lengths - squares;
        return weights.length < 2 || bound <= 0 ? Double.NaN : products / bound;
    }
}
