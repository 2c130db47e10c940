"""Records torch's and JAX's random numbers, and diffusers' latent layout, for test/sampling/{noise,generator,latents}.test.ts.

Writes test/fixtures/sampling/noise.json, draws.json and latents.json. Small draws are stored whole (base64 of little-endian f32),
picture-sized ones as SHA-256 of the same bytes. torch has Philox on CUDA only: here its first normal values are worked
out in f64 with numpy, which the test holds against published values too.

    python tools/reference/record_noise.py             # needs torch (x86 with AVX2), jax, diffusers, numpy
"""

import base64
import hashlib
import json
import os
from pathlib import Path

os.environ["JAX_PLATFORMS"] = "cpu"

import diffusers
import jax
import jax.numpy as jnp
import numpy as np
import torch
from diffusers import FluxPipeline
from diffusers.utils.torch_utils import randn_tensor

OUT = Path(__file__).parents[2] / "test/fixtures/sampling"
TORCH = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
JAX = {"f32": jnp.float32, "bf16": jnp.bfloat16, "f16": jnp.float16}
SEEDS = [0, 1, 42, 2**31, 2**32 - 1, 2**32 + 5, 2**63 - 1, -1, -7]
# 2 to 15 values take torch's scalar path; sizes that are not multiples of 16 have a ragged tail.
SHAPES = [(1, 1, 1, 1), (1, 1, 1, 5), (1, 1, 3, 5), (1, 1, 4, 4), (1, 1, 1, 17), (1, 3, 5, 7), (1, 1, 1, 31), (1, 16, 4, 4)]
LARGE = [(1, 16, 12, 20), (1, 16, 128, 128)]


def torch_draw(seed: int, shape: tuple, dtype: str) -> np.ndarray:
    """One generator per image, seeded one apart, as pipelines are told to make a batch equal single runs."""
    generators = [torch.Generator().manual_seed(seed + i) for i in range(shape[0])]
    return randn_tensor(shape, generator=generators, dtype=TORCH[dtype]).to(torch.float32).numpy()


def jax_draw(seed: int, shape: tuple, dtype: str) -> np.ndarray:
    return np.asarray(jax.random.normal(jax.random.key(seed), shape, JAX[dtype]).astype(jnp.float32))


def philox_draw(seed: int, count: int) -> np.ndarray:
    """Philox-4x32-10 with a thread per value, counter [0, 0, thread, 0], and Box-Muller on the first two words."""
    low, high = np.uint64(0xFFFFFFFF), np.uint64(32)
    zero = np.zeros(count, np.uint64)
    counter = [zero, zero, np.arange(count, dtype=np.uint64), zero]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        first, second = counter[0] * np.uint64(0xD2511F53), counter[2] * np.uint64(0xCD9E8D57)
        counter = [
            (second >> high) ^ counter[1] ^ np.uint64(key[0]),
            second & low,
            (first >> high) ^ counter[3] ^ np.uint64(key[1]),
            first & low,
        ]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    radius = np.sqrt(-2 * np.log((counter[0] + 0.5) / 2**32))
    return radius * np.sin((counter[1] + 0.5) / 2**32 * 2 * np.pi)


def encode(values: np.ndarray) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode()


def case(kind: str, seed: int, shape: tuple, dtype: str) -> dict:
    values = (torch_draw if kind == "torch" else jax_draw)(seed, shape, dtype)
    data = values.astype("<f4").tobytes()
    stored = {"values": encode(values)} if len(data) <= 1024 else {"sha256": hashlib.sha256(data).hexdigest()}
    return {"kind": kind, "seed": str(seed), "shape": shape, "dtype": dtype} | stored


