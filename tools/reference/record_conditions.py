"""Records what diffusers makes of pictures, in float32 on the CPU: test/fixtures/conditions/.

  cases.json              the requests by the keys of the command line, with the pipeline that made each picture
  NAME.safetensors        latents [tokens,64] after the last step (f32, packed) and image [H,W,3] (uint8 RGB)
  *.png                   the pictures given
  models/                 see random_conditions.py

Where diffusers has no pipeline for a request, its parts make the picture: a second reference, negative prompts for Fill and Control, Redux with a shorter
text, outpainting, masks that stay grey. The functions below that do so say how. Run from the repository root; see README.md beside this file.
"""

import inspect
import json
import shutil
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import diffusers
import numpy as np
import torch
import transformers
from diffusers import (
    FluxControlNetImg2ImgPipeline, FluxControlNetInpaintPipeline, FluxControlNetModel, FluxControlNetPipeline, FluxControlPipeline, FluxFillPipeline,
    FluxImg2ImgPipeline, FluxInpaintPipeline, FluxKontextPipeline, FluxPipeline, FluxPriorReduxPipeline, FluxTransformer2DModel,
)
from PIL import Image
from safetensors.numpy import save_file

from random_conditions import build

REPOSITORY = Path(__file__).resolve().parents[2]
FIXTURE = "test/fixtures/conditions"
OUTPUT = REPOSITORY / FIXTURE
TINY, BASE, MODELS = "models/tiny", "test/fixtures/random-flux", f"{FIXTURE}/models"
DEEP, FILL, CONTROL = (f"{MODELS}/{name}" for name in ("deep", "fill", "control"))
INSTANTX, UNION, XLABS, XLABS_FILE = (f"{MODELS}/{name}" for name in ("controlnet", "controlnet-union", "controlnet-xlabs", "controlnet-xlabs.safetensors"))
REDUX = f"{MODELS}/redux"
LORA_BFL, LORA_DIFFUSERS, LORA_STYLE = (f"{MODELS}/control-lora/{name}.safetensors" for name in ("bfl", "diffusers", "style"))
HOUSE, SHORE, MASK, MASK_WIDE, MASK_CORNER, LINES, DEPTH = (
    f"{FIXTURE}/{name}.png" for name in ("house", "shore", "mask", "mask-wide", "mask-corner", "lines", "depth")
)
LOADED = ("controlnet", "redux")
"""Keys of what is loaded with the model; the others are the request's."""


def case(name: str, pipeline: type, model: str, width: int, height: int, steps: int, seed: int, **keys: object) -> dict:
    """One request; keys are the command line's, and pictures are named from the repository root."""
    request = {
        "prompt": "a red house in the mountains at sunset", "width": width, "height": height, "num_inference_steps": steps, "seed": seed,
        "guidance_scale": 3.5, "max_sequence_length": 32, **keys,
    }
    return {
        "name": name, "pipeline": pipeline.__name__, "model": model, "load": {key: request.pop(key) for key in LOADED if key in request}, "request": request,
    }


