"""Records what the networks that take pictures compute for small fixed inputs, for test/models/conditions.cpu.test.ts.

The networks are those of test/fixtures/conditions/models. Names in the file: `NETWORK.in.NAME` are inputs, everything else outputs. Grids are 3 x 5 image
tokens after 4 text tokens; two pictures, each with its own timestep, mode and strength.

    python tools/reference/record_condition_parts.py         # needs torch, diffusers, transformers
"""

from pathlib import Path

import torch
from diffusers import FluxControlNetModel
from diffusers.pipelines.flux.modeling_flux import ReduxImageEncoder
from safetensors.torch import save_file
from transformers import SiglipVisionModel

FIXTURES = Path(__file__).parents[2] / "test/fixtures"
MODELS = FIXTURES / "conditions/models"
ROWS, COLUMNS, TEXT = 3, 5, 4


def controlnet(name: str, generator: torch.Generator) -> dict[str, torch.Tensor]:
    model = FluxControlNetModel.from_pretrained(MODELS / name, torch_dtype=torch.float32)
    config = model.config
    rows, columns = torch.meshgrid(torch.arange(ROWS), torch.arange(COLUMNS), indexing="ij")
    inputs = {
        "hidden_states": torch.randn(2, ROWS * COLUMNS, config.in_channels, generator=generator),
        "encoder_hidden_states": torch.randn(2, TEXT, config.joint_attention_dim, generator=generator),
        "pooled_projections": torch.randn(2, config.pooled_projection_dim, generator=generator),
        "timestep": torch.tensor([0.9375, 0.25]),  # sigmas: the model multiplies by 1000
        "img_ids": torch.stack([torch.zeros(ROWS, COLUMNS), rows, columns], dim=-1).reshape(-1, 3),
        "txt_ids": torch.zeros(TEXT, 3),
        "conditioning_scale": torch.tensor([0.75, 1.25]),
    }
    if config.conditioning_embedding_channels is None:
        inputs["controlnet_cond"] = torch.randn(2, ROWS * COLUMNS, config.in_channels, generator=generator)
    else:
        inputs["controlnet_cond"] = torch.rand(2, 3, 16 * ROWS, 16 * COLUMNS, generator=generator) * 2 - 1
    if config.num_mode is not None:
        inputs["controlnet_mode"] = torch.tensor([[1], [4]])
    if config.guidance_embeds:
        inputs["guidance"] = torch.tensor([3.5, 7.0])
    double, single = model(**{**inputs, "conditioning_scale": inputs["conditioning_scale"][:, None, None]}, return_dict=False)
    outputs = {f"double.{i}": sample for i, sample in enumerate(double or [])} | {f"single.{i}": sample for i, sample in enumerate(single or [])}
    return {f"{name}.in.{key}": value for key, value in inputs.items()} | {f"{name}.{key}": value for key, value in outputs.items()}


def redux(generator: torch.Generator) -> dict[str, torch.Tensor]:
    encoder = SiglipVisionModel.from_pretrained(MODELS / "redux/image_encoder", torch_dtype=torch.float32)
    projector = ReduxImageEncoder.from_pretrained(MODELS / "redux/image_embedder", torch_dtype=torch.float32)
    size = encoder.config.image_size
    pixels = torch.rand(2, 3, size, size, generator=generator) * 2 - 1
    tokens = encoder(pixels, output_hidden_states=True)
    return {
        "redux.in.pixels": pixels,
        "redux.embeddings": tokens.hidden_states[0],
        "redux.layer.0": tokens.hidden_states[1],
        "redux.last_hidden_state": tokens.last_hidden_state,
        "redux.image_embeds": projector(tokens.last_hidden_state).image_embeds,
    }


if __name__ == "__main__":
    generator = torch.Generator().manual_seed(2)
    recorded = {}
    with torch.no_grad():
        for name in ("controlnet", "controlnet-union", "controlnet-xlabs"):
            recorded |= controlnet(name, generator)
        recorded |= redux(generator)
    tensors = {key: (value.int() if value.dtype == torch.int64 else value).contiguous() for key, value in recorded.items()}
    save_file(tensors, FIXTURES / "parity/condition-parts.safetensors")
