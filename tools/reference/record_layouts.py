"""Records how checkpoints are spelled, for test/weights/folders/pipeline-folder.test.ts.

Writes test/fixtures/checkpoint/: `keys.json.gz`, every key and shape of the full-size FLUX.1 parts as diffusers and transformers
name them; `bfl.safetensors`, a small transformer in Black Forest Labs' names filled with counting numbers; and
`diffusers.safetensors`, the same after diffusers' own converter.

    python tools/reference/record_layouts.py           # needs torch, diffusers, transformers, safetensors
"""

import gzip
import inspect
import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, FluxTransformer2DModel
from diffusers.loaders import single_file_utils
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

OUT = Path(__file__).parents[2] / "test/fixtures/checkpoint"
WIDTH = 8
VAE = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "latent_channels": 16,
    "layers_per_block": 2,
    "use_quant_conv": False,
    "use_post_quant_conv": False,
}


def full_size() -> dict[str, dict[str, list[int]]]:
    """Keys and shapes of the published models, built without memory."""
    with torch.device("meta"):
        models = {
            "dev": FluxTransformer2DModel(guidance_embeds=True),
            "schnell": FluxTransformer2DModel(),
            "clip": CLIPTextModel(CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_attention_heads=12, projection_dim=768)),
            "t5": T5EncoderModel(T5Config(d_model=4096, d_kv=64, d_ff=10240, num_layers=24, num_heads=64, feed_forward_proj="gated-gelu")),
            "vae": AutoencoderKL(**VAE),
        }
    # Tied tensors are saved once, under the name that is not tied.
    skipped = {"encoder.embed_tokens.weight"}
    return {name: {k: list(v.shape) for k, v in model.state_dict().items() if k not in skipped} for name, model in models.items()}


def bfl() -> dict[str, torch.Tensor]:
    """A transformer of one double and two single blocks, width 8, whose every number is different; BFL `src/flux/model.py`."""
    d, mlp = WIDTH, 4 * WIDTH
    linear = {
        "img_in": (d, 4), "txt_in": (d, 5), "time_in.in_layer": (d, 6), "time_in.out_layer": (d, d), "vector_in.in_layer": (d, 3),
        "vector_in.out_layer": (d, d), "guidance_in.in_layer": (d, 6), "guidance_in.out_layer": (d, d), "final_layer.linear": (4, d),
        "final_layer.adaLN_modulation.1": (2 * d, d),
    }  # fmt: skip
    scale = []
    for stream in ("img", "txt"):
        block = "double_blocks.0"
        linear |= {f"{block}.{stream}_mod.lin": (6 * d, d), f"{block}.{stream}_attn.qkv": (3 * d, d), f"{block}.{stream}_attn.proj": (d, d)}
        linear |= {f"{block}.{stream}_mlp.0": (mlp, d), f"{block}.{stream}_mlp.2": (d, mlp)}
        scale += [f"{block}.{stream}_attn.norm.{kind}_norm.scale" for kind in ("query", "key")]
    for i in range(2):
        block = f"single_blocks.{i}"
        linear |= {f"{block}.modulation.lin": (3 * d, d), f"{block}.linear1": (3 * d + mlp, d), f"{block}.linear2": (d, d + mlp)}
        scale += [f"{block}.norm.{kind}_norm.scale" for kind in ("query", "key")]
    tensors, next_value = {}, 0
    shapes = {f"{name}.weight": shape for name, shape in linear.items()} | {f"{name}.bias": shape[:1] for name, shape in linear.items()}
    for name, shape in (shapes | {name: (d // 2,) for name in scale}).items():
        count = torch.Size(shape).numel()
        tensors[name] = torch.arange(next_value, next_value + count, dtype=torch.float32).reshape(shape)
        next_value += count
    return tensors


def convert(checkpoint: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """diffusers' converter, with the width it has written into it replaced."""
    source = inspect.getsource(single_file_utils.convert_flux_transformer_checkpoint_to_diffusers)
    assert "inner_dim = 3072" in source
    scope = vars(single_file_utils).copy()
    exec(source.replace("inner_dim = 3072", f"inner_dim = {WIDTH}"), scope)
    converted = scope["convert_flux_transformer_checkpoint_to_diffusers"](dict(checkpoint))
    return {name: tensor.contiguous() for name, tensor in converted.items()}


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    keys = json.dumps(full_size(), separators=(",", ":")).encode()
    (OUT / "keys.json.gz").write_bytes(gzip.compress(keys, 9, mtime=0))
    small = bfl()
    save_file(small, OUT / "bfl.safetensors")
    save_file(convert(small), OUT / "diffusers.safetensors")
    for path in sorted(OUT.iterdir()):
        print(path.name, path.stat().st_size)


main()
