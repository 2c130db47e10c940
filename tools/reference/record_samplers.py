"""Records samplers and schedules: test/fixtures/sampling/samplers.json, and pictures of the bundled model in test/fixtures/samplers/.

samplers.json holds, for the pure tests,
  quantiles     scipy's quantiles of beta distributions
  schedules     noise levels and timesteps of diffusers' schedulers (base64 of little-endian f32)
  trajectories  latents after every step of a sampler, with the velocity of `toy_velocity` in place of a model's
Each file in test/fixtures/samplers is one call of FluxPipeline, or of FluxImg2ImgPipeline or FluxInpaintPipeline, its scheduler replaced, with
  noise [B,tokens,64]                the initial latents, packed: of a picture to start from, noised
  sigmas [steps+1], timesteps [N]    as the scheduler has them, a timestep for each evaluation of the transformer
  latents [N,B,tokens,64]            after each evaluation
  image [B,H,W,3]                    uint8 RGB
FluxPipeline gives a scheduler no generator: here each picture's own is passed on, so that noise follows its initial noise.

    python tools/reference/record_samplers.py          # needs torch, diffusers, transformers, scipy
"""

import base64
import json
from pathlib import Path

import diffusers
import numpy as np
import scipy
import torch
import transformers
from diffusers import (
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
    FlowMatchLCMScheduler,
    FluxImg2ImgPipeline,
    FluxInpaintPipeline,
    FluxPipeline,
)
from diffusers.pipelines.flux.pipeline_flux import calculate_shift
from diffusers.utils.torch_utils import randn_tensor
from PIL import Image
from safetensors.numpy import save_file

REPOSITORY = Path(__file__).resolve().parents[2]
PURE = REPOSITORY / "test/fixtures/sampling/samplers.json"
PICTURES = REPOSITORY / "test/fixtures/samplers"

SCHNELL = {"shift": 1.0, "use_dynamic_shifting": False}
STATIC = {"shift": 3.0, "use_dynamic_shifting": False}
DEV = {"shift": 3.0, "use_dynamic_shifting": True}


class Heun(FlowMatchHeunDiscreteScheduler):
    """Heun's scheduler on the noise levels that FluxPipeline hands out, which its own `set_timesteps` does not take."""

    def __init__(self, levels: FlowMatchEulerDiscreteScheduler):
        super().__init__()
        self.levels = levels

    def set_timesteps(self, num_inference_steps=None, device=None, sigmas=None, mu=None):
        self.levels.set_timesteps(num_inference_steps, device, sigmas=sigmas, mu=mu)
        super().set_timesteps(len(self.levels.timesteps), device)
        levels, timesteps = self.levels.sigmas, self.levels.timesteps
        self.timesteps = torch.cat([timesteps[:1], timesteps[1:].repeat_interleave(2)])
        self.sigmas = torch.cat([levels[:1], levels[1:-1].repeat_interleave(2), levels[-1:]])


class EulerAncestral(FlowMatchEulerDiscreteScheduler):
    """The update of ComfyUI's sample_euler_ancestral_RF with eta 1 and s_noise 1, in float64; diffusers has none."""

    def step(self, model_output, timestep, sample, generator=None, return_dict=True):
        if self.step_index is None:
            self._init_step_index(timestep)
        now, after = self.sigmas[self.step_index].item(), self.sigmas[self.step_index + 1].item()
        self._step_index += 1
        x, clean = sample.double(), sample.double() - now * model_output.double()
        if after == 0:
            return (clean.to(sample.dtype),)
        down = after * (1 + (after / now - 1) * 1.0)
        ratio = down / now
        x = ratio * x + (1 - ratio) * clean
        again = (after**2 - down**2 * (1 - after) ** 2 / (1 - down) ** 2) ** 0.5
        x = (1 - after) / (1 - down) * x + again * randn_tensor(sample.shape, generator=generator, dtype=torch.float32).double()
        return (x.to(sample.dtype),)


