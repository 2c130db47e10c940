"""Records diffusers' FLUX.1 schedules for test/sampling/schedule.test.ts.

Runs FlowMatchEulerDiscreteScheduler the way FluxPipeline does and writes test/fixtures/sampling/schedule.json: for each
case the scheduler config, the request, and sigmas, timesteps and model timesteps as base64 of little-endian f32.

    python tools/reference/record_schedule.py          # needs torch, diffusers, numpy
"""

import base64
import json
from pathlib import Path

import diffusers
import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.flux.pipeline_flux import calculate_shift, retrieve_timesteps

OUT = Path(__file__).parents[2] / "test/fixtures/sampling/schedule.json"
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}

SCHNELL = {"shift": 1.0, "use_dynamic_shifting": False}
DEV = {"shift": 3.0, "use_dynamic_shifting": True}


def pack(values: torch.Tensor) -> str:
    return base64.b64encode(values.to(torch.float32).numpy().astype("<f4").tobytes()).decode()


def record(config: dict, image_tokens: int, steps: int | None = None, sigmas: list[float] | None = None) -> dict:
    scheduler = FlowMatchEulerDiscreteScheduler(**config)
    start = np.linspace(1.0, 1 / steps, steps) if sigmas is None else sigmas
    mu = calculate_shift(
        image_tokens,
        scheduler.config.base_image_seq_len,
        scheduler.config.max_image_seq_len,
        scheduler.config.base_shift,
        scheduler.config.max_shift,
    )
    timesteps, _ = retrieve_timesteps(scheduler, steps, "cpu", sigmas=start, mu=mu)
    return {
        "config": {key: scheduler.config[key] for key in scheduler.config if not key.startswith("_")}
        | {"_class_name": "FlowMatchEulerDiscreteScheduler"},
        "imageTokens": image_tokens,
        "steps": steps,
        "sigmas": sigmas,
        "mu": mu if scheduler.config.use_dynamic_shifting else None,
        "expected": {
            "sigmas": pack(scheduler.sigmas),
            "timesteps": pack(timesteps),
            # FluxPipeline casts and divides; FluxTransformer2DModel multiplies.
            "model": {name: pack((timesteps.to(dtype) / 1000) * 1000) for name, dtype in DTYPES.items()},
        },
    }


def main() -> None:
    cases = [record(SCHNELL, 4096, steps) for steps in (1, 2, 3, 4, 8)]
    cases += [record(DEV, tokens, steps) for tokens in (1, 60, 64, 128, 256, 1024, 4096, 6144) for steps in (1, 4, 28, 50)]
    cases += [record(DEV, 4096, steps) for steps in (7, 100, 1000)]
    custom = [1.0, 0.93, 0.7, 0.35, 0.1, 0.004]
    cases += [record(config, 1024, sigmas=custom) for config in (SCHNELL, DEV)]
    cases += [record({"shift": 3.0}, 64, 28), record({"shift": 1.15}, 64, 9)]
    cases += [record(DEV | {"time_shift_type": "linear"}, 1024, 12)]
    cases += [record(DEV | {"shift_terminal": 0.02}, 1024, 12), record(SCHNELL | {"shift_terminal": 0.1}, 1024, 5)]
    cases += [record(DEV | {"base_shift": 0.256, "max_shift": 1.7, "max_image_seq_len": 8192}, 900, 20)]
    scales = [0.0, 1.0, 1.3, 3.5, 4.25, 7.77, 30.0]
    guidance = {name: pack(torch.tensor(scales).to(dtype) * 1000) for name, dtype in DTYPES.items()}
    versions = {"diffusers": diffusers.__version__, "torch": torch.__version__, "numpy": np.__version__}
    body = {"versions": versions, "cases": cases, "guidance": {"scales": scales, "expected": guidance}}
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(body, indent=1) + "\n")
    print(f"{OUT.name}: {len(cases)} cases, {OUT.stat().st_size} bytes")


main()