NEGATIVE = {"negative_prompt": "clouds, a blue sea", "true_cfg_scale": 2.5}
CASES = [
    # Start: the steps that strength leaves, odd sizes
    case("start-06", FluxImg2ImgPipeline, TINY, 128, 96, 5, 1, image=HOUSE, strength=0.6),
    case("start-03-odd", FluxImg2ImgPipeline, TINY, 96, 64, 10, 2, image=SHORE, strength=0.3, prompt="a lighthouse by the sea at night"),
    case("start-1", FluxImg2ImgPipeline, TINY, 96, 64, 4, 3, image=SHORE, strength=1.0),
    case("start-one-step", FluxImg2ImgPipeline, TINY, 128, 96, 3, 4, image=HOUSE, strength=0.2),
    case("start-sigmas", FluxImg2ImgPipeline, DEEP, 80, 48, 4, 5, image=HOUSE, strength=0.7, sigmas=[0.95, 0.8, 0.45, 0.1]),
    case("start-negative", FluxImg2ImgPipeline, TINY, 128, 96, 4, 6, image=SHORE, strength=0.75, **NEGATIVE),
    case("start-karras", FluxImg2ImgPipeline, TINY, 96, 64, 6, 7, image=HOUSE, strength=0.5, schedule="karras"),
    # Blend: masks
    case("blend", FluxInpaintPipeline, TINY, 128, 96, 5, 10, image=HOUSE, mask_image=MASK, strength=0.8),
    case("blend-mask-size", FluxInpaintPipeline, TINY, 128, 96, 6, 11, image=SHORE, mask_image=MASK_WIDE, strength=0.6),
    case("blend-1", FluxInpaintPipeline, DEEP, 80, 48, 4, 12, image=HOUSE, mask_image=MASK, strength=1.0),
    case("blend-crop", FluxInpaintPipeline, TINY, 128, 96, 5, 13, image=HOUSE, mask_image=MASK, padding_mask_crop=8, strength=0.7),
    case("blend-crop-corner", FluxInpaintPipeline, TINY, 96, 64, 4, 14, image=SHORE, mask_image=MASK_CORNER, padding_mask_crop=24, strength=0.9),
    case("blend-crop-bars", FluxInpaintPipeline, TINY, 64, 160, 4, 15, image=SHORE, mask_image=MASK_CORNER, padding_mask_crop=40, strength=0.9),
    case("blend-blur", FluxInpaintPipeline, TINY, 64, 160, 4, 16, image=HOUSE, mask_image=MASK_WIDE, mask_blur=6, strength=0.75),
    case("blend-negative", FluxInpaintPipeline, TINY, 96, 64, 4, 17, image=HOUSE, mask_image=MASK, strength=0.8, **NEGATIVE),
    case("blend-soft", FluxInpaintPipeline, TINY, 128, 96, 5, 18, image=HOUSE, mask_image=MASK, soft_mask=True, strength=0.8),
    case("blend-soft-blur", FluxInpaintPipeline, TINY, 96, 64, 4, 19, image=SHORE, mask_image=MASK_CORNER, soft_mask=True, mask_blur=5, padding_mask_crop=16,
         strength=0.9),
    # Tokens: references
    case("tokens", FluxKontextPipeline, TINY, 128, 96, 4, 20, reference_image=HOUSE, reference_resize=False),
    case("tokens-odd", FluxKontextPipeline, DEEP, 80, 48, 3, 21, reference_image=SHORE, reference_resize=False),
    case("tokens-preferred", FluxKontextPipeline, DEEP, 80, 48, 1, 22, reference_image=SHORE),
    case("tokens-two", FluxKontextPipeline, TINY, 96, 64, 4, 23, reference_image=[HOUSE, SHORE], reference_resize=False),
    case("tokens-two-deep", FluxKontextPipeline, DEEP, 64, 64, 4, 24, reference_image=[SHORE, LINES], reference_resize=False, guidance_scale=2.5),
    case("tokens-negative", FluxKontextPipeline, TINY, 96, 64, 3, 25, reference_image=HOUSE, reference_resize=False, **NEGATIVE),
    # Channels: Fill, Control, a control LoRA
    case("fill", FluxFillPipeline, FILL, 80, 64, 4, 30, image=HOUSE, mask_image=MASK, guidance_scale=30.0),
    case("fill-strength", FluxFillPipeline, FILL, 64, 96, 5, 31, image=SHORE, mask_image=MASK_WIDE, strength=0.6, guidance_scale=10.0),
    case("fill-outpaint", FluxFillPipeline, FILL, 176, 160, 3, 32, image=HOUSE, outpaint=[16, 32, 32, 0], guidance_scale=30.0),
    case("fill-negative", FluxFillPipeline, FILL, 80, 64, 3, 33, image=HOUSE, mask_image=MASK_WIDE, guidance_scale=30.0, **NEGATIVE),
    case("control", FluxControlPipeline, CONTROL, 80, 48, 4, 34, control_image=LINES, guidance_scale=10.0),
    case("control-odd", FluxControlPipeline, CONTROL, 64, 112, 3, 35, control_image=DEPTH),
    case("control-negative", FluxControlPipeline, CONTROL, 80, 48, 3, 36, control_image=LINES, **NEGATIVE),
    case("control-lora", FluxControlPipeline, DEEP, 80, 48, 4, 37, control_image=LINES, loras=[{"path": LORA_DIFFUSERS}]),
    case("control-lora-bfl", FluxControlPipeline, DEEP, 80, 48, 4, 37, control_image=LINES, loras=[{"path": LORA_BFL}]),
    case("control-lora-two", FluxControlPipeline, DEEP, 80, 48, 3, 38, control_image=DEPTH, loras=[{"path": LORA_BFL, "scale": 0.6}, {"path": LORA_STYLE, "scale": 0.8}]),
    # Residuals: ControlNets
    case("residuals", FluxControlNetPipeline, DEEP, 80, 48, 4, 40, controlnet=INSTANTX, control_image=LINES),
    case("residuals-window", FluxControlNetPipeline, DEEP, 64, 64, 5, 41, controlnet=INSTANTX, control_image=DEPTH, controlnet_conditioning_scale=0.6,
         control_guidance_start=0.2, control_guidance_end=0.7),
    case("residuals-union", FluxControlNetPipeline, DEEP, 64, 64, 4, 42, controlnet=UNION, control_image=LINES, control_mode=3),
    case("residuals-union-0", FluxControlNetPipeline, DEEP, 64, 64, 4, 42, controlnet=UNION, control_image=LINES, control_mode=0),
    case("residuals-two", FluxControlNetPipeline, DEEP, 80, 48, 5, 43, controlnet=[INSTANTX, UNION], control_image=[LINES, DEPTH], control_mode=[None, 2],
         controlnet_conditioning_scale=[0.7, 0.4], control_guidance_start=[0.0, 0.3], control_guidance_end=[0.8, 1.0]),
    case("residuals-union-twice", FluxControlNetPipeline, DEEP, 64, 64, 3, 44, controlnet=[UNION], control_image=[DEPTH, LINES], control_mode=[1, 4],
         controlnet_conditioning_scale=[0.5, 0.9], control_guidance_start=[0.0, 0.0], control_guidance_end=[1.0, 1.0]),
    case("residuals-xlabs", FluxControlNetPipeline, DEEP, 80, 48, 4, 45, controlnet=XLABS, control_image=LINES, controlnet_conditioning_scale=0.8),
    case("residuals-xlabs-file", FluxControlNetPipeline, DEEP, 80, 48, 4, 45, controlnet=XLABS_FILE, control_image=LINES, controlnet_conditioning_scale=0.8),
    case("residuals-negative", FluxControlNetPipeline, DEEP, 80, 48, 3, 46, controlnet=INSTANTX, control_image=DEPTH, **NEGATIVE),
    case("residuals-start", FluxControlNetImg2ImgPipeline, DEEP, 80, 48, 5, 47, controlnet=INSTANTX, control_image=LINES, image=HOUSE, strength=0.6),
    case("residuals-blend", FluxControlNetInpaintPipeline, DEEP, 64, 64, 4, 48, controlnet=UNION, control_image=LINES, control_mode=2, image=SHORE,
         mask_image=MASK_WIDE, strength=0.8, control_guidance_end=0.7),
    # Embeddings: Redux
    case("embeds", FluxPriorReduxPipeline, BASE, 80, 48, 3, 50, redux=REDUX, redux_image=HOUSE, prompt="", max_sequence_length=512),
    case("embeds-prompt", FluxPriorReduxPipeline, DEEP, 64, 64, 3, 51, redux=REDUX, redux_image=SHORE, redux_scale=0.7),
    case("embeds-two", FluxPriorReduxPipeline, DEEP, 64, 64, 3, 52, redux=REDUX, redux_image=[HOUSE, SHORE], redux_scale=[0.8, 0.5]),
    case("embeds-negative", FluxPriorReduxPipeline, DEEP, 64, 64, 3, 53, redux=REDUX, redux_image=HOUSE, redux_scale=1.2, **NEGATIVE),
    case("embeds-pooled", FluxPriorReduxPipeline, DEEP, 64, 64, 3, 54, redux=REDUX, redux_image=[DEPTH, HOUSE], prompt_embeds_scale=[0.4, 0.7],
         pooled_prompt_embeds_scale=[0.3, 0.9], prompt_2="pink trees"),
    case("embeds-start", FluxPriorReduxPipeline, DEEP, 80, 48, 5, 55, redux=REDUX, redux_image=SHORE, image=HOUSE, strength=0.7),
    case("embeds-residuals", FluxPriorReduxPipeline, DEEP, 80, 48, 3, 56, redux=REDUX, controlnet=INSTANTX, redux_image=HOUSE, control_image=LINES),
    # Negative prompts and schedules alone
    case("negative", FluxPipeline, TINY, 128, 96, 4, 60, **NEGATIVE),
    case("negative-2", FluxPipeline, DEEP, 80, 48, 4, 61, negative_prompt="", negative_prompt_2="a starry sky", true_cfg_scale=4.0, prompt_2="pink trees"),
    case("negative-1", FluxPipeline, TINY, 96, 64, 2, 62, negative_prompt="clouds", true_cfg_scale=1.0),
    case("schedule-karras", FluxPipeline, TINY, 96, 64, 6, 63, schedule="karras"),
    case("schedule-exponential", FluxPipeline, TINY, 96, 64, 6, 64, schedule="exponential"),
    case("schedule-beta", FluxPipeline, DEEP, 80, 48, 6, 65, schedule="beta"),
]