def scheduler_of(sampler: str, config: dict, spacing: str = "default"):
    spaced = config if spacing == "default" else config | {f"use_{spacing}_sigmas": True}
    match sampler:
        case "euler":
            return FlowMatchEulerDiscreteScheduler(**spaced)
        case "euler_stochastic":
            return FlowMatchEulerDiscreteScheduler(**spaced, stochastic_sampling=True)
        case "euler_ancestral":
            return EulerAncestral(**spaced)
        case "heun":
            return Heun(FlowMatchEulerDiscreteScheduler(**spaced))
        case "lcm":
            return FlowMatchLCMScheduler(**spaced)
        case "dpmpp_2m":
            options = {"use_dynamic_shifting": True} if config["use_dynamic_shifting"] else {"flow_shift": config["shift"]}
            return DPMSolverMultistepScheduler(use_flow_sigmas=True, prediction_type="flow_prediction", **options)


STOCHASTIC = ("euler_stochastic", "euler_ancestral", "lcm")


def set_timesteps(scheduler, sampler: str, steps: int, tokens: int, sigmas: list[float] | None = None) -> None:
    """As FluxPipeline does."""
    mu = calculate_shift(tokens, 256, 4096, 0.5, 1.15) if getattr(scheduler, "levels", scheduler).config.use_dynamic_shifting else None
    if sampler == "dpmpp_2m":
        scheduler.set_timesteps(steps, mu=mu)
    else:
        scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / steps, steps) if sigmas is None else sigmas, mu=mu)


def pack(values) -> str:
    return base64.b64encode(np.asarray(values).astype("<f4").tobytes()).decode()


