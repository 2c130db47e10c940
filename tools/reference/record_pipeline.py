"""Records what diffusers computes, in float32 on the CPU, for the parity tests: test/fixtures/parity/*.safetensors and cases.json.

Each case is one call of FluxPipeline. A file holds, per case:
  clip_ids [P,77], t5_ids [P,S]      token ids of the P prompts (int32)
  pooled [P,width], text [P,S,width]  CLIP's pooled embedding and T5's sequence
  sigmas [steps+1]                    after shifting, with the closing 0
  noise [B,tokens,64]                 initial latents, packed; image i is drawn from seeds[i]
  velocity.I, latents.I [B,tokens,64] the transformer's output at step I and the latents after it, for the recorded steps; the last step is always one
  image [B,H,W,3]                     uint8 RGB
Run from the repository root; see README.md beside this file.
"""

import json
from pathlib import Path

import diffusers
import numpy as np
import torch
import transformers
from diffusers import FluxPipeline
from safetensors.numpy import save_file

from random_flux import build
from record_components import record_components

REPOSITORY = Path(__file__).resolve().parents[2]
OUTPUT = REPOSITORY / "test/fixtures/parity"
TINY, RANDOM = "models/tiny", "test/fixtures/random-flux"


def case(name: str, model: str, prompts: list[str], height: int, width: int, steps: int, seed: int, **options: object) -> dict:
    """Describes one request; the keys are those of cases.json."""
    request = {
        "name": name, "model": model, "prompts": prompts, "prompts_2": None, "height": height, "width": width, "num_inference_steps": steps, "sigmas": None,
        "guidance_scale": 3.5, "max_sequence_length": 32, "num_images_per_prompt": 1, "recorded_steps": list(range(steps)), **options,
    }
    images = len(prompts) * request["num_images_per_prompt"]
    return {**request, "seeds": [seed + i for i in range(images)]}


HOUSE = "a red house in the mountains at sunset"
LONG = " ".join(["a white sailboat on the ocean at night, a lighthouse on the left, pine trees and clouds on the right,"] * 6)
CASES = [
    case("tiny-square", TINY, [HOUSE], 128, 128, 4, 0),
    case("tiny-wide-one-step", TINY, ["a lighthouse by the sea at night"], 96, 160, 1, 7),
    case("tiny-tall", TINY, ["a yellow hot air balloon over the desert, noon"], 256, 128, 4, 12345, recorded_steps=[0, 2, 3]),
    case("tiny-28-steps", TINY, ["green hills with pine trees at sunrise, clouds"], 128, 128, 28, 3, recorded_steps=[0, 1, 13, 27]),
    case("tiny-batch-3", TINY, ["a blue sailboat on the ocean"], 128, 128, 4, 100, num_images_per_prompt=3, recorded_steps=[3]),
    case("tiny-empty-prompt", TINY, [""], 64, 64, 2, 1, max_sequence_length=512),
    case("tiny-prompt-2", TINY, ["a cactus in the desert"], 80, 112, 4, 2**32 - 1, prompts_2=["an orange house on the right, dusk"], max_sequence_length=48),
    case("tiny-truncated", TINY, [LONG], 64, 48, 2, 42, max_sequence_length=24, sigmas=[0.9, 0.5]),
    case("tiny-two-prompts", TINY, [HOUSE, "a starry sky over the sea"], 64, 64, 2, 9, num_images_per_prompt=2, recorded_steps=[1]),
    case("random-one-step", RANDOM, [HOUSE], 48, 80, 1, 5),
    case("random-guidance-7", RANDOM, [HOUSE], 48, 80, 4, 5, guidance_scale=7.0),
    case("random-batch-2", RANDOM, ["a cat"], 80, 48, 4, 11, guidance_scale=0.0, num_images_per_prompt=2),
    case("random-sigmas", RANDOM, ["pink trees"], 112, 64, 4, 8, sigmas=[1.0, 0.8, 0.45, 0.1], max_sequence_length=128),
    case("random-prompt-2", RANDOM, [""], 16, 32, 2, 21, prompts_2=[LONG], max_sequence_length=512),
]