def noise() -> dict:
    cases = []
    for kind in ("torch", "jax"):
        for dtype in ("f32", "bf16", "f16"):
            cases += [case(kind, 42, shape, dtype) for shape in SHAPES]
            cases += [case(kind, seed, (1, 4, 4, 4), dtype) for seed in SEEDS]
            cases += [case(kind, 20240801, (3, 16, 4, 6), dtype), case(kind, 7, (3, 1, 3, 7), dtype)]
        cases += [case(kind, seed, shape, "f32") for seed in SEEDS for shape in LARGE]
        cases += [case(kind, 3, (4, 16, 128, 128), dtype) for dtype in ("f32", "bf16", "f16")]
    # torch alone takes unsigned seeds over 2^63.
    cases += [case("torch", seed, (1, 4, 4, 4), "f32") for seed in (2**63, 2**64 - 1)]

    philox = [
        {"seed": str(seed), "values": encode(philox_draw(seed % 2**64, 48))} for seed in (0, 42, 2**32 - 1, 2**40 + 3, -1)
    ]
    versions = {"torch": torch.__version__, "jax": jax.__version__, "numpy": np.__version__}
    return {"versions": versions, "cases": cases, "philox": philox}


# Values of successive draws: whole blocks, tails, a few at a time, odd ones whose pair's second value waits for its turn.
DRAWS = [[16, 16, 48], [64, 37, 64, 17], [5, 16, 1, 3, 40], [1, 1, 19, 2], [15, 31, 7, 16], [640, 640, 64]]


def draws() -> dict:
    """Several draws from one generator; of JAX's, from its key and from the keys folded in for each further draw."""
    cases = []
    for counts in DRAWS:
        for dtype in ("f32", "bf16", "f16"):
            generator, key = torch.Generator().manual_seed(42), jax.random.key(42)
            drawn = [torch.randn(n, generator=generator, dtype=TORCH[dtype]).to(torch.float32).numpy() for n in counts]
            keys = [key] + [jax.random.fold_in(key, n) for n in range(1, len(counts))]
            folded = [np.asarray(jax.random.normal(k, n, JAX[dtype]).astype(jnp.float32)) for k, n in zip(keys, counts)]
            for kind, values in (("torch", drawn), ("jax", folded)):
                data = np.concatenate(values).astype("<f4").tobytes()
                stored = {"values": encode(np.concatenate(values))} if len(data) <= 1024 else {"sha256": hashlib.sha256(data).hexdigest()}
                cases.append({"kind": kind, "seed": "42", "dtype": dtype, "counts": counts} | stored)
    return {"versions": {"torch": torch.__version__, "jax": jax.__version__}, "cases": cases}


def latents() -> dict:
    """Packing as a permutation: element i of the packed tensor is element order[i] of the original."""
    cases = []
    for batch, channels, width, height in [(1, 16, 16, 16), (1, 16, 96, 160), (1, 16, 256, 128), (2, 4, 160, 96), (3, 1, 48, 32)]:
        h, w = 2 * (height // 16), 2 * (width // 16)
        original = torch.arange(batch * channels * h * w, dtype=torch.float32).reshape(batch, channels, h, w)
        packed = FluxPipeline._pack_latents(original, batch, channels, h, w)
        unpacked = FluxPipeline._unpack_latents(original.reshape(packed.shape), height, width, 8)
        positions = FluxPipeline._prepare_latent_image_ids(batch, h // 2, w // 2, "cpu", torch.float32)
        short = lambda t: base64.b64encode(t.numpy().astype("<u2").tobytes()).decode()
        cases.append(
            {
                "width": width,
                "height": height,
                "shape": [batch, channels, h, w],
                "tokens": [packed.shape[1], packed.shape[2]],
                "packOrder": short(packed),
                "unpackOrder": short(unpacked),
                "positions": short(positions),
            }
        )
    return {"versions": {"diffusers": diffusers.__version__}, "cases": cases}


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    for name, body in (("noise.json", noise()), ("draws.json", draws()), ("latents.json", latents())):
        path = OUT / name
        path.write_text(json.dumps(body, indent=None, separators=(",", ":")).replace('{"kind"', '\n{"kind"') + "\n")
        print(f"{name}: {path.stat().st_size} bytes")


main()
