"""Times diffusers on the bundled model on this machine's CPU and prints one JSON object; the figures Fluxion's `bench/` is held against.

  cold_seconds   a new process: start Python, import, load, one 128 x 128 picture of 4 steps, PNG written (the best of three, files in the page cache)
  encode, step, decode   medians in seconds within one process after warming up
Run from the repository root, with nothing else running: python tools/reference/time_diffusers.py [float32|bfloat16 ...]
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PROMPT = "a red house in the mountains at sunset"
SIZE, STEPS, TEXT, ROUNDS = 128, 4, 32, 20


def load(dtype: str):  # noqa: ANN201 - diffusers is imported only when a picture is wanted, as a cold process does
    import torch
    from diffusers import FluxPipeline

    pipeline = FluxPipeline.from_pretrained(REPOSITORY / "models/tiny", dtype=getattr(torch, dtype), local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def draw(pipeline, seed: int):  # noqa: ANN001, ANN201
    import torch

    return pipeline(
        PROMPT, height=SIZE, width=SIZE, num_inference_steps=STEPS, max_sequence_length=TEXT, generator=torch.Generator().manual_seed(seed)
    ).images[0]


def cold(dtype: str) -> float:
    """Wall seconds of a whole process that draws one picture."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run([sys.executable, __file__, "--picture", dtype, f"{folder}/picture.png"], check=True, capture_output=True)
        return time.perf_counter() - start


def warm(dtype: str) -> dict[str, float]:
    """Median seconds of each stage of a picture, and of the whole."""
    pipeline = load(dtype)
    times: dict[str, list[float]] = {"encode": [], "step": [], "decode": [], "picture": []}

    def timed(owner: object, method: str, stage: str) -> None:
        original = getattr(owner, method)

        def wrapper(*args: object, **options: object) -> object:
            start = time.perf_counter()
            result = original(*args, **options)
            times[stage].append(time.perf_counter() - start)
            return result

        setattr(owner, method, wrapper)

    timed(pipeline, "encode_prompt", "encode")
    timed(pipeline.transformer, "forward", "step")
    timed(pipeline.vae, "decode", "decode")
    draw(pipeline, 0)
    draw(pipeline, 0)
    for stage in times.values():
        stage.clear()
    for seed in range(ROUNDS):
        start = time.perf_counter()
        draw(pipeline, seed)
        times["picture"].append(time.perf_counter() - start)
    return {stage: round(statistics.median(values), 4) for stage, values in times.items()}


def main() -> None:
    if sys.argv[1:2] == ["--picture"]:
        dtype, path = sys.argv[2:]
        draw(load(dtype), 0).save(path)
        return
    import diffusers
    import torch

    results = {dtype: {"cold_seconds": round(min(cold(dtype) for _ in range(3)), 2), **warm(dtype)} for dtype in sys.argv[1:] or ["float32", "bfloat16"]}
    request = {"size": SIZE, "steps": STEPS, "max_sequence_length": TEXT}
    versions = {"torch": torch.__version__, "diffusers": diffusers.__version__}
    print(json.dumps({"versions": versions, "threads": torch.get_num_threads(), "request": request, "results": results}, indent=2))


if __name__ == "__main__":
    main()