def toy_velocity(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """A linear map of the latents and a term that changes with the noise level t in [0, 1]."""
    i = torch.arange(x.numel(), dtype=torch.float32).reshape(x.shape)
    return 0.6 * x - 0.3 * x.flatten().roll(-1).reshape(x.shape) + t * t * (i % 3 - 1) + 0.5 * t


def trajectory(sampler: str, config: dict, steps: int, spacing: str = "default", sigmas: list[float] | None = None, own: bool = False) -> dict:
    scheduler = scheduler_of(sampler, config, spacing)
    if own:  # the levels that the scheduler has without a pipeline
        scheduler = FlowMatchHeunDiscreteScheduler(shift=config["shift"])
        scheduler.set_timesteps(steps)
    else:
        set_timesteps(scheduler, sampler, steps, 1024, sigmas)
    scheduler.set_begin_index(0)
    generator = torch.Generator().manual_seed(7)
    x = torch.randn([1, 6, 5], generator=generator)
    levels = scheduler.sigmas
    if sampler == "heun":
        levels = torch.cat([levels[:1], levels[1::2]]) if steps > 1 else levels
    states = []
    for t in scheduler.timesteps:
        given = {"generator": generator} if sampler in STOCHASTIC else {}
        x = scheduler.step(toy_velocity(x, t / 1000), t.float() if sampler != "dpmpp_2m" else t, x, return_dict=False, **given)[0]
        states.append(x)
    ends = states
    if sampler == "heun":  # those of whole steps: all but the predictions
        ends = [*states[1::2], states[-1]]
    timesteps = scheduler.timesteps if sampler != "heun" else torch.cat([scheduler.timesteps[:1], scheduler.timesteps[1::2]])
    return {
        "sampler": sampler, "steps": steps, "spacing": spacing, "levels": pack(levels), "timesteps": pack(timesteps),
        "states": [pack(state) for state in ends],
    }


def trajectories() -> list[dict]:
    cases = []
    for sampler in ("euler", "heun", "dpmpp_2m", "lcm", "euler_stochastic", "euler_ancestral"):
        cases += [trajectory(sampler, config, steps) for config, steps in ((SCHNELL, 4), (DEV, 8), (SCHNELL, 1), (DEV, 2))]
        if sampler != "dpmpp_2m":
            cases += [trajectory(sampler, DEV, 6, spacing) for spacing in ("karras", "exponential", "beta")]
            cases += [trajectory(sampler, SCHNELL, 4, sigmas=[1.0, 0.9, 0.4, 0.05])]
    cases += [trajectory("dpmpp_2m", DEV, 20), trajectory("heun", STATIC, 5, own=True)]
    return cases


def schedules() -> list[dict]:
    cases = []
    for config in (SCHNELL, STATIC, DEV):
        for tokens, steps in ((1024, 4), (4096, 28), (64, 1), (256, 2), (4096, 100)):
            requests = [("euler", spacing) for spacing in ("karras", "exponential", "beta")] + [("dpmpp_2m", "default")]
            for sampler, spacing in requests:
                scheduler = scheduler_of(sampler, config, spacing)
                set_timesteps(scheduler, sampler, steps, tokens)
                cases.append({
                    "config": config, "tokens": tokens, "steps": steps, "sigmas": None, "sampler": sampler, "spacing": spacing,
                    "expected": {"sigmas": pack(scheduler.sigmas), "timesteps": pack(scheduler.timesteps)},
                })
    for spacing in ("karras", "exponential", "beta"):
        sigmas = [0.95, 0.7, 0.6, 0.2, 0.02]
        scheduler = scheduler_of("euler", DEV | {"shift_terminal": 0.02}, spacing)
        set_timesteps(scheduler, "euler", 5, 900, sigmas)
        cases.append({
            "config": DEV | {"shift_terminal": 0.02}, "tokens": 900, "steps": None, "sigmas": sigmas, "sampler": "euler", "spacing": spacing,
            "expected": {"sigmas": pack(scheduler.sigmas), "timesteps": pack(scheduler.timesteps)},
        })
    return cases


def quantiles() -> list[dict]:
    p = [0, 1e-12, 1e-6, 0.001, 0.01, 1 / 27, 0.1, 0.25, 1 / 3, 0.5, 0.6, 0.75, 0.9, 0.99, 0.999, 1 - 1e-9, 1]
    shapes = [(0.6, 0.6), (0.5, 0.5), (1, 1), (2, 3.5), (0.3, 4), (30, 7)]
    return [{"a": a, "b": b, "p": p, "x": scipy.stats.beta.ppf(p, a, b).tolist()} for a, b in shapes]


def picture(sampler: str, steps: int, spacing: str = "default", seed: int = 0, count: int = 1, height: int = 64, width: int = 64, sigmas: list[float] | None = None, image: str | None = None, mask_image: str | None = None, strength: float = 1.0) -> dict:
    kind = ["blend"] if mask_image else ["start"] if image else []
    name = "-".join([*kind, sampler.replace("_", "-"), *([spacing] if spacing != "default" else []), str(steps)])
    return {
        "name": name, "sampler": sampler, "steps": steps, "spacing": spacing, "height": height, "width": width, "sigmas": sigmas,
        "seeds": [seed + i for i in range(count)], "prompt": "a red house in the mountains at sunset", "max_sequence_length": 32,
        **({"image": image, "strength": strength} if image else {}), **({"mask_image": mask_image} if mask_image else {}),
    }


HOUSE, MASK = "test/fixtures/conditions/house.png", "test/fixtures/conditions/mask.png"
CASES = [
    picture("heun", 4), picture("heun", 3, "karras", seed=3, height=96, width=64),
    picture("dpmpp_2m", 6, seed=1), picture("dpmpp_2m", 16, seed=2, height=64, width=96),
    picture("lcm", 4, seed=5), picture("lcm", 3, seed=8, count=2), picture("lcm", 2, sigmas=[0.9, 0.4]),
    picture("euler_stochastic", 4, "beta", seed=4), picture("euler_ancestral", 6, seed=6), picture("euler_ancestral", 5, "exponential"),
    picture("euler", 6, "karras"), picture("euler", 6, "exponential"), picture("euler", 6, "beta", height=128, width=128),
    picture("heun", 6, seed=21, image=HOUSE, strength=0.6), picture("lcm", 5, seed=22, image=HOUSE, strength=0.8),
    picture("euler_ancestral", 5, "beta", seed=23, image=HOUSE, strength=0.6),
    picture("heun", 5, seed=24, image=HOUSE, mask_image=MASK, strength=0.8), picture("lcm", 4, seed=25, image=HOUSE, mask_image=MASK, strength=1.0),
]


def run(pipeline: FluxPipeline, config: dict, request: dict) -> dict[str, np.ndarray]:
    sampler = request["sampler"]
    scheduler = pipeline.scheduler = scheduler_of(sampler, config, request["spacing"])
    generators = [torch.Generator().manual_seed(seed) for seed in request["seeds"]]
    if sampler in STOCHASTIC:
        step = scheduler.step
        scheduler.step = lambda *given, **options: step(*given, generator=generators, **options)
    inputs: list[torch.Tensor] = []
    latents: list[torch.Tensor] = []
    hook = pipeline.transformer.register_forward_pre_hook(lambda _module, _args, given: inputs.append(given["hidden_states"].clone()), with_kwargs=True)

    def after_step(_pipeline: object, _index: int, _time: object, values: dict) -> dict:
        latents.append(values["latents"].clone())
        return values

    given = {key: Image.open(REPOSITORY / request[key]) for key in ("image", "mask_image") if key in request}
    if given:
        given["strength"] = request["strength"]
        kind = FluxInpaintPipeline if "mask_image" in given else FluxImg2ImgPipeline
        pipeline = kind.from_pipe(pipeline, scheduler=scheduler)
        # Of the steps asked for: these pipelines count a scheduler's timesteps, of which Heun's has almost two a step.
        pipeline.get_timesteps = lambda _count, strength, device: kind.get_timesteps(pipeline, request["steps"], strength, device)
        pipeline.set_progress_bar_config(disable=True)
    images = pipeline(
        **given, prompt=request["prompt"], height=request["height"], width=request["width"], num_inference_steps=request["steps"], sigmas=request["sigmas"],
        guidance_scale=3.5, num_images_per_prompt=len(generators), max_sequence_length=request["max_sequence_length"], generator=generators,
        callback_on_step_end=after_step,
    ).images
    hook.remove()
    found = {"noise": inputs[0], "sigmas": scheduler.sigmas, "timesteps": scheduler.timesteps.float(), "latents": torch.stack(latents)}
    return {key: value.contiguous().numpy() for key, value in found.items()} | {"image": np.stack([np.asarray(image) for image in images])}


def main() -> None:
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    diffusers.logging.set_verbosity_error()
    transformers.logging.set_verbosity_error()
    versions = {"torch": torch.__version__.split("+")[0], "diffusers": diffusers.__version__, "scipy": scipy.__version__}
    body = {"versions": versions, "quantiles": quantiles(), "schedules": schedules(), "trajectories": trajectories()}
    PURE.write_text(json.dumps(body, separators=(",", ":")).replace('{"config"', '\n{"config"').replace('{"sampler"', '\n{"sampler"') + "\n")
    print(f"{PURE.name}: {PURE.stat().st_size} bytes")

    PICTURES.mkdir(parents=True, exist_ok=True)
    pipeline = FluxPipeline.from_pretrained(REPOSITORY / "models/tiny", dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    config = {key: pipeline.scheduler.config[key] for key in ("shift", "use_dynamic_shifting")}
    for request in CASES:
        tensors = run(pipeline, config, request)
        save_file(tensors, PICTURES / f"{request['name']}.safetensors")
        last = tensors["latents"][-1]
        print(f"{request['name']:24} {len(tensors['latents'])} evaluations, rms {np.sqrt(np.mean(np.square(last))):.3f}")
    (PICTURES / "cases.json").write_text(json.dumps({"versions": versions, "cases": CASES}, indent=1) + "\n")


if __name__ == "__main__":
    main()
