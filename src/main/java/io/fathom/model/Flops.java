package io.fathom.model;

/**
 * What a model costs by formula: floating-point operations of its matrix products, 2 m n k each, of one sequence.
 *
 * <p>Symbols: S tokens of a sequence, D width, V vocabulary, k tokens a routed block takes. A block over n tokens
 * computes F(n) = 24 n D^2 + 4 n^2 D; the second term counts the full n x n attention scores, not their causal half. A
 * routed block computes F(k), its router 2 S D and, where it has one, its predictor 2 S D H + 2 S H with H = D/2; the
 * head computes 2 S D V. The backward pass costs twice the forward one, but for the predictor's first layer: no
 * gradient flows into its input, which leaves once. Norms, activations, softmax and embeddings count nothing. The
 * figures equal those counted from the compiled program's instructions.
 *
 * @param spec the model
 */
public record Flops(ModelSpec spec) {

    /** F(n): a block over {@code tokens} tokens of one sequence, attention scores counted in full. */
    public static double block(double tokens, int width) {
        return block(tokens, tokens * tokens, width);
    }

    /**
     * The mean of F(n) over sequences whose blocks take different n, from the means of n and n^2: F is not linear, so
     * the mean of n alone would understate it.
     */
    public static double block(double meanTokens, double meanSquaredTokens, int width) {
        return 24.0 * meanTokens * width * width + 4.0 * meanSquaredTokens * width;
    }

    /** Forward FLOPs of one sequence by the routing budget k. */
    public long forward() {
        long routed = spec.routedBlocks().size();
        long dense = spec.blocks() - routed;
        return dense * blockOver(spec.context())
                + routed * (blockOver(selected()) + router() + predictorFirst() + predictorSecond())
                + head();
    }

    /** Forward and backward FLOPs of one sequence by the routing budget k. */
    public long training() {
        long routed = spec.routedBlocks().size();
        return 3 * forward() - routed * predictorFirst();
    }

    /** Forward FLOPs of a token, the mean over the sequence. */
    public double forwardPerToken() {
        return (double) forward() / spec.context();
    }

    /** Forward and backward FLOPs of a token, the mean over the sequence. */
    public double trainingPerToken() {
        return (double) training() / spec.context();
    }

    /** The same figures of the model with every block dense. */
    public Flops denseTwin() {
        return new Flops(spec.dense());
    }

    /** Share of the dense twin's forward FLOPs that routing saves. */
    public double savedShare() {
        return 1 - (double) forward() / denseTwin().forward();
    }

    /** Share of the dense twin's training FLOPs that routing saves. */
    public double trainingSavedShare() {
        return 1 - (double) training() / denseTwin().training();
    }

    /** Router of one block: one inner product a token; 0 where chance routes. */
    public long router() {
        return spec.routing() instanceof Routing.Stochastic ? 0 : 2L * spec.context() * spec.width();
    }

    /** Predictor of one block, both layers; 0 where the model has none. */
    public long predictor() {
        return predictorFirst() + predictorSecond();
    }

    /** Tied head over the whole sequence. */
    public long head() {
        return 2L * spec.context() * spec.width() * spec.vocabulary();
    }

    /** k: tokens a routed block takes of a sequence; S where none routes. */
    public int selected() {
        return spec.routing() instanceof Routing.Routed routed ? routed.selected(spec.context()) : spec.context();
    }

    private long blockOver(long tokens) {
        long width = spec.width();
        return 24 * tokens * width * width + 4 * tokens * tokens * width;
    }

    private long predictorFirst() {
        return hasPredictor() ? 2L * spec.context() * spec.width() * (spec.width() / 2) : 0;
    }

    private long predictorSecond() {
        return hasPredictor() ? 2L * spec.context() * (spec.width() / 2) : 0;
    }

    private boolean hasPredictor() {
        return spec.routing() instanceof Routing.ExpertChoice choice && choice.predictor();
    }
}
