package io.fathom.engine.cuda;

import io.fathom.program.Instruction;
import io.fathom.program.Instruction.*;
import io.fathom.program.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Every instruction by its definition, in double, with no thought of speed. Gradients are added to what is there. */
final class NaiveTwin {
    private final Map<Value, double[]> memory;

    NaiveTwin(Map<Value, double[]> memory) {
        this.memory = memory;
    }

    private double[] in(Value v) {
        double[] values = memory.get(v);
        if (values == null) {
            throw new IllegalStateException(v.name() + " was not given");
        }
        return values;
    }

    private double[] out(Value v) {
        return v.storage() == Value.Storage.GRADIENT
                ? memory.computeIfAbsent(v, x -> new double[x.length()])
                : memory.merge(v, new double[v.length()], (old, fresh) -> fresh);
    }

    private double[] copyOrZero(@Nullable Value addend, int length) {
        return addend == null ? new double[length] : in(addend).clone();
    }

    void run(Instruction i) {
        if (i instanceof Embedding x) {
            embedding(x);
        } else if (i instanceof LayerNorm x) {
            layerNorm(x);
        } else if (i instanceof MatMul x) {
            matMul(x);
        } else if (i instanceof Attention x) {
            attention(x);
        } else if (i instanceof Gelu x) {
            double[] a = in(x.x()), y = out(x.y());
            for (int n = 0; n < y.length; n++) y[n] = gelu(a[n]);
        } else if (i instanceof GeluGrad x) {
            double[] a = in(x.x()), dy = in(x.dy()), y = out(x.dx());
            for (int n = 0; n < y.length; n++) y[n] = dy[n] * (gelu(a[n] + 1e-5) - gelu(a[n] - 1e-5)) / 2e-5;
        } else if (i instanceof Silu x) {
            double[] a = in(x.x()), y = out(x.y());
            for (int n = 0; n < y.length; n++) y[n] = a[n] * sigmoid(a[n]);
        } else if (i instanceof SiluGrad x) {
            double[] a = in(x.x()), dy = in(x.dy()), y = out(x.dx());
            for (int n = 0; n < y.length; n++) y[n] = dy[n] * sigmoid(a[n]) * (1 + a[n] * (1 - sigmoid(a[n])));
        } else if (i instanceof Add x) {
            double[] a = in(x.a()), b = in(x.b()), y = out(x.c());
            for (int n = 0; n < y.length; n++) y[n] = a[n] + b[n];
        } else if (i instanceof RouterScores x) {
            double[] a = in(x.x()), w = in(x.w()), y = out(x.scores());
            for (int n = 0; n < a.length; n++) y[n / w.length] += a[n] * w[n % w.length];
        } else if (i instanceof TopK x) {
            topK(x);
        } else if (i instanceof Gather x) {
            double[] a = in(x.x()), index = in(x.index()), y = out(x.y());
            int d = x.y().columns();
            for (int n = 0; n < y.length; n++) y[n] = a[((int) index[n / d]) * d + n % d];
        } else if (i instanceof ScatterGated x) {
            double[] a = in(x.x()), index = in(x.index()), r = in(x.scores()), delta = in(x.delta()), y = out(x.y());
            System.arraycopy(a, 0, y, 0, y.length);
            int d = x.y().columns();
            for (int n = 0; n < delta.length; n++) {
                int row = (int) index[n / d];
                if (!x.positive() || r[row] > 0) y[row * d + n % d] += x.gate().apply(r[row]) * delta[n];
            }
        } else if (i instanceof CrossEntropy x) {
            crossEntropy(x.logits(), x.targets(), x.losses(), x.loss(), x.logSumExp());
        } else if (i instanceof BinaryCrossEntropy x) {
            double[] z = in(x.z()), mask = in(x.mask()), loss = out(x.loss());
            for (int n = 0; n < z.length; n++) loss[0] += (Math.log1p(Math.exp(z[n])) - mask[n] * z[n]) / z.length;
        } else if (i instanceof MeanSquare x) {
            double[] z = in(x.z()), loss = out(x.loss());
            for (double v : z) loss[0] += v * v / z.length;
        } else if (i instanceof BalanceLoss x) {
            double[] z = in(x.scores()), loss = out(x.loss());
            double p = 0;
            for (double v : z) p += sigmoid(v) / z.length;
            loss[0] = BalanceLoss.value(share(z), p, x.capacity());
        } else if (i instanceof WeightedSum x) {
            double[] y = out(x.total());
            for (int n = 0; n < x.terms().size(); n++)
                y[0] += x.weights().get(n) * in(x.terms().get(n))[0];
        } else {
            gradient(i);
        }
    }

