"""Loads an exported dense run in the Hugging Face library and compares its loss with Fathom's own evaluation.

    ./submit.sh evaluate --run RUN && ./submit.sh export --run RUN
    python3 src/test/reference/load_in_transformers.py RUN CORPUS

RUN is local; CORPUS is the prepared corpus it was evaluated on, of the tokenizer `bytes` or `gpt2`. Needs the packages
torch and transformers. Not part of the build, which needs no Python packages.
"""
import json
import pathlib
import struct
import sys

import torch
from transformers import GPT2LMHeadModel

run, corpus = map(pathlib.Path, sys.argv[1:])
evaluation = json.loads((run / "evaluation" / "evaluation.json").read_text())
model, report = GPT2LMHeadModel.from_pretrained(run / "model", output_loading_info=True)
for kind, keys in report.items():
    assert not keys, f"{kind}: {keys}"
context = model.config.n_positions
wanted = evaluation["sequences"] * context + 1

tokens = []
manifest = json.loads((corpus / "manifest.json").read_text())
for shard in manifest["validation"]["shards"]:
    data = (corpus / shard["file"]).read_bytes()
    width = struct.unpack_from("<I", data, 12)[0]
    assert width == 2, f"{shard['file']}: tokens of {width} bytes, expected 2"
    tokens += struct.unpack_from(f"<{shard['tokens']}H", data, 64)
    if len(tokens) >= wanted:
        break

model.eval()
total = 0.0
with torch.no_grad():
    for i in range(evaluation["sequences"]):
        window = torch.tensor(tokens[i * context : (i + 1) * context + 1])
        logits = model(window[:-1].unsqueeze(0)).logits[0]
        total += torch.nn.functional.cross_entropy(logits, window[1:]).item() / evaluation["sequences"]
own = evaluation["modes"][0]["loss"]
print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {evaluation['sequences']} sequences of {context}")
print(f"loss: transformers {total:.7f}, Fathom {own:.7f}, difference {total - own:+.1e}")
assert abs(total - own) < 1e-5 * own, "the losses differ"
