"""Times diffusers' full-size FLUX.1 blocks, steps, encoders and decoder on this machine's CPU for bench/versus.ts, which starts it: python tools/reference/time_blocks.py DTYPE [compile]

`compile` runs the blocks through torch.compile with freezing; the first answer for each part and size then includes the compilation.

A line `PART SIDE` on standard input is answered by one JSON object a line: `seconds` of wall clock and `cpu` seconds of all threads. PART is double,
single, step, encode (T5 and CLIP) or decode (the autoencoder's half); SIDE is the picture's in pixels. Weights are random; all 19 double blocks of a step
are one block used again and so are all 38 single ones and the 24 layers of T5: the same arithmetic in a twentieth of the memory, and no block is in any
cache when its turn comes again. 512 text tokens, batch 1.
LAYERS=5,10 in the environment makes a step of five double and ten single blocks.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from functools import cache

import torch
from diffusers import AutoencoderKL, FluxTransformer2DModel
from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

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


def encoders(dtype: torch.dtype, is_compiled: bool) -> Callable[[], object]:
    t5 = T5EncoderModel(T5Config(d_model=4096, d_kv=64, d_ff=10240, num_layers=1, num_heads=64, feed_forward_proj="gated-gelu")).to(dtype).eval()
    clip = CLIPTextModel(CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)).to(dtype).eval()
    layer = t5.encoder.block[0]
    t5.encoder.block = torch.nn.ModuleList([torch.compile(layer) if is_compiled else layer] * 24)
    words, pieces = torch.ones(1, 77, dtype=torch.int64), torch.ones(1, TEXT, dtype=torch.int64)
    encode = torch.compile(clip) if is_compiled else clip
    return lambda: (encode(words), t5(pieces))


def decoder(dtype: torch.dtype, is_compiled: bool) -> Callable[[torch.Tensor], object]:
    vae = AutoencoderKL(
        latent_channels=16, block_out_channels=(128, 256, 512, 512), layers_per_block=2, use_quant_conv=False, use_post_quant_conv=False,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    ).to(dtype).eval()
    return torch.compile(vae.decoder) if is_compiled else vae.decoder


def run(model: FluxTransformer2DModel, part: str, side: int, encode: Callable[[], Callable], decode: Callable[[], Callable]) -> None:
    dtype = model.dtype
    count = (side // 16) ** 2
    rows = torch.arange(count) // (side // 16)
    positions = torch.stack([torch.zeros(count), rows, torch.arange(count) % (side // 16)], 1)
    ids = torch.cat([torch.zeros(TEXT, 3), positions])
    if part == "step":
        guidance, moment = torch.tensor([3.5]), torch.tensor([0.5])
        sequence, pooled = torch.randn(1, TEXT, 4096).to(dtype), torch.randn(1, 768).to(dtype)
        call = lambda: model(torch.randn(1, count, 64).to(dtype), sequence, pooled, moment, positions, torch.zeros(TEXT, 3), guidance)  # noqa: E731
    elif part == "encode":
        call = encode()
    elif part == "decode":
        latents = torch.randn(1, 16, side // 8, side // 8).to(dtype)
        to_picture = decode()
        call = lambda: to_picture(latents)  # noqa: E731
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
    dtype, is_compiled = getattr(torch, sys.argv[1]), sys.argv[2:] == ["compile"]
    model = load(dtype)
    if is_compiled:
        compiled(model)
    encode, decode = cache(lambda: encoders(dtype, is_compiled)), cache(lambda: decoder(dtype, is_compiled))
    for line in sys.stdin:
        part, side = line.split()
        run(model, part, int(side), encode, decode)


if __name__ == "__main__":
    main()