def load(model: str) -> FluxPipeline:
    pipeline = FluxPipeline.from_pretrained(REPOSITORY / model, dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def run(pipeline: FluxPipeline, request: dict) -> dict[str, np.ndarray]:
    """Calls the pipeline once, looking over its shoulder."""
    inputs: dict[str, torch.Tensor] = {}
    velocities: list[torch.Tensor] = []
    latents: list[torch.Tensor] = []

    def before(_module: object, _args: tuple, arguments: dict) -> None:
        inputs.update({key: value.clone() for key, value in arguments.items() if isinstance(value, torch.Tensor) and key not in inputs})

    def after_step(_pipeline: object, _index: int, _time: object, values: dict) -> dict:
        latents.append(values["latents"].clone())
        return values

    hooks = [
        pipeline.transformer.register_forward_pre_hook(before, with_kwargs=True),
        pipeline.transformer.register_forward_hook(lambda _module, _args, output: velocities.append(output[0].clone())),
    ]
    images = pipeline(
        prompt=request["prompts"], prompt_2=request["prompts_2"], height=request["height"], width=request["width"],
        num_inference_steps=request["num_inference_steps"], sigmas=request["sigmas"], guidance_scale=request["guidance_scale"],
        num_images_per_prompt=request["num_images_per_prompt"], max_sequence_length=request["max_sequence_length"],
        generator=[torch.Generator().manual_seed(seed) for seed in request["seeds"]], callback_on_step_end=after_step,
    ).images
    for hook in hooks:
        hook.remove()

    def ids(tokenizer: transformers.PreTrainedTokenizerBase, prompts: list[str], length: int) -> torch.Tensor:
        return tokenizer(prompts, padding="max_length", max_length=length, truncation=True, return_tensors="pt").input_ids.int()

    each = request["num_images_per_prompt"]
    tensors = {
        "clip_ids": ids(pipeline.tokenizer, request["prompts"], 77),
        "t5_ids": ids(pipeline.tokenizer_2, request["prompts_2"] or request["prompts"], request["max_sequence_length"]),
        "pooled": inputs["pooled_projections"][::each],
        "text": inputs["encoder_hidden_states"][::each],
        "sigmas": pipeline.scheduler.sigmas,
        "noise": inputs["hidden_states"],
    }
    for step in request["recorded_steps"]:
        tensors[f"velocity.{step}"], tensors[f"latents.{step}"] = velocities[step], latents[step]
    return {key: value.contiguous().numpy() for key, value in tensors.items()} | {"image": np.stack([np.asarray(image) for image in images])}


def describe(request: dict, tensors: dict[str, np.ndarray]) -> str:
    """One line that shows at a glance whether a case is degenerate."""
    last = request["recorded_steps"][-1]
    names = ("pooled", "text", f"velocity.{last}", f"latents.{last}")
    rms = ", ".join(f"{name} {np.sqrt(np.mean(np.square(tensors[name]))):.3f}" for name in names)
    image = tensors["image"]
    clipped = float(np.mean((image == 0) | (image == 255)))
    return f"{request['name']:20} rms: {rms}; image: mean {image.mean():.1f}, std {image.std():.1f}, clipped {clipped:.3f}"


def main() -> None:
    torch.set_num_threads(1)  # one thread: the order of summation, and so every bit, is the same in each run
    torch.set_grad_enabled(False)
    diffusers.logging.set_verbosity_error()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    diffusers.logging.disable_progress_bar()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    build(REPOSITORY / RANDOM, REPOSITORY / TINY)
    for name, model in (("tiny", TINY), ("random", RANDOM)):
        pipeline = load(model)
        save_file(record_components(pipeline), OUTPUT / f"components-{name}.safetensors")
        for request in (each for each in CASES if each["model"] == model):
            tensors = run(pipeline, request)
            save_file(tensors, OUTPUT / f"{request['name']}.safetensors")
            print(describe(request, tensors))
    versions = {"torch": torch.__version__.split("+")[0], "diffusers": diffusers.__version__, "transformers": transformers.__version__}
    (OUTPUT / "cases.json").write_text(json.dumps({"versions": versions, "cases": CASES}, indent=2) + "\n")


if __name__ == "__main__":
    main()
