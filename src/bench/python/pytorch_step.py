"""The PyTorch peer of the cuda engine: the same model and step, timed on the same GPU.

One step is zero_grad, forward under bf16 autocast, backward, clip_grad_norm_, fused AdamW; float32 master weights, as
Fathom's bf16 precision has them. Attention is scaled_dot_product_attention (FlashAttention). Prints one JSON line a row:
median and quartiles of 50 steps in ms, and peak memory.

    python3 pytorch_step.py [--rows NAME,...] [--modes eager,compile]
"""

import argparse
import json
import math
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

ROWS = {  # V, S, D, heads, blocks, B, routed
    "124m-dense": (50304, 1024, 768, 12, 12, 16, False),
    "124m-mod": (50304, 1024, 768, 12, 12, 16, True),
    "10m-dense": (256, 256, 384, 6, 6, 16, False),
    "10m-mod": (256, 256, 384, 6, 6, 16, True),
    "350m-dense": (50304, 1024, 1024, 16, 24, 8, False),
    "350m-mod": (50304, 1024, 1024, 16, 24, 8, True),
}
CAPACITY, AUX_WEIGHT = 0.125, 0.01


class Block(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.h = h
        self.ln_1, self.ln_2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.c_attn, self.attn_proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.c_fc, self.c_proj = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def delta(self, x):
        b, n, d = x.shape
        q, k, v = (t.view(b, n, self.h, -1).transpose(1, 2) for t in self.c_attn(self.ln_1(x)).split(d, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        y = self.attn_proj(y.transpose(1, 2).reshape(b, n, d))
        return y + self.c_proj(F.gelu(self.c_fc(self.ln_2(x + y)), approximate="tanh"))


class Model(nn.Module):
    def __init__(self, v, s, d, h, blocks, routed):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(v, d), nn.Embedding(s, d)
        self.blocks = nn.ModuleList(Block(d, h) for _ in range(blocks))
        self.routers = nn.ModuleDict({str(i): nn.Linear(d, 1, bias=False) for i in range(blocks) if routed and i % 2})
        self.ln_f = nn.LayerNorm(d)
        self.k = max(1, round(CAPACITY * s))
        for p in self.parameters():
            nn.init.normal_(p, std=0.02) if p.dim() > 1 else None

    def forward(self, tokens, targets):
        b, s = tokens.shape
        x = self.wte(tokens) + self.wpe.weight[:s]
        aux = []
        for i, block in enumerate(self.blocks):
            if str(i) not in self.routers:
                x = x + block.delta(x)
                continue
            with torch.autocast("cuda", enabled=False):
                r = self.routers[str(i)](x.float()).squeeze(-1)
            index = r.topk(self.k, dim=1).indices.sort(dim=1).values
            mask = torch.zeros_like(r).scatter(1, index, 1.0)
            aux.append(F.binary_cross_entropy_with_logits(r, mask))
            wide = index.unsqueeze(-1).expand(-1, -1, x.shape[-1])
            d = block.delta(x.gather(1, wide))
            gate = torch.sigmoid(r.gather(1, index)).unsqueeze(-1)
            x = x.scatter_add(1, wide, (gate * d).to(x.dtype))
        logits = F.linear(self.ln_f(x), self.wte.weight)
        loss = F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))
        return loss + AUX_WEIGHT * torch.stack(aux).mean() if aux else loss


def measure(name, mode, steps=50, warmup=15):
    v, s, d, h, blocks, b, routed = ROWS[name]
    torch.manual_seed(0)
    torch._dynamo.reset()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    model = Model(v, s, d, h, blocks, routed).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    run = model if mode == "eager" else torch.compile(model, mode=None if mode == "compile" else "reduce-overhead")
    tokens = torch.randint(v, (b, s), device="cuda")
    targets = torch.randint(v, (b, s), device="cuda")

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = run(tokens, targets)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss

    for _ in range(warmup):
        step()
    torch.cuda.synchronize()
    times = []
    for _ in range(steps):
        begin = time.perf_counter()
        loss = step()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - begin) * 1e3)
    times.sort()
    print(
        json.dumps(
            {
                "row": name,
                "mode": mode,
                "median_ms": round(times[steps // 2], 3),
                "quartiles_ms": [round(times[steps // 4], 3), round(times[3 * steps // 4], 3)],
                "peak_GiB": round(torch.cuda.max_memory_allocated() / 2**30, 2),
                "loss": round(loss.item(), 4),
                "finite": math.isfinite(loss.item()),
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--modes", default="eager,compile")
    arguments = parser.parse_args()
    torch.set_float32_matmul_precision("high")
    print(json.dumps({"torch": torch.__version__, "gpu": torch.cuda.get_device_name(0)}), flush=True)
    for mode in arguments.modes.split(","):
        for row in arguments.rows.split(","):
            measure(row, mode)
