"""Records the outputs of single model parts for small fixed inputs, to find the first wrong layer when a whole picture differs.

Names in the file: `PART.in.NAME` are inputs, everything else outputs. Grids are 3 x 5 image tokens after 4 text tokens; the picture for the VAE is 48 x 80.
"""

import numpy as np
import torch
from diffusers import FluxPipeline

ROWS, COLUMNS, TEXT = 3, 5, 4


def record_components(pipeline: FluxPipeline) -> dict[str, np.ndarray]:
    """Runs each part of `pipeline` once and returns all recorded tensors by name, float32 (token ids int32)."""
    generator = torch.Generator().manual_seed(1)
    tensors = {**clip(pipeline), **t5(pipeline), **transformer(pipeline, generator), **vae(pipeline, generator)}
    return {name: value.detach().contiguous().numpy() for name, value in tensors.items()}


def clip(pipeline: FluxPipeline) -> dict[str, torch.Tensor]:
    ids = pipeline.tokenizer(["a red house"], padding="max_length", max_length=77, return_tensors="pt").input_ids
    output = pipeline.text_encoder(ids, output_hidden_states=True)
    return {
        "clip.in.ids": ids.int(),
        "clip.embeddings": output.hidden_states[0],
        "clip.layer.0": output.hidden_states[1],
        "clip.last_hidden_state": output.last_hidden_state,
        "clip.pooled": output.pooler_output,
    }


def t5(pipeline: FluxPipeline) -> dict[str, torch.Tensor]:
    ids = pipeline.tokenizer_2(["a red house, sunset"], padding="max_length", max_length=24, return_tensors="pt").input_ids
    output = pipeline.text_encoder_2(ids, output_hidden_states=True)
    attention = pipeline.text_encoder_2.encoder.block[0].layer[0].SelfAttention
    return {
        "t5.in.ids": ids.int(),
        "t5.position_bias": attention.compute_bias(24, 24)[0],
        "t5.layer.0": output.hidden_states[1],
        "t5.last_hidden_state": output.last_hidden_state,
    }


def transformer(pipeline: FluxPipeline, generator: torch.Generator) -> dict[str, torch.Tensor]:
    model = pipeline.transformer
    config = model.config
    inputs = {
        "hidden_states": torch.randn(2, ROWS * COLUMNS, config.in_channels, generator=generator),
        "encoder_hidden_states": torch.randn(2, TEXT, config.joint_attention_dim, generator=generator),
        "pooled_projections": torch.randn(2, config.pooled_projection_dim, generator=generator),
        "timestep": torch.tensor([0.9375, 0.25]),  # sigmas: the model multiplies by 1000
        "img_ids": pipeline._prepare_latent_image_ids(2, ROWS, COLUMNS, "cpu", torch.float32),
        "txt_ids": torch.zeros(TEXT, 3),
    }
    if config.guidance_embeds:
        inputs["guidance"] = torch.tensor([3.5, 7.0])
    recorded: dict[str, torch.Tensor] = {f"transformer.in.{name}": value for name, value in inputs.items()}

    def keep(*names: str) -> object:
        def hook(_module: object, _args: object, output: torch.Tensor | tuple[torch.Tensor, ...]) -> None:
            recorded.update(zip(names, output if isinstance(output, tuple) else (output,), strict=True))

        return hook

    parts = {
        model.time_text_embed: ["time_text_embed"],
        model.x_embedder: ["x_embedder"],
        model.context_embedder: ["context_embedder"],
        model.pos_embed: ["rope.cos", "rope.sin"],
        model.norm_out: ["norm_out"],
        model.proj_out: ["proj_out"],
        model.transformer_blocks[0]: ["double.0.text", "double.0.image"],
        model.transformer_blocks[0].attn: ["double.0.attention.image", "double.0.attention.text"],
        model.single_transformer_blocks[0]: ["single.0.text", "single.0.image"],
        model.single_transformer_blocks[0].attn: ["single.0.attention"],
    }
    hooks = [part.register_forward_hook(keep(*(f"transformer.{name}" for name in names))) for part, names in parts.items()]
    model(**inputs, return_dict=False)
    for hook in hooks:
        hook.remove()
    return recorded


def vae(pipeline: FluxPipeline, generator: torch.Generator) -> dict[str, torch.Tensor]:
    model = pipeline.vae
    latents = torch.randn(1, model.config.latent_channels, 6, 10, generator=generator)
    image = torch.rand(1, 3, 48, 80, generator=generator) * 2 - 1
    recorded = {"decoder.in.latents": latents, "encoder.in.image": image}
    hooks = [
        getattr(model, side).mid_block.register_forward_hook(
            lambda _module, _args, output, side=side: recorded.update({f"{side}.mid_block": output.clone()})
        )
        for side in ("decoder", "encoder")
    ]
    recorded["decoder.image"] = model.decode(latents).sample
    recorded["encoder.moments"] = model.encode(image).latent_dist.parameters
    for hook in hooks:
        hook.remove()
    return recorded
