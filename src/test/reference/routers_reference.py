"""Independent JAX reference (float64) for the routers that mod_reference.py does not have: token choice with room for k,
chance, and the z-loss. Same format; `python routers_reference.py OUT` writes OUT/NAME.json and OUT/NAME.safetensors.
Made with jax 0.10.2 on CPU; needs jax, numpy, safetensors."""
import json, math, sys
import jax, numpy as np
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
from safetensors.numpy import save_file

GATE = {"raw": lambda r: r, "sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh}
M64 = (1 << 64) - 1

def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & M64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & M64
    return z ^ (z >> 31)

def gaussian(seed, block, position):
    golden = 0x9E3779B97F4A7C15
    key = mix((mix(seed) + (block + 1) * golden) & M64)
    u = ((mix((key + (2 * position + 1) * golden) & M64) >> 11) + 1) * 2.0 ** -53
    v = ((mix((key + (2 * position + 2) * golden) & M64) >> 11) + 1) * 2.0 ** -53
    return float(np.float32(math.sqrt(-2 * math.log(u)) * math.cos(2 * math.pi * v)))

def parameters(c, seed):
    g = np.random.default_rng(seed); D, p = c["D"], {}
    n = lambda *s, std: np.float32(g.standard_normal(s) * std)
    p["wte.weight"] = n(c["V"], D, std=.2); p["wpe.weight"] = n(c["S"], D, std=.1)
    for i in range(c["L"]):
        b = f"h.{i}."
        for ln in ("ln_1", "ln_2"):
            p[b + ln + ".weight"] = np.float32(1 + n(D, std=.1)); p[b + ln + ".bias"] = n(D, std=.1)
        p[b + "attn.c_attn.weight"] = n(D, 3 * D, std=.2); p[b + "attn.c_attn.bias"] = n(3 * D, std=.05)
        p[b + "attn.c_proj.weight"] = n(D, D, std=.2); p[b + "attn.c_proj.bias"] = n(D, std=.05)
        p[b + "mlp.c_fc.weight"] = n(D, 4 * D, std=.2); p[b + "mlp.c_fc.bias"] = n(4 * D, std=.05)
        p[b + "mlp.c_proj.weight"] = n(4 * D, D, std=.1); p[b + "mlp.c_proj.bias"] = n(D, std=.05)
        if i in c["routed"] and c["router"] != "random": p[b + "router.weight"] = n(D, std=.3)
    p["ln_f.weight"] = np.float32(1 + n(D, std=.1)); p["ln_f.bias"] = n(D, std=.1)
    return p

def norm(p, name, x):
    m = x.mean(-1, keepdims=True); v = ((x - m) ** 2).mean(-1, keepdims=True)
    return (x - m) / jnp.sqrt(v + 1e-5) * p[name + ".weight"] + p[name + ".bias"]

def delta(p, b, x, h, allowed):
    """f(x) - x for one sequence [n, D]; allowed[i, j]: may i attend to j."""
    n, D = x.shape
    q, k, v = jnp.split(norm(p, b + "ln_1", x) @ p[b + "attn.c_attn.weight"] + p[b + "attn.c_attn.bias"], 3, -1)
    out = []
    for j in range(h):
        s = slice(j * D // h, (j + 1) * D // h)
        score = jnp.where(allowed, q[:, s] @ k[:, s].T / math.sqrt(D // h), -jnp.inf)
        out.append(jax.nn.softmax(score, -1) @ v[:, s])
    y = jnp.concatenate(out, -1) @ p[b + "attn.c_proj.weight"] + p[b + "attn.c_proj.bias"]
    m = norm(p, b + "ln_2", x + y) @ p[b + "mlp.c_fc.weight"] + p[b + "mlp.c_fc.bias"]
    return y + jax.nn.gelu(m, approximate=True) @ p[b + "mlp.c_proj.weight"] + p[b + "mlp.c_proj.bias"]

def forward(p, c, tokens, seed):
    B, S = tokens.shape; k = max(1, round(c["capacity"] * S)); x = p["wte.weight"][tokens] + p["wpe.weight"][:S]
    causal = np.tril(np.ones((S, S), bool)); losses = {"balance": 0., "z": 0., "aux": 0.}; trace = {}; R = len(c["routed"])
    for i in range(c["L"]):
        b = f"h.{i}."
        if i not in c["routed"]:
            x = jnp.stack([x[r] + delta(p, b, x[r], c["h"], causal) for r in range(B)]); continue
        if c["router"] == "random":
            r = jnp.array([[gaussian(seed, i, row * S + t) for t in range(S)] for row in range(B)])
        else:
            r = x @ p[b + "router.weight"]
        values = np.asarray(jax.lax.stop_gradient(r))
        best = [sorted(range(S), key=lambda t: (-values[row, t], t))[:k] for row in range(B)]
        chosen = [sorted(t for t in best[row] if c["router"] != "token-choice" or values[row, t] > 0) for row in range(B)]
        rest = [sorted(t for t in best[row] if t not in chosen[row]) for row in range(B)]
        trace[b + "topk"] = np.array([chosen[row] + rest[row] for row in range(B)], np.int64)
        mask = np.zeros((B, S));
        for row in range(B): mask[row, chosen[row]] = 1
        if c["router"] == "token-choice":
            f = (values > 0).mean(); P = jax.nn.sigmoid(r).mean(); q = c["capacity"]
            losses["balance"] += (f * P / q + (1 - f) * (1 - P) / (1 - q)) / R
        if c["router"] == "expert-choice":
            losses["aux"] += (jax.nn.softplus(r) - mask * r).mean() / R
        if c["z_weight"] > 0: losses["z"] += (r ** 2).mean() / R
        rows = []
        for row in range(B):
            # Every token computes, only the chosen may be seen and only they are added: the sparse form must agree.
            ok = causal & (mask[row][None, :] > 0) | np.eye(S, dtype=bool)
            d = delta(p, b, x[row], c["h"], ok)
            rows.append(x[row] + (mask[row] * GATE[c["gate"]](r[row]))[:, None] * d)
        x = jnp.stack(rows)
    return norm(p, "ln_f", x) @ p["wte.weight"].T, losses, trace

def total_of(p, c, tokens, targets, seed):
    logits, losses, trace = forward(p, c, tokens, seed)
    ce = -jnp.take_along_axis(jax.nn.log_softmax(logits), targets[..., None], -1).mean()
    total = ce + c["balance_weight"] * losses["balance"] + c["z_weight"] * losses["z"] + c["aux_weight"] * losses["aux"]
    return total, (ce, losses, logits, trace)

def case(out, name, seed, **c):
    c["routed"] = [i for i in range(c["L"]) if i % c["every"] == c["every"] - 1]; c["seed"] = seed; c["noise_seed"] = 1000 * seed
    p = parameters(c, seed); t = {f"param/{k}": v for k, v in p.items()}
    p = {k: jnp.asarray(v, jnp.float64) for k, v in p.items()}
    steps = np.random.default_rng(seed + 1).integers(0, c["V"], (10, c["B"], c["S"] + 1))
    step = jax.value_and_grad(total_of, has_aux=True); used = lambda: {"balance"} if c["router"] == "token-choice" else {"aux"} if c["router"] == "expert-choice" else set()
    curve, m, v, info = [], {k: 0. for k in p}, {k: 0. for k in p}, {}
    for n, s in enumerate(steps):
        (total, (ce, losses, logits, trace)), g = step(p, c, s[:, :-1], s[:, 1:], c["noise_seed"] + n)
        if n == 0:
            t |= {f"grad/{k}": np.asarray(x) for k, x in g.items()} | {"logits": np.asarray(logits), "tokens": steps.astype(np.int64)}
            t |= {f"trace/{k}": x for k, x in trace.items()}
            info = dict(case=c, ce=float(ce), total=float(total)) | {k: float(losses[k]) for k in used() | ({"z"} if c["z_weight"] > 0 else set())}
        size = math.sqrt(sum(float((x ** 2).sum()) for x in g.values())); scale = min(1., 1. / (size + 1e-6))
        for k in p:
            m[k] = .9 * m[k] + .1 * g[k] * scale; v[k] = .95 * v[k] + .05 * (g[k] * scale) ** 2
            decay = 1 - 1e-3 * .1 if p[k].ndim >= 2 else 1
            p[k] = p[k] * decay - 1e-3 * (m[k] / (1 - .9 ** (n + 1))) / (jnp.sqrt(v[k] / (1 - .95 ** (n + 1))) + 1e-8)
        curve.append(dict(total=float(total), ce=float(ce), grad_norm=size))
    t |= {f"after10/{k}": np.asarray(x) for k, x in p.items()}
    info |= dict(ten_steps=curve, jax=jax.__version__)
    save_file({k: np.ascontiguousarray(x) for k, x in t.items()}, f"{out}/{name}.safetensors"); json.dump(info, open(f"{out}/{name}.json", "w"), indent=1)
    print(name, info["ce"], info["total"], {k: x.tolist()[0] for k, x in trace.items()})

if __name__ == "__main__":
    base = dict(V=31, S=16, D=16, h=2, L=4, B=2, every=2, aux_weight=0., balance_weight=0., z_weight=0., predictor=False)
    case(sys.argv[1], "token_choice", 21, **base | dict(router="token-choice", capacity=.5, gate="sigmoid", balance_weight=.05, z_weight=.02))
    case(sys.argv[1], "token_choice_tight", 22, **base | dict(router="token-choice", capacity=.125, gate="tanh", balance_weight=.1))
    case(sys.argv[1], "random", 23, **base | dict(router="random", capacity=.25, gate="sigmoid"))
    case(sys.argv[1], "expert_choice_z", 24, **base | dict(router="expert-choice", capacity=.25, gate="raw", aux_weight=.03, z_weight=.01))