class ReferencesPipeline(FluxKontextPipeline):
    """Kontext with several references: each one is sized by itself, and the first axis of its ids is its place in the list, from 1."""

    references: list[Image.Image]
    auto_resize: bool

    def prepare_latents(self, image: None, *arguments: object) -> tuple[torch.Tensor, ...]:
        latents, packed, ids = [], [], []
        for i, reference in enumerate(self.references):
            height, width = self.image_processor.get_default_height_width(reference)
            if self.auto_resize:
                preferred = diffusers.pipelines.flux.pipeline_flux_kontext.PREFERRED_KONTEXT_RESOLUTIONS
                _, width, height = min((abs(width / height - w / h), w, h) for w, h in preferred)
            pixels = self.image_processor.preprocess(reference, height, width)
            given, tokens, own, reference_ids = super().prepare_latents(pixels, *arguments[:-1], latents[0] if latents else None)
            reference_ids[:, 0] = i + 1
            latents, packed, ids = latents or [given], [*packed, tokens], [*ids, reference_ids]
        return latents[0], torch.cat(packed, dim=1), own, torch.cat(ids)


def pictures() -> None:
    """Makes the pictures given: two of the bundled model's, cut to an odd size, and some by a rule."""
    pipeline = FluxPipeline.from_pretrained(REPOSITORY / TINY, dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)

    def drawn(prompt: str, width: int, height: int, seed: int) -> Image.Image:
        generator = torch.Generator().manual_seed(seed)
        return pipeline(prompt, width=width, height=height, num_inference_steps=8, max_sequence_length=32, generator=generator).images[0]

    drawn("a red house in the mountains at sunset", 128, 128, 0).save(REPOSITORY / HOUSE)
    drawn("a lighthouse by the sea, green hills, clouds", 160, 112, 1).crop((3, 5, 153, 106)).save(REPOSITORY / SHORE)

    def rule(path: str, width: int, height: int, value: object) -> None:
        x, y = np.meshgrid(np.arange(width) / width, np.arange(height) / height)
        pixels = np.clip(np.stack(np.broadcast_arrays(*value(x, y)), -1).squeeze() * 255, 0, 255)
        Image.fromarray(pixels.round().astype(np.uint8)).save(REPOSITORY / path)

    rule(MASK, 128, 128, lambda x, y: [4 - 12 * np.hypot(x - 0.55, 0.8 * (y - 0.4))])  # an ellipse with a soft edge
    rule(MASK_WIDE, 90, 60, lambda x, y: [(x > 0.3) * (x < 0.85) * (y < 0.6) + 0.4 * (y > 0.8)])  # not of any picture's size, and a stripe below one half
    rule(MASK_CORNER, 150, 101, lambda x, y: [3 - 20 * np.hypot(x - 0.93, y - 0.12)])  # at the corner of a picture of this size
    rule(LINES, 120, 88, lambda x, y: 3 * [(np.abs(y - 0.2 - 0.6 * x) < 0.02) | (np.abs(np.hypot(x - 0.4, y - 0.5) - 0.3) < 0.015)])
    rule(DEPTH, 96, 64, lambda x, y: 3 * [0.9 - 0.6 * y + 0.3 * np.sin(9 * x)])


