package io.fathom.graph;

import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.model.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.StopGradient;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A model as a SameDiff graph of stock operations, losses included.
 *
 * <p>Placeholders {@code tokens} and {@code targets}, INT32 [B, S]. Named results: {@code logits} [B*S, V],
 * {@code token_loss} [B*S], {@code ce}, {@code aux}, {@code pred}, {@code total}, and for every routed block i
 * {@code h.i.scores} [B*S, 1], {@code h.i.topk} [B*k] (rows b*S + t, ascending) and {@code h.i.predictor} [B*S, 1].
 * Shape suffixes: N = B*S, n tokens of a sequence in a block, K = B*k.
 *
 * <p>Where SameDiff's own operation differs from GPT-2's (layer_norm has no epsilon, gelu is not the tanh one), the
 * formula is composed of smaller ones.
 */
public final class ModelGraph {
    private static final double EPSILON = 1e-5;
    /** Added to masked scores: its exponential is zero in every float format, and it never meets an infinity. */
    private static final double MASKED = -1e9;

    private final SameDiff sd = SameDiff.create();
    private final ModelSpec spec;
    private final int sequences;
    private final ParameterLayout layout;
    private final float @Nullable [] parameters;
    /** Numbers in a definition are doubles, so that its constants are exact; a model to run has floats. */
    private final DataType type;

    private ModelGraph(ModelSpec spec, int sequences, float @Nullable [] parameters) {
        this.spec = spec;
        this.sequences = sequences;
        this.layout = ParameterLayout.of(spec);
        this.parameters = parameters;
        this.type = parameters == null ? DataType.DOUBLE : DataType.FLOAT;
    }

    /** The definition alone: parameters are placeholders, no memory is taken for them. */
    public static SameDiff definition(ModelSpec spec, int sequences) {
        return new ModelGraph(spec, sequences, null).build();
    }

    /** The model with its weights, ready to save and to run by {@link SameDiff#output}. */
    public static SameDiff withParameters(ModelSpec spec, int sequences, float[] parameters) {
        return new ModelGraph(spec, sequences, parameters).build();
    }

    private SameDiff build() {
        SDVariable tokens_N = sd.placeHolder("tokens", DataType.INT32, sequences, spec.context())
                .reshape(sequences * spec.context());
        SDVariable targets_N = sd.placeHolder("targets", DataType.INT32, sequences, spec.context())
                .reshape(sequences * spec.context());
        SDVariable x_ND = embedding(tokens_N);
        Map<String, List<SDVariable>> losses = new LinkedHashMap<>();
        for (int i = 0; i < spec.blocks(); i++) {
            String block = "h." + i + ".";
            x_ND = spec.routes(i) && spec.routing() instanceof Routing.Routed routing
                    ? routed(block, routing, x_ND, losses)
                    : plain(block, x_ND);
        }
        SDVariable logits_NV = sd.mmul("logits", norm("ln_f", x_ND), parameter("wte.weight"), false, true, false);
        SDVariable loss_N = sd.loss().sparseSoftmaxCrossEntropy("token_loss", logits_NV, targets_N);
        SDVariable total = named("ce", loss_N.mean(0));
        for (Map.Entry<String, List<SDVariable>> each : losses.entrySet()) {
            SDVariable loss = mean(each.getKey(), each.getValue());
            total = total.add(each.getKey().equals("pred") ? loss : loss.mul(weight(each.getKey())));
        }
        sd.identity("total", total);
        return sd;
    }

    /** The weight of a routing loss, a mean over the routed blocks, in {@code total}. */
    private double weight(String loss) {
        if (spec.routing() instanceof Routing.TokenChoice choice) {
            return loss.equals("balance") ? choice.balanceWeight() : choice.zWeight();
        }
        Routing.ExpertChoice choice = (Routing.ExpertChoice) spec.routing();
        return loss.equals("aux") ? choice.auxWeight() : choice.zWeight();
    }

    private static SDVariable named(String name, SDVariable variable) {
        return variable.rename(name);
    }

    private static SDVariable mean(String name, List<SDVariable> losses) {
        SDVariable sum = losses.get(0);
        for (SDVariable loss : losses.subList(1, losses.size())) {
            sum = sum.add(loss);
        }
        return named(name, sum.div(losses.size()));
    }

    private SDVariable parameter(String name) {
        if (sd.hasVariable(name)) {
            return sd.getVariable(name);
        }
        Tensor tensor = layout.tensor(name);
        long[] shape = tensor.shape().stream().mapToLong(Integer::longValue).toArray();
        if (parameters == null) {
            return sd.placeHolder(name, type, shape);
        }
        float[] values = Arrays.copyOfRange(parameters, tensor.offset(), tensor.offset() + tensor.length());
        return sd.var(name, Nd4j.createFromArray(values).reshape('c', shape));
    }

    private SDVariable embedding(SDVariable tokens_N) {
        int[] positions = IntStream.range(0, sequences * spec.context())
                .map(i -> i % spec.context())
                .toArray();
        SDVariable positions_N = sd.constant("positions", Nd4j.createFromArray(positions));
        SDVariable token_ND = sd.gather(parameter("wte.weight"), tokens_N, 0);
        return named("embedding", token_ND.add(sd.gather(parameter("wpe.weight"), positions_N, 0)));
    }

