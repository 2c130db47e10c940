"""Times full-size steps of FLUX.1 dev in stable-diffusion.cpp on this machine's CPU for bench/versus.ts, which starts it:
python tools/reference/time_sdcpp.py FOLDER [TYPE]

Needs stable-diffusion-cpp-python, built for this processor: CMAKE_ARGS=-DGGML_NATIVE=ON pip install --no-deps stable-diffusion-cpp-python==0.4.7
TYPE is a type of ggml's, q8_0 unless given. FOLDER gets a transformer, an autoencoder and CLIP of random weights, 13 GB, the first time. LAYERS=5,10
in the environment makes a transformer of five double and ten single blocks instead of 19 and 38.

A line `step SIDE` on standard input is answered by one JSON object: `seconds` of wall clock and `cpu` seconds of all threads, the second
step of two. `decode SIDE` is answered alike, for what follows the only step of a square picture. For a step, SIDE is a picture's in pixels whose step has as many tokens with 512 of text: T5 is left out, to save 5 GB, and the program then computes with 256
zeros of text. So the picture is made wider by 256 tokens.
"""

import json
import os
import sys
import time
from pathlib import Path

import gguf
import numpy
import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file
from stable_diffusion_cpp import StableDiffusion
from transformers import CLIPTextConfig, CLIPTextModel

WIDTH, HEAD, MLP = 3072, 128, 12288
THREADS = os.cpu_count()
DOUBLE, SINGLE = map(int, os.environ.get("LAYERS", "19,38").split(","))


def matrices() -> dict[str, tuple[int, int]]:
    """Output and input sizes of every linear layer, by the names of Black Forest Labs' files."""
    found = {"img_in": (WIDTH, 64), "txt_in": (WIDTH, 4096), "final_layer.linear": (64, WIDTH), "final_layer.adaLN_modulation.1": (2 * WIDTH, WIDTH)}
    for name, width in (("time_in", 256), ("vector_in", 768), ("guidance_in", 256)):
        found |= {f"{name}.in_layer": (WIDTH, width), f"{name}.out_layer": (WIDTH, WIDTH)}
    for block in range(DOUBLE):
        for side in ("img", "txt"):
            layers = {"mod.lin": (6 * WIDTH, WIDTH), "attn.qkv": (3 * WIDTH, WIDTH), "attn.proj": (WIDTH, WIDTH), "mlp.0": (MLP, WIDTH), "mlp.2": (WIDTH, MLP)}
            found |= {f"double_blocks.{block}.{side}_{layer}": size for layer, size in layers.items()}
    for block in range(SINGLE):
        layers = {"modulation.lin": (3 * WIDTH, WIDTH), "linear1": (3 * WIDTH + MLP, WIDTH), "linear2": (WIDTH, WIDTH + MLP)}
        found |= {f"single_blocks.{block}.{layer}": size for layer, size in layers.items()}
    return found


def write_transformer(path: Path, kind: gguf.GGMLQuantizationType) -> None:
    """Every matrix of a size is the same random numbers."""
    generator = numpy.random.default_rng(0)
    writer = gguf.GGUFWriter(path, "flux")
    of_size: dict[tuple[int, int], numpy.ndarray] = {}
    for name, size in matrices().items():
        if size not in of_size:
            of_size[size] = gguf.quants.quantize(generator.normal(0, 0.02, size).astype(numpy.float32), kind)
        writer.add_tensor(f"{name}.weight", of_size[size], raw_dtype=kind)
        writer.add_tensor(f"{name}.bias", numpy.zeros(size[0], numpy.float32))
    heads = [f"double_blocks.{block}.{side}_attn.norm" for block in range(DOUBLE) for side in ("img", "txt")] + [f"single_blocks.{block}.norm" for block in range(SINGLE)]
    for name in heads:
        for part in ("query_norm", "key_norm"):
            writer.add_tensor(f"{name}.{part}.scale", numpy.ones(HEAD, numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_autoencoder(folder: Path) -> None:
    blocks = 4
    AutoencoderKL(
        latent_channels=16, block_out_channels=(128, 256, 512, 512), layers_per_block=2, use_quant_conv=False, use_post_quant_conv=False,
        down_block_types=("DownEncoderBlock2D",) * blocks, up_block_types=("UpDecoderBlock2D",) * blocks,
    ).save_pretrained(folder)


def write_clip(path: Path) -> None:
    model = CLIPTextModel(CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12))
    save_file({f"text_model.{name.removeprefix('text_model.')}": value for name, value in model.state_dict().items()}, path)


def main() -> None:
    folder, kind = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "q8_0"
    transformer, autoencoder = folder / f"flux1-dev-{DOUBLE}-{SINGLE}-{kind}.gguf", folder / "vae/diffusion_pytorch_model.safetensors"
    clip = folder / "clip.safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    if not transformer.exists():
        partial = transformer.with_suffix(".partial")
        write_transformer(partial, gguf.GGMLQuantizationType[kind.upper()])
        partial.rename(transformer)
    if not autoencoder.exists():
        write_autoencoder(autoencoder.parent)
    if not clip.exists():
        write_clip(clip)
    torch.set_num_threads(1)
    program = StableDiffusion(
        diffusion_model_path=str(transformer), vae_path=str(autoencoder), clip_l_path=str(clip), vae_decode_only=True, n_threads=THREADS,
        verbose=False,
    )
    for line in sys.stdin:
        part, side = line.split()
        if part not in ("step", "decode"):
            raise SystemExit(f"expected 'step SIDE' or 'decode SIDE', found {line!r}")
        height = int(side)
        # A token is 16 pixels wide and high.
        width = height + 256 * 256 // height if part == "step" else height
        marks: list[tuple[float, float]] = []
        program.generate_image(
            prompt="a house", width=width, height=height, cfg_scale=1, guidance=3.5, sample_steps=2 if part == "step" else 1, sample_method="euler",
            progress_callback=lambda *_: marks.append((time.perf_counter(), time.process_time())),
        )
        marks.append((time.perf_counter(), time.process_time()))
        # The first mark is the beginning; those after the steps are the autoencoder's.
        (wall, cpu), (later, used) = (marks[1], marks[2]) if part == "step" else (marks[1], marks[-1])
        print(json.dumps({"seconds": later - wall, "cpu": used - cpu}), flush=True)


if __name__ == "__main__":
    main()