def opened(path: str) -> Image.Image:
    return Image.open(REPOSITORY / path)


def components(model: str) -> dict:
    """Parts of a model folder; those that a folder of random_conditions.py lacks are the base's."""
    own = REPOSITORY / model
    if not model.startswith(MODELS):
        return FluxPipeline.from_pretrained(own, dtype=torch.float32, local_files_only=True).components
    transformer = FluxTransformer2DModel.from_pretrained(own / "transformer", dtype=torch.float32)
    return FluxPipeline.from_pretrained(REPOSITORY / BASE, transformer=transformer, dtype=torch.float32, local_files_only=True).components


def controlnets(paths: str | list[str]) -> FluxControlNetModel | list[FluxControlNetModel]:
    if isinstance(paths, list):
        return [controlnets(path) for path in paths]
    # diffusers does not read XLabs' own names: the same weights by its own
    return FluxControlNetModel.from_pretrained(REPOSITORY / paths.removesuffix(".safetensors"), dtype=torch.float32)


def outpainted(path: str, margins: list[int]) -> tuple[Image.Image, Image.Image]:
    """A picture with grey margins (left, right, top, bottom), and the mask of the margins. At strength 1 nothing sees the grey."""
    left, right, top, bottom = margins
    picture = opened(path)
    size = (picture.width + left + right, picture.height + top + bottom)
    image, mask = Image.new("RGB", size, (128, 128, 128)), Image.new("L", size, 255)
    image.paste(picture, (left, top))
    mask.paste(0, (left, top, left + picture.width, top + picture.height))
    return image, mask


