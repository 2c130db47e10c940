"""Times diffusers' full-size FLUX.1 blocks and steps on this machine's CPU for bench/versus.ts, which starts it: python tools/reference/time_blocks.py DTYPE [compile]

`compile` runs the blocks through torch.compile with freezing; the first answer for each part and size then includes the compilation.

A line `double SIDE`, `single SIDE` or `step SIDE` on standard input is answered by one JSON object a line: `seconds` of wall clock and `cpu` seconds of
all threads. Weights are random; all 19 double blocks of a step are one block used again and so are all 38 single ones: the same arithmetic in a
twentieth of the memory, and no block is in any cache when its turn comes again. 512 text tokens, batch 1. SIDE is the picture's in pixels.
LAYERS=5,10 in the environment makes a step of five double and ten single blocks.
"""

import json
import os
import sys
import time

import torch
from diffusers import FluxTransformer2DModel

TEXT = 512
DOUBLE, SINGLE = map(int, os.environ.get("LAYERS", "19,38").split(","))


def load(dtype: torch.dtype) -> FluxTransformer2DModel:
    with torch.device("meta"):
        model = FluxTransformer2DModel(num_layers=1, num_single_layers=1, guidance_embeds=True)
    model = model.to(dtype).to_empty(device="cpu").eval()
    generator = torch.Generator().manual_seed(0)
    for name, weight in model.named_parameters():
        weight.data.fill_(1.0) if "norm_" in name and weight.dim() == 1 else weight.data.normal_(0, 0.02, generator=generator)
    model.transformer_blocks = torch.nn.ModuleList([model.transformer_blocks[0]] * DOUBLE)
    model.single_transformer_blocks = torch.nn.ModuleList([model.single_transformer_blocks[0]] * SINGLE)
    return model


def compiled(model: FluxTransformer2DModel) -> None:
    """Compiles each kind of block once, for every use of it."""
    import torch._inductor.config as inductor

    inductor.freezing = True
    model.transformer_blocks = torch.nn.ModuleList([torch.compile(model.transformer_blocks[0])] * DOUBLE)
    model.single_transformer_blocks = torch.nn.ModuleList([torch.compile(model.single_transformer_blocks[0])] * SINGLE)


def run(model: FluxTransformer2DModel, part: str, side: int) -> None:
    dtype = model.dtype
    count = (side // 16) ** 2
    rows = torch.arange(count) // (side // 16)
    positions = torch.stack([torch.zeros(count), rows, torch.arange(count) % (side // 16)], 1)
    ids = torch.cat([torch.zeros(TEXT, 3), positions])
    if part == "step":
        guidance, moment = torch.tensor([3.5]), torch.tensor([0.5])
        sequence, pooled = torch.randn(1, TEXT, 4096).to(dtype), torch.randn(1, 768).to(dtype)
        call = lambda: model(torch.randn(1, count, 64).to(dtype), sequence, pooled, moment, positions, torch.zeros(TEXT, 3), guidance)  # noqa: E731
    else:
        rotary = model.pos_embed(ids)
        image, text, vector = (torch.randn(*shape).to(dtype) for shape in ((1, count, 3072), (1, TEXT, 3072), (1, 3072)))
        block = (model.transformer_blocks if part == "double" else model.single_transformer_blocks)[0]
        call = lambda: block(image, text, vector, rotary)  # noqa: E731
    wall, cpu = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        call()
    print(json.dumps({"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}), flush=True)


def main() -> None:
    model = load(getattr(torch, sys.argv[1]))
    if sys.argv[2:] == ["compile"]:
        compiled(model)
    for line in sys.stdin:
        part, side = line.split()
        run(model, part, int(side))


if __name__ == "__main__":
    main()