    /** (x - mean) / sqrt(var + eps) * gain + bias by row. */
    private SDVariable norm(String name, SDVariable x_ND) {
        SDVariable centred_ND = x_ND.sub(x_ND.mean(true, 1));
        SDVariable variance_N1 = centred_ND.mul(centred_ND).mean(true, 1);
        SDVariable rstd_N1 = sd.math().rsqrt(variance_N1.add(EPSILON));
        SDVariable hat_ND = centred_ND.mul(rstd_N1);
        return named(name, hat_ND.mul(parameter(name + ".weight")).add(parameter(name + ".bias")));
    }

    private SDVariable linear(String name, SDVariable x) {
        return named(name, x.mmul(parameter(name + ".weight")).add(parameter(name + ".bias")));
    }

    /** Causal attention of each sequence over its n = rows / B tokens, without the output projection. */
    private SDVariable attention(String block, SDVariable x_ND, int n) {
        int d = spec.width();
        SDVariable[] qkv_ND = sd.split(linear(block + "attn.c_attn", norm(block + "ln_1", x_ND)), 3, 1);
        SDVariable q_BhnW = heads(qkv_ND[0], n);
        SDVariable k_BhnW = heads(qkv_ND[1], n);
        SDVariable v_BhnW = heads(qkv_ND[2], n);
        SDVariable scores_Bhnn = sd.mmul(q_BhnW, k_BhnW, false, true, false).mul(1 / Math.sqrt(spec.headWidth()));
        SDVariable p_Bhnn = sd.nn().softmax(scores_Bhnn.add(causalMask(n)), 3);
        SDVariable y_BnhW = sd.permute(sd.mmul(p_Bhnn, v_BhnW), 0, 2, 1, 3);
        return named(block + "attn", y_BnhW.reshape(sequences * n, d));
    }

    private SDVariable heads(SDVariable x_ND, int n) {
        return sd.permute(x_ND.reshape(sequences, n, spec.heads(), spec.headWidth()), 0, 2, 1, 3);
    }

    private SDVariable causalMask(int n) {
        String name = "causal_mask_" + n;
        if (sd.hasVariable(name)) {
            return sd.getVariable(name);
        }
        INDArray mask = Nd4j.zeros(type, n, n);
        for (int row = 0; row < n; row++) {
            for (int column = row + 1; column < n; column++) {
                mask.putScalar(row, column, MASKED);
            }
        }
        return sd.constant(name, mask);
    }

    private SDVariable mlp(String block, SDVariable x1_ND) {
        SDVariable fc = linear(block + "mlp.c_fc", norm(block + "ln_2", x1_ND));
        return linear(block + "mlp.c_proj", gelu(block + "mlp.gelu", fc));
    }

    /** 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
    private SDVariable gelu(String name, SDVariable x) {
        SDVariable inner = x.mul(x).mul(x).mul(0.044715).add(x).mul(Math.sqrt(2 / Math.PI));
        return named(name, sd.math().tanh(inner).add(1).mul(x).mul(0.5));
    }

    /** x + d, with d = y + MLP(LN2(x + y)), y = Attn(LN1 x). */
    private SDVariable plain(String block, SDVariable x_ND) {
        SDVariable y_ND = linear(block + "attn.c_proj", attention(block, x_ND, spec.context()));
        SDVariable x1_ND = named(block + "residual", x_ND.add(y_ND));
        return named(block + "out", x1_ND.add(mlp(block, x1_ND)));
    }

    /** x + g(r) d on the chosen tokens, x elsewhere. */
    private SDVariable routed(
            String block, Routing.Routed routing, SDVariable x_ND, Map<String, List<SDVariable>> losses) {
        int k = routing.selected(spec.context());
        SDVariable r_N1 = scores(block, routing, x_ND);
        SDVariable index_K = chosen(block, r_N1, k, routing instanceof Routing.TokenChoice);
        losses(block, routing, x_ND, r_N1, index_K)
                .forEach((name, loss) ->
                        losses.computeIfAbsent(name, n -> new ArrayList<>()).add(named(block + name, loss)));
        SDVariable x_KD = named(block + "gathered", sd.gather(x_ND, index_K, 0));
        SDVariable y_KD = linear(block + "attn.c_proj", attention(block, x_KD, k));
        SDVariable x1_KD = named(block + "residual", x_KD.add(y_KD));
        SDVariable d_KD = named(block + "delta", y_KD.add(mlp(block, x1_KD)));
        SDVariable r_K1 = sd.gather(r_N1, index_K, 0);
        SDVariable g_K1 = gate(routing.gate(), r_K1);
        SDVariable factor_K1 = routing instanceof Routing.TokenChoice ? g_K1.mul(positive(r_K1)) : g_K1;
        return named(block + "out", sd.scatterAdd(x_ND, index_K, d_KD.mul(factor_K1)));
    }