def redux_embeddings(parts: dict, load: dict, request: dict) -> dict[str, torch.Tensor]:
    """Prompt and pooled embeddings of the prior, whose text has 512 tokens, or as many as asked for."""
    prior = FluxPriorReduxPipeline.from_pretrained(
        REPOSITORY / load["redux"], dtype=torch.float32, local_files_only=True,
        **{name: parts[name] for name in ("text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2")},
    )
    paths = request["redux_image"] if isinstance(request["redux_image"], list) else [request["redux_image"]]
    encode = prior.encode_prompt
    scale = request.get("prompt_embeds_scale", request.get("redux_scale", 1.0))
    pooled = request.get("pooled_prompt_embeds_scale", 1.0)
    second = [request["prompt_2"]] * len(paths) if "prompt_2" in request else None  # the pipeline repeats the first prompt only
    with patch.object(prior, "encode_prompt", lambda **given: encode(**{**given, "max_sequence_length": request["max_sequence_length"]})):
        output = prior([opened(path) for path in paths], prompt=request["prompt"], prompt_2=second, prompt_embeds_scale=scale,
                       pooled_prompt_embeds_scale=pooled)
    return {"prompt_embeds": output.prompt_embeds, "pooled_prompt_embeds": output.pooled_prompt_embeds}


def guided(pipeline: diffusers.DiffusionPipeline, request: dict) -> object:
    """The transformer's forward with classifier-free guidance, for pipelines that have none."""
    embeds, pooled, ids = pipeline.encode_prompt(
        request["negative_prompt"], request.get("negative_prompt_2"), max_sequence_length=request["max_sequence_length"],
    )
    forward = pipeline.transformer.forward

    def both(**inputs: object) -> tuple[torch.Tensor]:
        wanted = forward(**inputs)[0]
        unwanted = forward(**{**inputs, "encoder_hidden_states": embeds, "pooled_projections": pooled, "txt_ids": ids})[0]
        return (unwanted + request["true_cfg_scale"] * (wanted - unwanted),)

    return patch.object(pipeline.transformer, "forward", both)


