package io.fathom.engine.cpu;

/** Causal attention and its gradient as the formulas say, in double. */
final class AttentionTwin {
    final double[] y;
    final double[] logSumExp;
    final double[] dqkv;
    private final double[] qkv;
    private final double[] dy;
    private final int headWidth;
    private final int width;

    AttentionTwin(double[] qkv, double[] dy, int sequences, int length, int heads, int headWidth) {
        this.qkv = qkv;
        this.dy = dy;
        this.headWidth = headWidth;
        this.width = heads * headWidth;
        this.y = new double[sequences * length * width];
        this.logSumExp = new double[sequences * length * heads];
        this.dqkv = new double[qkv.length];
        for (int s = 0; s < sequences; s++) {
            for (int h = 0; h < heads; h++) {
                for (int t = 0; t < length; t++) {
                    row(s * length, h, t, (s * heads + h) * length + t);
                }
            }
        }
    }

    private void row(int first, int head, int t, int pairRow) {
        int q = (first + t) * 3 * width + head * headWidth;
        int out = (first + t) * width + head * headWidth;
        double scale = 1 / Math.sqrt(headWidth);
        double[] p = new double[t + 1];
        double max = Double.NEGATIVE_INFINITY;
        for (int j = 0; j <= t; j++) {
            for (int i = 0; i < headWidth; i++) {
                p[j] += scale * qkv[q + i] * qkv[key(first, head, j) + i];
            }
            max = Math.max(max, p[j]);
        }
        double sum = 0;
        for (int j = 0; j <= t; j++) {
            p[j] = Math.exp(p[j] - max);
            sum += p[j];
        }
        logSumExp[pairRow] = max + Math.log(sum);
        double[] dp = new double[t + 1];
        double along = 0;
        for (int j = 0; j <= t; j++) {
            p[j] /= sum;
            for (int i = 0; i < headWidth; i++) {
                int value = key(first, head, j) + width + i;
                y[out + i] += p[j] * qkv[value];
                dp[j] += dy[out + i] * qkv[value];
                dqkv[value] += p[j] * dy[out + i];
            }
            along += p[j] * dp[j];
        }
        for (int j = 0; j <= t; j++) {
            double ds = scale * p[j] * (dp[j] - along);
            for (int i = 0; i < headWidth; i++) {
                int key = key(first, head, j) + i;
                dqkv[q + i] += ds * qkv[key];
                dqkv[key] += ds * qkv[q + i];
            }
        }
    }

    private int key(int first, int head, int j) {
        return (first + j) * 3 * width + width + head * headWidth;
    }
}