    /** The router weights r; those of chance are a placeholder, standard Gaussian numbers to be given. */
    private SDVariable scores(String block, Routing.Routed routing, SDVariable x_ND) {
        if (routing instanceof Routing.Stochastic) {
            return sd.placeHolder(block + "scores", type, (long) sequences * spec.context(), 1);
        }
        SDVariable w_D1 = parameter(block + "router.weight").reshape(spec.width(), 1);
        return named(block + "scores", x_ND.mmul(w_D1));
    }

    /** The block's routing losses by name. */
    private Map<String, SDVariable> losses(
            String block, Routing.Routed routing, SDVariable x_ND, SDVariable r_N1, SDVariable index_K) {
        Map<String, SDVariable> losses = new LinkedHashMap<>();
        if (routing instanceof Routing.ExpertChoice choice) {
            SDVariable mask_N1 = named(
                    block + "mask",
                    sd.scatterAdd(
                            zeros(sequences * spec.context()),
                            index_K,
                            ones(sequences * choice.selected(spec.context()))));
            losses.put("aux", binaryCrossEntropy(r_N1, mask_N1));
            if (choice.predictor()) {
                losses.put("pred", binaryCrossEntropy(predictor(block + "predictor", x_ND), mask_N1));
            }
            if (choice.zWeight() > 0) {
                losses.put("z", r_N1.mul(r_N1).mean(0, 1));
            }
        } else if (routing instanceof Routing.TokenChoice choice) {
            losses.put("balance", balance(r_N1, choice.capacity()));
            if (choice.zWeight() > 0) {
                losses.put("z", r_N1.mul(r_N1).mean(0, 1));
            }
        }
        return losses;
    }

    /** 1 where r > 0, else 0. */
    private SDVariable positive(SDVariable r) {
        return r.gt(0).castTo(type);
    }

    /** f P / c + (1 - f) (1 - P) / (1 - c). */
    private SDVariable balance(SDVariable r_N1, double c) {
        SDVariable f = positive(r_N1).mean(0, 1);
        SDVariable p = sd.nn().sigmoid(r_N1).mean(0, 1);
        SDVariable taken = f.mul(p).div(c);
        return c == 1 ? taken : taken.add(f.rsub(1).mul(p.rsub(1)).div(1 - c));
    }

    /**
     * Rows of the k largest scores of each sequence, ascending; where {@code positiveFirst}, those with a score above 0
     * before the others. Among equal scores native top_k may choose wrongly.
     */
    private SDVariable chosen(String block, SDVariable r_N1, int k, boolean positiveFirst) {
        SDVariable best_Bk = new TopIndices(sd, r_N1.reshape(sequences, spec.context()), k).outputVariables()[1];
        SDVariable position_Bk = best_Bk.castTo(type);
        if (positiveFirst) {
            SDVariable value_Bk = new TopIndices(sd, r_N1.reshape(sequences, spec.context()), k).outputVariables()[0];
            position_Bk = position_Bk.add(value_Bk.lte(0).castTo(type).mul(spec.context()));
        }
        SDVariable ascending_Bk = new TopIndices(sd, position_Bk.neg(), k).outputVariables()[0].neg();
        if (positiveFirst) {
            ascending_Bk = ascending_Bk.sub(
                    ascending_Bk.gte(spec.context()).castTo(type).mul(spec.context()));
        }
        int[] offsets =
                IntStream.range(0, sequences).map(b -> b * spec.context()).toArray();
        String name = "row_offsets";
        SDVariable offsets_B1 = sd.hasVariable(name)
                ? sd.getVariable(name)
                : sd.constant(name, Nd4j.createFromArray(offsets).reshape(sequences, 1));
        return named(
                block + "topk",
                ascending_Bk.castTo(DataType.INT32).add(offsets_B1).reshape((long) sequences * k));
    }

    private SDVariable zeros(int rows) {
        String name = "zeros_" + rows;
        return sd.hasVariable(name) ? sd.getVariable(name) : sd.constant(name, Nd4j.zeros(type, rows, 1));
    }

    private SDVariable ones(int rows) {
        String name = "ones_" + rows;
        return sd.hasVariable(name) ? sd.getVariable(name) : sd.constant(name, Nd4j.ones(type, rows, 1));
    }

    /** mean(softplus(z) - mask z). */
    private SDVariable binaryCrossEntropy(SDVariable z_N1, SDVariable mask_N1) {
        return sd.nn().softplus(z_N1).sub(mask_N1.mul(z_N1)).mean(0, 1);
    }

    private SDVariable predictor(String name, SDVariable x_ND) {
        SDVariable detached_ND = new StopGradient(sd, x_ND).outputVariable();
        SDVariable hidden = sd.nn().swish(linear(name + ".fc", detached_ND));
        SDVariable w = parameter(name + ".out.weight").reshape(spec.width() / 2, 1);
        return named(name, hidden.mmul(w).add(parameter(name + ".out.bias")));
    }

    private SDVariable gate(Gate gate, SDVariable r) {
        return switch (gate) {
            case SIGMOID -> sd.nn().sigmoid(r);
            case RAW -> r;
            case TANH -> sd.math().tanh(r);
        };
    }
}
