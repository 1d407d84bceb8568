package io.fathom.graph;

import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.model.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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
        List<SDVariable> aux = new ArrayList<>();
        List<SDVariable> pred = new ArrayList<>();
        for (int i = 0; i < spec.blocks(); i++) {
            String block = "h." + i + ".";
            x_ND = spec.routes(i) && spec.routing() instanceof Routing.ExpertChoice choice
                    ? routed(block, choice, x_ND, aux, pred)
                    : plain(block, x_ND);
        }
        SDVariable logits_NV = sd.mmul("logits", norm("ln_f", x_ND), parameter("wte.weight"), false, true, false);
        SDVariable loss_N = sd.loss().sparseSoftmaxCrossEntropy("token_loss", logits_NV, targets_N);
        SDVariable total = named("ce", loss_N.mean(0));
        if (spec.routing() instanceof Routing.ExpertChoice choice && !aux.isEmpty()) {
            total = total.add(mean("aux", aux).mul(choice.auxWeight()));
            if (!pred.isEmpty()) {
                total = total.add(mean("pred", pred));
            }
        }
        sd.identity("total", total);
        return sd;
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
            String block, Routing.ExpertChoice choice, SDVariable x_ND, List<SDVariable> aux, List<SDVariable> pred) {
        int length = spec.context();
        int k = choice.selected(length);
        SDVariable w_D1 = parameter(block + "router.weight").reshape(spec.width(), 1);
        SDVariable r_N1 = named(block + "scores", x_ND.mmul(w_D1));
        SDVariable index_K = chosen(block, r_N1, k);
        SDVariable mask_N1 =
                named(block + "mask", sd.scatterAdd(zeros(sequences * length, 1), index_K, ones(sequences * k, 1)));
        aux.add(named(block + "aux", binaryCrossEntropy(r_N1, mask_N1)));
        if (choice.predictor()) {
            SDVariable p_N1 = predictor(block + "predictor", x_ND);
            pred.add(named(block + "pred", binaryCrossEntropy(p_N1, mask_N1)));
        }
        SDVariable x_KD = named(block + "gathered", sd.gather(x_ND, index_K, 0));
        SDVariable y_KD = linear(block + "attn.c_proj", attention(block, x_KD, k));
        SDVariable x1_KD = named(block + "residual", x_KD.add(y_KD));
        SDVariable d_KD = named(block + "delta", y_KD.add(mlp(block, x1_KD)));
        SDVariable g_K1 = gate(choice.gate(), sd.gather(r_N1, index_K, 0));
        return named(block + "out", sd.scatterAdd(x_ND, index_K, d_KD.mul(g_K1)));
    }

    /** Rows of the k largest scores of each sequence, ascending. Among equal scores native top_k may choose wrongly. */
    private SDVariable chosen(String block, SDVariable r_N1, int k) {
        SDVariable best_Bk = new TopIndices(sd, r_N1.reshape(sequences, spec.context()), k).outputVariables()[1];
        SDVariable negative_Bk = best_Bk.castTo(type).neg();
        SDVariable ascending_Bk = new TopIndices(sd, negative_Bk, k).outputVariables()[0].neg();
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

    private SDVariable zeros(int rows, int columns) {
        String name = "zeros_" + rows;
        return sd.hasVariable(name) ? sd.getVariable(name) : sd.constant(name, Nd4j.zeros(type, rows, columns));
    }

    private SDVariable ones(int rows, int columns) {
        String name = "ones_" + rows;
        return sd.hasVariable(name) ? sd.getVariable(name) : sd.constant(name, Nd4j.ones(type, rows, columns));
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
