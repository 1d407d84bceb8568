package io.fathom.bench;

import static org.bytedeco.pytorch.global.torch.addmm;
import static org.bytedeco.pytorch.global.torch.clip_grad_norm_;
import static org.bytedeco.pytorch.global.torch.cross_entropy;
import static org.bytedeco.pytorch.global.torch.embedding;
import static org.bytedeco.pytorch.global.torch.gelu;
import static org.bytedeco.pytorch.global.torch.layer_norm;
import static org.bytedeco.pytorch.global.torch.scaled_dot_product_attention;

import io.fathom.model.Batch;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AdamW;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;

/** The same model in eager libtorch, with its own attention, AdamW and clipping: the peer. */
final class TorchModel implements AutoCloseable {
    private final ModelSpec spec;
    private final Map<String, Tensor> parameters = new HashMap<>();
    private final TensorVector all = new TensorVector();
    private final AdamW optimizer;
    private final Tensor tokens;
    private final Tensor targets;
    private final int sequences;
    private double norm;

    TorchModel(ModelSpec spec, float[] theta, Batch batch) {
        this.spec = spec;
        this.sequences = batch.sequences();
        for (io.fathom.model.Tensor t : ParameterLayout.of(spec).tensors()) {
            long[] shape = t.shape().stream().mapToLong(i -> i).toArray();
            Tensor tensor = Tensor.create(Arrays.copyOfRange(theta, t.offset(), t.offset() + t.length()), shape);
            tensor.requires_grad_(true);
            parameters.put(t.name(), tensor);
            all.push_back(tensor);
        }
        AdamWOptions options = new AdamWOptions(StepBenchmark.LEARNING_RATE);
        options.betas().put(0, 0.9);
        options.betas().put(1, 0.95);
        options.weight_decay().put(StepBenchmark.WEIGHT_DECAY);
        optimizer = new AdamW(all, options);
        tokens = ids(batch.tokens());
        targets = ids(batch.targets());
    }

    private static Tensor ids(int[] values) {
        return Tensor.create(Arrays.stream(values).asLongStream().toArray(), values.length);
    }

    /** One step; its loss. */
    @SuppressWarnings("try") // the scope frees what the step allocates by being open
    double step() {
        try (PointerScope step = new PointerScope()) {
            optimizer.zero_grad();
            Tensor loss = loss();
            loss.backward();
            norm = clip_grad_norm_(all, StepBenchmark.CLIP);
            optimizer.step();
            return loss.item_float();
        }
    }

    /** The gradient's norm in the last step, before clipping. */
    double norm() {
        return norm;
    }

    private Tensor p(String name) {
        return Objects.requireNonNull(parameters.get(name));
    }

    private Tensor loss() {
        long s = spec.context();
        long d = spec.width();
        Tensor x = embedding(p("wte.weight"), tokens)
                .view(sequences, s, d)
                .add(p("wpe.weight"))
                .view(sequences * s, d);
        for (int i = 0; i < spec.blocks(); i++) {
            String block = "h." + i + ".";
            x = spec.routes(i) ? routed(block, x) : x.add(delta(block, x));
        }
        Tensor logits = norm("ln_f", x).matmul(p("wte.weight").t());
        return cross_entropy(logits, targets);
    }

    private Tensor routed(String block, Tensor x) {
        long s = spec.context();
        long d = spec.width();
        int k = ((Routing.ExpertChoice) spec.routing()).selected(spec.context());
        Tensor r = x.matmul(p(block + "router.weight")).view(sequences, s);
        Tensor index = r.topk(k, -1, true, false).get1().sort().get0();
        Tensor rows = index.unsqueeze(-1).expand(sequences, k, d);
        Tensor x3 = x.view(sequences, s, d);
        Tensor delta = delta(block, x3.gather(1, rows).view((long) sequences * k, d));
        Tensor gate = r.gather(1, index).sigmoid().unsqueeze(-1);
        return x3.scatter_add(1, rows, delta.view(sequences, k, d).mul(gate)).view(sequences * s, d);
    }

    private Tensor delta(String block, Tensor x) {
        Tensor y = attention(block, norm(block + "ln_1", x));
        Tensor h = linear(block + "mlp.c_fc", norm(block + "ln_2", x.add(y)));
        return y.add(linear(block + "mlp.c_proj", gelu(h, "tanh")));
    }

    private Tensor attention(String block, Tensor x) {
        long rows = x.size(0);
        long n = rows / sequences;
        Tensor qkv = linear(block + "attn.c_attn", x)
                .view(sequences, n, 3, spec.heads(), spec.headWidth())
                .permute(2, 0, 3, 1, 4);
        Tensor y = scaled_dot_product_attention(
                qkv.select(0, 0),
                qkv.select(0, 1),
                qkv.select(0, 2),
                new TensorOptional(),
                0.0,
                true,
                new DoubleOptional(),
                false);
        return linear(block + "attn.c_proj", y.permute(0, 2, 1, 3).reshape(rows, spec.width()));
    }

    private Tensor norm(String name, Tensor x) {
        return layer_norm(
                x,
                new long[] {spec.width()},
                new TensorOptional(p(name + ".weight")),
                new TensorOptional(p(name + ".bias")),
                1e-5,
                true);
    }

    private Tensor linear(String name, Tensor x) {
        return addmm(p(name + ".bias"), x, p(name + ".weight"));
    }

    @Override
    public void close() {
        optimizer.close();
        all.close();
        parameters.values().forEach(Tensor::close);
    }
}
