package io.fathom.program;

import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import io.fathom.program.Instruction.*;
import java.util.*;

/** Stand-in for the graph reader while it is written. */
final class DirectForward {
    private DirectForward() {}

    static Forward of(ModelSpec spec, int B, boolean training) {
        Forward f = new Forward(spec, B);
        int S = spec.context(), D = spec.width(), N = B * S;
        Value tokens = f.input("tokens"), targets = f.input("targets");
        Value x = f.real("embedding", N, D);
        f.emit(new Embedding(tokens, f.parameter("wte.weight"), f.parameter("wpe.weight"), x));
        List<Value> aux = new ArrayList<>(), pred = new ArrayList<>();
        for (int i = 0; i < spec.blocks(); i++) {
            String b = "h." + i + ".";
            if (!spec.routes(i)) {
                x = block(f, b, x, spec, B, true);
                continue;
            }
            Routing.ExpertChoice e = (Routing.ExpertChoice) spec.routing();
            int k = e.selected(S);
            Value r = f.real(b + "scores", N, 1);
            f.emit(new RouterScores(x, f.parameter(b + "router.weight"), r));
            f.outputs.put(b + "scores", r);
            Value index = f.ints(b + "topk", B * k), mask = f.real(b + "mask", N, 1);
            f.emit(new TopK(r, B, k, index, mask));
            f.outputs.put(b + "topk", index);
            Value bce = f.real(b + "aux", 1, 1);
            f.emit(new BinaryCrossEntropy(r, mask, bce));
            aux.add(bce);
            if (e.predictor()) {
                Value w1 = f.parameter(b + "predictor.fc.weight");
                Value z1 = f.real(b + "predictor.fc", N, w1.columns());
                MatMul fc = new MatMul(x, false, w1, false, f.parameter(b + "predictor.fc.bias"), null, z1);
                f.detached.add(fc);
                f.emit(fc);
                Value a = f.like(b + "predictor.act", z1);
                f.emit(new Silu(z1, a));
                Value p = f.real(b + "predictor", N, 1);
                f.emit(new MatMul(
                        a,
                        false,
                        f.parameter(b + "predictor.out.weight"),
                        true,
                        f.parameter(b + "predictor.out.bias"),
                        null,
                        p));
                f.outputs.put(b + "predictor", p);
                Value pb = f.real(b + "pred", 1, 1);
                f.emit(new BinaryCrossEntropy(p, mask, pb));
                pred.add(pb);
            }
            Value xs = f.real(b + "x", B * k, D);
            f.emit(new Gather(x, index, xs));
            Value d = block(f, b, xs, spec, B, false);
            Value y = f.real(b + "out", N, D);
            f.emit(new ScatterGated(x, index, r, d, e.gate(), y));
            x = y;
        }
        Value xf = norm(f, "ln_f", x);
        Value table = f.parameter("wte.weight");
        Value losses = f.real("token_loss", N, 1), ce = f.real("ce", 1, 1);
        if (training) {
            f.emit(new HeadLoss(xf, table, targets, 1.0, losses, ce, f.like("d/ln_f", xf), f.gradient(table)));
        } else {
            Value logits = f.real("logits", N, spec.vocabulary());
            f.emit(new MatMul(xf, false, table, true, null, null, logits));
            f.emit(new CrossEntropy(logits, targets, losses, ce, f.real("lse", N, 1)));
            f.outputs.put("logits", logits);
        }
        f.outputs.put("ce", ce);
        f.outputs.put("token_loss", losses);
        List<Value> terms = new ArrayList<>(List.of(ce));
        List<Double> w = new ArrayList<>(List.of(1.0));
        if (!aux.isEmpty()) {
            Value a = f.real("aux", 1, 1);
            f.emit(new WeightedSum(aux, Collections.nCopies(aux.size(), 1.0 / aux.size()), a));
            f.outputs.put("aux", a);
            terms.add(a);
            w.add(((Routing.ExpertChoice) spec.routing()).auxWeight());
        }
        if (!pred.isEmpty()) {
            Value a = f.real("pred", 1, 1);
            f.emit(new WeightedSum(pred, Collections.nCopies(pred.size(), 1.0 / pred.size()), a));
            f.outputs.put("pred", a);
            terms.add(a);
            w.add(1.0);
        }
        Value total = f.real("total", 1, 1);
        f.emit(new WeightedSum(terms, w, total));
        f.outputs.put("total", total);
        return f;
    }

    private static Value norm(Forward f, String name, Value x) {
        Value y = f.like(name, x);
        f.emit(new LayerNorm(
                x,
                f.parameter(name + ".weight"),
                f.parameter(name + ".bias"),
                1e-5,
                y,
                f.real(name + ".mean", x.rows(), 1),
                f.real(name + ".rstd", x.rows(), 1)));
        return y;
    }

    private static Value lin(Forward f, String name, Value x, @org.jspecify.annotations.Nullable Value addend) {
        Value w = f.parameter(name + ".weight");
        Value y = f.real(name, x.rows(), w.columns());
        f.emit(new MatMul(x, false, w, false, f.parameter(name + ".bias"), addend, y));
        return y;
    }

    private static Value block(Forward f, String b, Value x, ModelSpec spec, int B, boolean residual) {
        Value qkv = lin(f, b + "attn.c_attn", norm(f, b + "ln_1", x), null);
        Value a = f.like(b + "attn", x);
        f.emit(new Attention(qkv, B, spec.heads(), a, f.real(b + "attn.lse", B * spec.heads(), x.rows() / B)));
        Value y = null;
        Value x1;
        if (residual) {
            x1 = lin(f, b + "attn.c_proj", a, x);
        } else {
            y = lin(f, b + "attn.c_proj", a, null);
            x1 = f.like(b + "residual", x);
            f.emit(new Add(x, y, x1));
        }
        Value h = lin(f, b + "mlp.c_fc", norm(f, b + "ln_2", x1), null);
        Value g = f.like(b + "mlp.gelu", h);
        f.emit(new Gelu(h, g));
        return lin(f, b + "mlp.c_proj", g, residual ? x1 : y);
    }
}