def exactly(pipeline: FluxKontextPipeline) -> object:
    """The reference's latents in float64: of a million pixels, torch's float32 sums leave 0.4 % of the random autoencoder's means uncertain."""
    encode = pipeline._encode_vae_image

    def both(image: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        pipeline.vae.double()
        latents = encode(image.double(), generator).float()
        pipeline.vae.float()
        return latents

    return patch.object(pipeline, "_encode_vae_image", both)


def run(given: dict) -> dict[str, np.ndarray]:
    """Makes one picture as `given` asks."""
    request, load = given["request"], given["load"]
    parts = components(given["model"])
    kind = getattr(diffusers, given["pipeline"])
    if kind is FluxPriorReduxPipeline:  # the pipeline that takes what it gives
        kind = FluxControlNetPipeline if "controlnet" in load else FluxImg2ImgPipeline if "image" in request else FluxPipeline
    arguments = {key: value for key, value in request.items() if key in inspect.signature(kind.__call__).parameters}
    for key in ("image", "mask_image", "control_image"):
        if key in request:
            paths = request[key]
            arguments[key] = [opened(path) for path in paths] if isinstance(paths, list) else opened(paths)
    if "schedule" in request:
        parts["scheduler"] = type(parts["scheduler"]).from_config(parts["scheduler"].config, **{f"use_{request['schedule']}_sigmas": True})
    if "controlnet" in load:
        parts["controlnet"] = controlnets(load["controlnet"])
    if "redux" in load:
        arguments.update(redux_embeddings(parts, load, request), prompt=None, prompt_2=None)
    elif kind is FluxKontextPipeline:
        paths = request["reference_image"] if isinstance(request["reference_image"], list) else [request["reference_image"]]
        arguments["max_area"] = request["width"] * request["height"]  # keeps the size asked for
        if len(paths) == 1:
            arguments.update(image=opened(paths[0]), _auto_resize=request.get("reference_resize", True))
        else:
            kind = ReferencesPipeline
    accepted = inspect.signature(kind.__init__).parameters
    pipeline = kind(**{name: part for name, part in parts.items() if name in accepted})
    pipeline.set_progress_bar_config(disable=True)
    if kind is ReferencesPipeline:
        pipeline.references, pipeline.auto_resize = [opened(path) for path in paths], request.get("reference_resize", True)
    if "outpaint" in request:
        arguments["image"], arguments["mask_image"] = outpainted(request["image"], request["outpaint"])
    if request.get("soft_mask"):
        pipeline.mask_processor.register_to_config(do_binarize=False)
    if "mask_blur" in request:
        arguments["mask_image"] = pipeline.mask_processor.blur(arguments["mask_image"], request["mask_blur"])
    loras = request.get("loras", [])
    for i, lora in enumerate(loras):
        # diffusers reads Black Forest Labs' names for FLUX.1's depth alone: the same weights by its own
        pipeline.load_lora_weights(REPOSITORY / lora["path"].replace("bfl", "diffusers"), adapter_name=f"lora{i}")
    if loras:
        pipeline.set_adapters([f"lora{i}" for i in range(len(loras))], [lora.get("scale", 1.0) for lora in loras])
    last: list[torch.Tensor] = []

    def after_step(_pipeline: object, _index: int, _time: object, values: dict) -> dict:
        last[:] = [values["latents"].clone()]
        return values

    arguments.update(generator=torch.Generator().manual_seed(request["seed"]), callback_on_step_end=after_step)
    with ExitStack() as changed:
        if "negative_prompt" in request and "negative_prompt" not in inspect.signature(kind.__call__).parameters:
            changed.enter_context(guided(pipeline, request))
        if arguments.get("_auto_resize"):
            changed.enter_context(exactly(pipeline))
        image = pipeline(**arguments).images[0]
    return {"latents": last[0][0].contiguous().numpy(), "image": np.asarray(image)}


def main() -> None:
    torch.set_num_threads(1)  # one thread: the order of summation, and so every bit, is the same in each run
    torch.set_grad_enabled(False)
    diffusers.logging.set_verbosity_error()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    diffusers.logging.disable_progress_bar()
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    build(REPOSITORY / MODELS, REPOSITORY / BASE)
    pictures()
    for given in CASES:
        tensors = run(given)
        save_file(tensors, OUTPUT / f"{given['name']}.safetensors")
        latents, image = tensors["latents"], tensors["image"]
        print(
            f"{given['name']:22} latents {list(latents.shape)} rms {np.sqrt(np.mean(np.square(latents))):.3f}; "
            f"image {list(image.shape)} mean {image.mean():.1f}, std {image.std():.1f}, clipped {np.mean((image == 0) | (image == 255)):.3f}",
            flush=True,
        )
    versions = {"torch": torch.__version__.split("+")[0], "diffusers": diffusers.__version__, "transformers": transformers.__version__}
    (OUTPUT / "cases.json").write_text(json.dumps({"versions": versions, "cases": CASES}, indent=2) + "\n")


if __name__ == "__main__":
    main()