    private void gradient(Instruction i) {
        if (i instanceof EmbeddingGrad x) {
            double[] tokens = in(x.tokens()),
                    dy = in(x.dOut()),
                    dt = out(x.dTokenTable()),
                    dp = out(x.dPositionTable());
            int d = x.dOut().columns(), s = x.dPositionTable().rows();
            for (int n = 0; n < dy.length; n++) {
                dt[((int) tokens[n / d]) * d + n % d] += dy[n];
                dp[n / d % s * d + n % d] += dy[n];
            }
        } else if (i instanceof LayerNormGrad x) {
            layerNormGrad(x);
        } else if (i instanceof ColumnSum x) {
            double[] dy = in(x.dy()), y = out(x.dBias());
            for (int n = 0; n < dy.length; n++) y[n % y.length] += dy[n];
        } else if (i instanceof AttentionGrad x) {
            attentionGrad(x);
        } else if (i instanceof RouterScoresGrad x) {
            double[] a = in(x.x()), w = in(x.w()), ds = in(x.dScores());
            double[] dx = copyOrZero(x.addend(), a.length), dw = out(x.dW());
            int d = w.length;
            for (int n = 0; n < a.length; n++) {
                dx[n] += ds[n / d] * w[n % d];
                dw[n % d] += ds[n / d] * a[n];
            }
            memory.put(x.dx(), dx);
        } else if (i instanceof GatherGrad x) {
            double[] index = in(x.index()), dy = in(x.dy()), dx = copyOrZero(x.addend(), x.dx().length());
            int d = x.dx().columns();
            for (int n = 0; n < dy.length; n++) dx[((int) index[n / d]) * d + n % d] += dy[n];
            memory.put(x.dx(), dx);
        } else if (i instanceof ScatterGatedGrad x) {
            double[] index = in(x.index()), r = in(x.scores()), delta = in(x.delta()), dy = in(x.dy());
            double[] ds = copyOrZero(x.addend(), r.length), dd = out(x.dDelta());
            int d = x.dy().columns();
            for (int n = 0; n < delta.length; n++) {
                int row = (int) index[n / d];
                if (x.positive() && r[row] <= 0) continue;
                dd[n] = x.gate().apply(r[row]) * dy[row * d + n % d];
                ds[row] += x.gate().derivative(r[row]) * dy[row * d + n % d] * delta[n];
            }
            memory.put(x.dScores(), ds);
        } else if (i instanceof CrossEntropyGrad x) {
            double[] z = in(x.logits()), t = in(x.targets()), lse = in(x.logSumExp()), y = out(x.dLogits());
            int v = x.logits().columns();
            for (int n = 0; n < y.length; n++) {
                y[n] = x.weight() / lse.length * (Math.exp(z[n] - lse[n / v]) - (n % v == t[n / v] ? 1 : 0));
            }
        } else if (i instanceof BinaryCrossEntropyGrad x) {
            double[] z = in(x.z()), mask = in(x.mask()), dz = copyOrZero(x.addend(), z.length);
            for (int n = 0; n < z.length; n++) dz[n] += x.weight() / z.length * (sigmoid(z[n]) - mask[n]);
            memory.put(x.dz(), dz);
        } else if (i instanceof MeanSquareGrad x) {
            double[] z = in(x.z()), dz = copyOrZero(x.addend(), z.length);
            for (int n = 0; n < z.length; n++) dz[n] += x.weight() * 2 * z[n] / z.length;
            memory.put(x.dz(), dz);
        } else if (i instanceof BalanceLossGrad x) {
            double[] z = in(x.scores()), dz = copyOrZero(x.addend(), z.length);
            double slope = x.weight() / z.length * BalanceLoss.slope(share(z), x.capacity());
            for (int n = 0; n < z.length; n++) dz[n] += slope * sigmoid(z[n]) * (1 - sigmoid(z[n]));
            memory.put(x.dScores(), dz);
        } else if (i instanceof HeadLoss x) {
            headLoss(x);
        } else {
            throw new IllegalArgumentException(i.toString());
        }
    }

    private static double share(double[] z) {
        return Arrays.stream(z).filter(v -> v > 0).count() / (double) z.length;
    }

