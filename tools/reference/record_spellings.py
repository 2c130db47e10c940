"""Records two name tables for test/weights/folders/formats.test.ts: what others call the tensors that we name as diffusers and transformers do.

Writes test/fixtures/checkpoint/spellings.json.gz: `ldm_vae`, latent-diffusion names of FLUX.1's autoencoder (BFL
`src/flux/modules/autoencoder.py`) by the names diffusers' converter gives them; `llama_t5`, llama.cpp's names of the T5 encoder by
those of transformers, from the gguf package.

    python tools/reference/record_spellings.py         # needs torch, diffusers, gguf
"""

import gzip
import json
from pathlib import Path

import gguf
import torch
from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

OUT = Path(__file__).parents[2] / "test/fixtures/checkpoint/spellings.json.gz"
LEVELS, RESNETS, LAYERS = 4, 2, 24
# Levels whose first resnet changes the number of channels: 128, 256, 512, 512.
ENCODER_SHORTCUTS, DECODER_SHORTCUTS = {1, 2}, {0, 1}


def resnet(name: str, shortcut: bool) -> list[str]:
    return [f"{name}.{part}" for part in ("norm1", "conv1", "norm2", "conv2")] + ([f"{name}.nin_shortcut"] if shortcut else [])


def middle(side: str) -> list[str]:
    attention = [f"{side}.mid.attn_1.{part}" for part in ("norm", "q", "k", "v", "proj_out")]
    return resnet(f"{side}.mid.block_1", False) + attention + resnet(f"{side}.mid.block_2", False)


def ldm_modules() -> list[str]:
    names = ["encoder.conv_in", "encoder.norm_out", "encoder.conv_out", "decoder.conv_in", "decoder.norm_out", "decoder.conv_out"]
    for level in range(LEVELS):
        for block in range(RESNETS):
            names += resnet(f"encoder.down.{level}.block.{block}", block == 0 and level in ENCODER_SHORTCUTS)
        for block in range(RESNETS + 1):
            names += resnet(f"decoder.up.{level}.block.{block}", block == 0 and level in DECODER_SHORTCUTS)
        if level != LEVELS - 1:
            names.append(f"encoder.down.{level}.downsample.conv")
        if level != 0:
            names.append(f"decoder.up.{level}.upsample.conv")
    return names + middle("encoder") + middle("decoder")


def ldm_vae() -> dict[str, str]:
    keys = [f"{module}.{parameter}" for module in ldm_modules() for parameter in ("weight", "bias")]
    # One number each, by which they are known again.
    checkpoint = {key: torch.full((1, 1, 1, 1) if key.endswith("weight") else (1,), i) for i, key in enumerate(keys)}
    config = {"down_block_types": ["DownEncoderBlock2D"] * LEVELS, "up_block_types": ["UpDecoderBlock2D"] * LEVELS, "layers_per_block": RESNETS}
    converted = convert_ldm_vae_checkpoint(checkpoint, config)
    return {name: keys[int(value.flatten()[0])] for name, value in converted.items()}


def llama_t5(names: list[str]) -> dict[str, str]:
    table = gguf.get_tensor_name_map(gguf.MODEL_ARCH.T5ENCODER, LAYERS)
    found = {name: table.get_name(name, try_suffixes=(".weight",)) for name in names}
    assert all(found.values()), [name for name, other in found.items() if not other]
    return found


keys = json.loads(gzip.decompress((OUT.parent / "keys.json.gz").read_bytes()))
spellings = {"ldm_vae": ldm_vae(), "llama_t5": llama_t5(list(keys["t5"]))}
assert spellings["ldm_vae"].keys() == keys["vae"].keys(), spellings["ldm_vae"].keys() ^ keys["vae"].keys()
OUT.write_bytes(gzip.compress(json.dumps(spellings, separators=(",", ":")).encode(), 9, mtime=0))
print(OUT.name, OUT.stat().st_size)
