"""Records diffusers' FirstBlockCache, in float32 on the CPU: test/fixtures/first-block-cache/{NAME.safetensors,cases.json}.

Each case is one call of FluxPipeline with the cache applied to its transformer. A file holds, per case:
  pooled [1,width], text [1,S,width]   CLIP's pooled embedding and T5's sequence
  noise [B,tokens,C]                   initial latents, packed; image i is drawn from seed + i
  latents.I [B,tokens,C]               latents after step I, for the recorded steps
and cases.json the requests, and for each the steps, from 1, whose blocks after the first were skipped.
Run from the repository root; see README.md beside this file.
"""

import json
from pathlib import Path

import diffusers
import torch
from diffusers import FirstBlockCacheConfig, FluxPipeline
from safetensors.torch import save_file

REPOSITORY = Path(__file__).resolve().parents[2]
OUTPUT = REPOSITORY / "test/fixtures/first-block-cache"
CASES = [
    {"name": "tiny-28-steps", "model": "models/tiny", "prompt": "a lighthouse by the sea at night", "height": 128, "width": 128, "num_inference_steps": 28,
     "guidance_scale": 3.5, "max_sequence_length": 32, "seed": 7, "batch": 1, "threshold": 0.12, "recorded_steps": [0, 13, 27]},
    {"name": "tiny-batch-2", "model": "models/tiny", "prompt": "green hills at sunrise", "height": 64, "width": 96, "num_inference_steps": 16,
     "guidance_scale": 3.5, "max_sequence_length": 32, "seed": 3, "batch": 2, "threshold": 0.2, "recorded_steps": [7, 15]},
    {"name": "random-two-layers", "model": "test/fixtures/random-flux", "prompt": "a cat", "height": 48, "width": 80, "num_inference_steps": 20,
     "guidance_scale": 3.5, "max_sequence_length": 32, "seed": 5, "batch": 1, "threshold": 0.6, "recorded_steps": [5, 19]},
]


def run(request: dict) -> tuple[dict[str, torch.Tensor], list[int]]:
    """Calls a pipeline once and returns what goes in and out, and the steps in which the last block was not run."""
    pipeline = FluxPipeline.from_pretrained(REPOSITORY / request["model"], dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    inputs: dict[str, torch.Tensor] = {}
    latents: list[torch.Tensor] = []
    computed: list[bool] = []
    # The hook of the cache replaces a block's forward; what it wraps runs only where the block does.
    last = pipeline.transformer.single_transformer_blocks[-1]
    plain = last.forward

    def counted(*args: object, **arguments: object) -> object:
        computed[-1] = True
        return plain(*args, **arguments)

    last.forward = counted
    pipeline.transformer.enable_cache(FirstBlockCacheConfig(threshold=request["threshold"]))

    def before(_module: object, _args: tuple, arguments: dict) -> None:
        computed.append(False)
        inputs.update({key: value.clone() for key, value in arguments.items() if isinstance(value, torch.Tensor) and key not in inputs})

    def after_step(_pipeline: object, _index: int, _time: object, values: dict) -> dict:
        latents.append(values["latents"].clone())
        return values

    pipeline.transformer.register_forward_pre_hook(before, with_kwargs=True)
    pipeline(
        prompt=request["prompt"], height=request["height"], width=request["width"], num_inference_steps=request["num_inference_steps"],
        guidance_scale=request["guidance_scale"], num_images_per_prompt=request["batch"], max_sequence_length=request["max_sequence_length"],
        generator=[torch.Generator().manual_seed(request["seed"] + i) for i in range(request["batch"])],
        callback_on_step_end=after_step, output_type="latent",
    )
    tensors = {
        "pooled": inputs["pooled_projections"][:1], "text": inputs["encoder_hidden_states"][:1], "noise": inputs["hidden_states"],
        **{f"latents.{step}": latents[step] for step in request["recorded_steps"]},
    }
    return {key: value.contiguous() for key, value in tensors.items()}, [step + 1 for step, whole in enumerate(computed) if not whole]


def main() -> None:
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    diffusers.logging.set_verbosity_error()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    cases = []
    for request in CASES:
        tensors, cached = run(request)
        save_file(tensors, OUTPUT / f"{request['name']}.safetensors")
        cases.append({**request, "cached_steps": cached})
        print(f"{request['name']}: skipped {len(cached)} of {request['num_inference_steps']}: {cached}")
    versions = {"torch": torch.__version__.split("+")[0], "diffusers": diffusers.__version__}
    (OUTPUT / "cases.json").write_text(json.dumps({"versions": versions, "cases": cases}, indent=2) + "\n")


if __name__ == "__main__":
    main()