    static double gelu(double x) {
        return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    private void embedding(Embedding x) {
        double[] tokens = in(x.tokens()), t = in(x.tokenTable()), p = in(x.positionTable()), y = out(x.out());
        int d = x.out().columns(), s = x.positionTable().rows();
        for (int n = 0; n < y.length; n++) y[n] = t[((int) tokens[n / d]) * d + n % d] + p[n / d % s * d + n % d];
    }

    private void layerNorm(LayerNorm x) {
        double[] a = in(x.x()), g = in(x.gain()), b = in(x.bias());
        double[] y = out(x.y()), mean = out(x.mean()), rstd = out(x.rstd());
        int d = x.x().columns();
        for (int r = 0; r < mean.length; r++) {
            double variance = 0;
            for (int c = 0; c < d; c++) mean[r] += a[r * d + c] / d;
            for (int c = 0; c < d; c++) variance += Math.pow(a[r * d + c] - mean[r], 2) / d;
            rstd[r] = 1 / Math.sqrt(variance + x.epsilon());
            for (int c = 0; c < d; c++) y[r * d + c] = (a[r * d + c] - mean[r]) * rstd[r] * g[c] + b[c];
        }
    }

    private void layerNormGrad(LayerNormGrad x) {
        double[] a = in(x.x()), g = in(x.gain()), mean = in(x.mean()), rstd = in(x.rstd()), dy = in(x.dy());
        double[] dx = copyOrZero(x.addend(), a.length), dg = out(x.dGain()), db = out(x.dBias());
        int d = g.length;
        for (int r = 0; r < mean.length; r++) {
            double sum = 0, dot = 0;
            for (int c = 0; c < d; c++) {
                double xhat = (a[r * d + c] - mean[r]) * rstd[r], up = dy[r * d + c];
                dg[c] += up * xhat;
                db[c] += up;
                sum += up * g[c] / d;
                dot += up * g[c] * xhat / d;
            }
            for (int c = 0; c < d; c++) {
                double xhat = (a[r * d + c] - mean[r]) * rstd[r];
                dx[r * d + c] += rstd[r] * (dy[r * d + c] * g[c] - sum - xhat * dot);
            }
        }
        memory.put(x.dx(), dx);
    }

    private void matMul(MatMul x) {
        double[] a = in(x.a()), b = in(x.b());
        int m = x.c().rows(), n = x.c().columns(), k = x.inner();
        double[] c = x.addend() != null ? in(x.addend()).clone() : new double[m * n];
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                double sum = x.bias() == null ? 0 : in(x.bias())[j];
                for (int l = 0; l < k; l++) {
                    sum += a[x.transposeA() ? l * m + i : i * k + l] * b[x.transposeB() ? j * k + l : l * n + j];
                }
                c[i * n + j] += sum;
            }
        }
        if (x.c().storage() == Value.Storage.GRADIENT) {
            double[] out = out(x.c());
            for (int i = 0; i < out.length; i++) out[i] += c[i];
        } else {
            memory.put(x.c(), c);
        }
    }

    private void attention(Attention x) {
        double[] qkv = in(x.qkv()), y = out(x.y()), lse = out(x.logSumExp());
        int n = x.length(), h = x.heads(), width = x.y().columns(), hd = width / h;
        for (int bh = 0; bh < x.sequences() * h; bh++) {
            for (int i = 0; i < n; i++) {
                double[] p = probabilities(qkv, bh, i, n, h, width, hd, lse);
                for (int j = 0; j <= i; j++) {
                    for (int c = 0; c < hd; c++) {
                        y[(bh / h * n + i) * width + bh % h * hd + c] += p[j] * qkv[at(bh, j, 2, n, h, width, hd) + c];
                    }
                }
            }
        }
    }

    /** Place of head vector `part` (0 q, 1 k, 2 v) of row t. */
    private static int at(int bh, int t, int part, int n, int h, int width, int hd) {
        return (bh / h * n + t) * 3 * width + part * width + bh % h * hd;
    }

    private static double[] probabilities(
            double[] qkv, int bh, int i, int n, int h, int width, int hd, double @Nullable [] lse) {
        double[] s = new double[i + 1];
        double sum = 0;
        for (int j = 0; j <= i; j++) {
            for (int c = 0; c < hd; c++) {
                s[j] += qkv[at(bh, i, 0, n, h, width, hd) + c] * qkv[at(bh, j, 1, n, h, width, hd) + c] / Math.sqrt(hd);
            }
            s[j] = Math.exp(s[j]);
            sum += s[j];
        }
        for (int j = 0; j <= i; j++) s[j] /= sum;
        if (lse != null) lse[bh * n + i] = Math.log(sum);
        return s;
    }

    private void attentionGrad(AttentionGrad x) {
        double[] qkv = in(x.qkv()), dy = in(x.dy()), d = out(x.dqkv());
        int n = x.length(), h = x.heads(), width = x.y().columns(), hd = width / h;
        for (int bh = 0; bh < x.sequences() * h; bh++) {
            for (int i = 0; i < n; i++) {
                double[] p = probabilities(qkv, bh, i, n, h, width, hd, null), dp = new double[i + 1];
                int up = (bh / h * n + i) * width + bh % h * hd;
                double mean = 0;
                for (int j = 0; j <= i; j++) {
                    for (int c = 0; c < hd; c++) {
                        dp[j] += dy[up + c] * qkv[at(bh, j, 2, n, h, width, hd) + c];
                        d[at(bh, j, 2, n, h, width, hd) + c] += p[j] * dy[up + c];
                    }
                    mean += p[j] * dp[j];
                }
                for (int j = 0; j <= i; j++) {
                    double ds = p[j] * (dp[j] - mean) / Math.sqrt(hd);
                    for (int c = 0; c < hd; c++) {
                        d[at(bh, i, 0, n, h, width, hd) + c] += ds * qkv[at(bh, j, 1, n, h, width, hd) + c];
                        d[at(bh, j, 1, n, h, width, hd) + c] += ds * qkv[at(bh, i, 0, n, h, width, hd) + c];
                    }
                }
            }
        }
    }

    private void topK(TopK x) {
        double[] r = in(x.scores()), index = out(x.index()), mask = out(x.mask());
        int s = r.length / x.sequences();
        for (int b = 0; b < x.sequences(); b++) {
            int base = b * s;
            List<Integer> rows = new ArrayList<>();
            for (int t = 0; t < s; t++) rows.add(base + t);
            rows.sort(Comparator.comparingDouble((Integer row) -> -r[row]).thenComparing(row -> row));
            List<Integer> best = new ArrayList<>(rows.subList(0, x.k()));
            best.sort(Comparator.comparing((Integer row) -> x.positive() && r[row] <= 0)
                    .thenComparing(row -> row));
            for (int n = 0; n < x.k(); n++) {
                index[b * x.k() + n] = best.get(n);
                mask[best.get(n)] = x.positive() && r[best.get(n)] <= 0 ? 0 : 1;
            }
        }
    }

    private void crossEntropy(Value logits, Value targets, Value losses, Value loss, Value logSumExp) {
        double[] z = in(logits), t = in(targets), each = out(losses), mean = out(loss), lse = out(logSumExp);
        int v = logits.columns();
        for (int r = 0; r < each.length; r++) {
            double sum = 0;
            for (int c = 0; c < v; c++) sum += Math.exp(z[r * v + c]);
            lse[r] = Math.log(sum);
            each[r] = lse[r] - z[r * v + (int) t[r]];
            mean[0] += each[r] / each.length;
        }
    }

    private void headLoss(HeadLoss x) {
        int rows = x.x().rows(), v = x.table().rows();
        Value logits = new Value(-1, "logits", Value.Type.REAL, Value.Storage.ACTIVATION, rows, v, 0);
        Value lse = new Value(-2, "lse", Value.Type.REAL, Value.Storage.ACTIVATION, rows, 1, 0);
        Value dLogits = new Value(-3, "dLogits", Value.Type.REAL, Value.Storage.ACTIVATION, rows, v, 0);
        run(new MatMul(x.x(), false, x.table(), true, null, null, logits));
        crossEntropy(logits, x.targets(), x.losses(), x.loss(), lse);
        run(new CrossEntropyGrad(logits, x.targets(), lse, x.weight(), dLogits));
        run(new MatMul(dLogits, false, x.table(), false, null, null, x.dx()));
        run(new MatMul(dLogits, true, x.x(), false, null, null, x.dTable()));
    }

    static Map<Value, double[]> copyOf(Map<Value, double[]> memory) {
        Map<Value, double[]> copy = new HashMap<>();
        memory.forEach((value, values) -> copy.put(value, values.clone()));
        return copy;
    }
}
