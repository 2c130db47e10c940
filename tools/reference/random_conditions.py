"""Builds the models of test/fixtures/conditions: the parts that take pictures, all weights random.

Each folder is a published layout in small, and fits test/fixtures/random-flux, whose text encoders, autoencoder, tokenizers and scheduler go with it:

  deep/              text to image, five double and seven single blocks: ControlNets with fewer blocks reach several of them
  fill/, control/    in_channels of FLUX.1-Fill-dev (384) and of FLUX.1-Canny-dev (128)
  controlnet/        two double and three single blocks, with guidance embedding
  controlnet-union/  three double blocks and five modes, no single block
  controlnet-xlabs/  two double blocks and convolutions on pixels; controlnet-xlabs.safetensors has the same weights by the names of XLabs' own files
  redux/             SigLIP's vision encoder and the projector, as FLUX.1-Redux-dev
  control-lora/      a LoRA for deep/ that doubles its input channels: by Black Forest Labs' names, and by diffusers'; and style, one that does not

Every weight moves the picture visibly, except those that cannot: the key biases of SigLIP, which softmax cancels, its pooling head, which published files
have too and nothing reads, and the text's side of the last double block of a ControlNet without single blocks.
"""

import json
import shutil
from pathlib import Path

import torch
from diffusers import FluxControlNetModel, FluxTransformer2DModel
from diffusers.pipelines.flux.modeling_flux import ReduxImageEncoder
from safetensors.torch import load_file, save_file
from transformers import SiglipImageProcessorPil, SiglipVisionConfig, SiglipVisionModel

from random_flux import fill

SEED = 21
WIDTH = {
    "num_attention_heads": 2, "attention_head_dim": 16, "axes_dims_rope": (4, 4, 8), "joint_attention_dim": 56, "pooled_projection_dim": 40,
}  # the embeddings of test/fixtures/random-flux
HIDDEN = 32
GAINS = {"_embedder.linear_2": 2.0, "norm_q": 2.0, "norm_k": 2.0, "norm_added": 2.0}  # attention sharp enough that a query's bias shows
VAE_SCALE, LATENT_CHANNELS = 8, 16


def transformer(target: Path, pipeline: str, generator: torch.Generator, index: dict, **sizes: object) -> None:
    """Writes a transformer and a model_index.json that names the pipeline it is for."""
    model = FluxTransformer2DModel(**WIDTH, **sizes)
    fill(model, generator, GAINS)
    model.to(torch.bfloat16).save_pretrained(target / "transformer")
    (target / "model_index.json").write_text(json.dumps({**index, "_class_name": pipeline}, indent=2) + "\n")


def controlnet(target: Path, generator: torch.Generator, gains: dict[str, float], **sizes: object) -> FluxControlNetModel:
    model = FluxControlNetModel(**WIDTH, in_channels=LATENT_CHANNELS * 4, **sizes)
    fill(model, generator, {**GAINS, **gains})
    model.to(torch.bfloat16).save_pretrained(target)
    return model


def xlabs_names(model: FluxControlNetModel) -> dict[str, torch.Tensor]:
    """The weights as XLabs' own files name them: Black Forest Labs' names for the blocks, hint layers counted with the activations between them."""
    weights = {key: value.clone() for key, value in model.state_dict().items()}
    named = {}

    def move(old: str, new: str) -> None:
        for kind in ("weight", "bias"):
            named[f"{new}.{kind}"] = weights.pop(f"{old}.{kind}")

    def fuse(old: list[str], new: str) -> None:
        for kind in ("weight", "bias"):
            named[f"{new}.{kind}"] = torch.cat([weights.pop(f"{each}.{kind}") for each in old])

    for old, new in (("x_embedder", "img_in"), ("context_embedder", "txt_in"), ("controlnet_x_embedder", "pos_embed_input")):
        move(old, new)
    for old, new in (("timestep", "time"), ("guidance", "guidance"), ("text", "vector")):
        if f"time_text_embed.{old}_embedder.linear_1.weight" in weights:
            move(f"time_text_embed.{old}_embedder.linear_1", f"{new}_in.in_layer")
            move(f"time_text_embed.{old}_embedder.linear_2", f"{new}_in.out_layer")
    for i in range(len(model.transformer_blocks)):
        old, new = f"transformer_blocks.{i}", f"double_blocks.{i}"
        for ours, theirs in (
            ("norm1.linear", "img_mod.lin"), ("norm1_context.linear", "txt_mod.lin"), ("attn.to_out.0", "img_attn.proj"),
            ("attn.to_add_out", "txt_attn.proj"), ("ff.net.0.proj", "img_mlp.0"), ("ff.net.2", "img_mlp.2"), ("ff_context.net.0.proj", "txt_mlp.0"),
            ("ff_context.net.2", "txt_mlp.2"),
        ):
            move(f"{old}.{ours}", f"{new}.{theirs}")
        fuse([f"{old}.attn.to_{each}" for each in "qkv"], f"{new}.img_attn.qkv")
        fuse([f"{old}.attn.add_{each}_proj" for each in "qkv"], f"{new}.txt_attn.qkv")
        for ours, theirs in (("q", "img_attn.norm.query"), ("k", "img_attn.norm.key"), ("added_q", "txt_attn.norm.query"), ("added_k", "txt_attn.norm.key")):
            named[f"{new}.{theirs}_norm.scale"] = weights.pop(f"{old}.attn.norm_{ours}.weight")
        move(f"controlnet_blocks.{i}", f"controlnet_blocks.{i}")
    move("input_hint_block.conv_in", "input_hint_block.0")
    for i in range(len(model.input_hint_block.blocks)):
        move(f"input_hint_block.blocks.{i}", f"input_hint_block.{2 * (i + 1)}")
    move("input_hint_block.conv_out", f"input_hint_block.{2 * (len(model.input_hint_block.blocks) + 1)}")
    assert not weights, sorted(weights)
    return named


def control_lora(model: Path, generator: torch.Generator) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """A control LoRA by Black Forest Labs' names, and by diffusers'. Its factors have biases, and it replaces the norms of queries and keys, as theirs do."""
    config = json.loads((model / "config.json").read_text())
    doubles, singles, rank, mlp = config["num_layers"], config["num_single_layers"], 4, 4 * HIDDEN
    bfl, diffusers = {}, {}

    def draw(*shape: int, gain: float = 1.0) -> torch.Tensor:
        return gain * torch.randn(shape, generator=generator)

    def module(bfl_name: str, inputs: int, parts: list[tuple[str, int]], gain: float = 0.3) -> None:
        """One adapted layer; diffusers has it in `parts`, each a slice of the outputs that shares the down factor."""
        outputs = sum(width for _, width in parts)
        down, up, bias = draw(rank, inputs, gain=inputs**-0.5), draw(outputs, rank, gain=gain), draw(outputs, gain=0.1)
        bfl.update({f"{bfl_name}.lora_A.weight": down, f"{bfl_name}.lora_B.weight": up, f"{bfl_name}.lora_B.bias": bias})
        start = 0
        for name, width in parts:
            part = slice(start, start := start + width)
            diffusers[f"transformer.{name}.lora_A.weight"] = down.clone()
            diffusers[f"transformer.{name}.lora_B.weight"] = up[part].clone()
            diffusers[f"transformer.{name}.lora_B.bias"] = bias[part].clone()

    def norm(bfl_name: str, name: str) -> None:
        scale = 1 + draw(config["attention_head_dim"], gain=0.3)
        bfl[f"{bfl_name}.scale"], diffusers[f"transformer.{name}.weight"] = scale, scale.clone()

    def one(bfl_name: str, name: str, inputs: int, outputs: int, gain: float = 0.3) -> None:
        module(bfl_name, inputs, [(name, outputs)], gain)

    one("img_in", "x_embedder", 2 * config["in_channels"], HIDDEN, gain=2.0)  # the picture comes in by this layer alone
    one("txt_in", "context_embedder", config["joint_attention_dim"], HIDDEN)
    for bfl_name, name, inputs in (("time", "timestep", 256), ("guidance", "guidance", 256), ("vector", "text", config["pooled_projection_dim"])):
        one(f"{bfl_name}_in.in_layer", f"time_text_embed.{name}_embedder.linear_1", inputs, HIDDEN)
        one(f"{bfl_name}_in.out_layer", f"time_text_embed.{name}_embedder.linear_2", HIDDEN, HIDDEN)
    for i in range(doubles):
        old, new = f"double_blocks.{i}", f"transformer_blocks.{i}"
        for side, suffix, attention, added in (("img", "", "to_{}", ""), ("txt", "_context", "add_{}_proj", "added_")):
            one(f"{old}.{side}_mod.lin", f"{new}.norm1{suffix}.linear", HIDDEN, 6 * HIDDEN)
            module(f"{old}.{side}_attn.qkv", HIDDEN, [(f"{new}.attn.{attention.format(each)}", HIDDEN) for each in "qkv"])
            one(f"{old}.{side}_attn.proj", f"{new}.attn.{'to_out.0' if side == 'img' else 'to_add_out'}", HIDDEN, HIDDEN)
            one(f"{old}.{side}_mlp.0", f"{new}.ff{suffix}.net.0.proj", HIDDEN, mlp)
            one(f"{old}.{side}_mlp.2", f"{new}.ff{suffix}.net.2", mlp, HIDDEN)
            norm(f"{old}.{side}_attn.norm.query_norm", f"{new}.attn.norm_{added}q")
            norm(f"{old}.{side}_attn.norm.key_norm", f"{new}.attn.norm_{added}k")
    for i in range(singles):
        old, new = f"single_blocks.{i}", f"single_transformer_blocks.{i}"
        one(f"{old}.modulation.lin", f"{new}.norm.linear", HIDDEN, 3 * HIDDEN)
        module(f"{old}.linear1", HIDDEN, [(f"{new}.attn.to_{each}", HIDDEN) for each in "qkv"] + [(f"{new}.proj_mlp", mlp)])
        one(f"{old}.linear2", f"{new}.proj_out", HIDDEN + mlp, HIDDEN)
        norm(f"{old}.norm.query_norm", f"{new}.attn.norm_q")
        norm(f"{old}.norm.key_norm", f"{new}.attn.norm_k")
    one("final_layer.linear", "proj_out", HIDDEN, config["in_channels"])
    one("final_layer.adaLN_modulation.1", "norm_out.linear", HIDDEN, 2 * HIDDEN)
    for kind in ("weight", "bias"):  # shift before scale there, scale before shift in diffusers
        name = f"transformer.norm_out.linear.lora_B.{kind}"
        diffusers[name] = diffusers[name].roll(HIDDEN, 0)
    return bfl, diffusers


def style_lora(model: Path, generator: torch.Generator) -> dict[str, torch.Tensor]:
    """A LoRA for latents alone, of the first layer and of a block's, by diffusers' names."""
    config = json.loads((model / "config.json").read_text())
    rank, weights = 3, {}
    for name, inputs, outputs in (
        ("x_embedder", config["in_channels"], HIDDEN), ("transformer_blocks.1.ff.net.0.proj", HIDDEN, 4 * HIDDEN), ("single_transformer_blocks.2.attn.to_v", HIDDEN, HIDDEN),
    ):
        weights[f"transformer.{name}.lora_A.weight"] = inputs**-0.5 * torch.randn((rank, inputs), generator=generator)
        weights[f"transformer.{name}.lora_B.weight"] = torch.randn((outputs, rank), generator=generator)
    return weights


def redux(target: Path, generator: torch.Generator) -> None:
    encoder = SiglipVisionModel(SiglipVisionConfig(
        hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=3, image_size=42, patch_size=14,
    ))
    fill(encoder, generator, {"q_proj": 3.0, "k_proj": 3.0})
    encoder.to(torch.float16).save_pretrained(target / "image_encoder")
    weights = target / "image_encoder/model.safetensors"
    prefix = "vision_model."  # of published files
    save_file({f"{prefix}{key.removeprefix(prefix)}": value for key, value in load_file(weights).items()}, weights, {"format": "pt"})
    SiglipImageProcessorPil(size={"height": 42, "width": 42}).save_pretrained(target / "feature_extractor")
    projector = ReduxImageEncoder(redux_dim=24, txt_in_features=WIDTH["joint_attention_dim"])
    fill(projector, generator, {"redux_up": 2.0, "redux_down": 3.0})
    projector.to(torch.bfloat16).save_pretrained(target / "image_embedder")
    index = {
        "_class_name": "FluxPriorReduxPipeline", "feature_extractor": ["transformers", "SiglipImageProcessor"], "image_embedder": ["flux", "ReduxImageEncoder"],
        "image_encoder": ["transformers", "SiglipVisionModel"],
    }
    (target / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")


def build(target: Path, base: Path) -> None:
    """Writes all folders into `target`; `base` is the model whose other parts go with them."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    generator = torch.Generator().manual_seed(SEED)
    index = json.loads((base / "model_index.json").read_text())
    packed = LATENT_CHANNELS * 4
    transformer(target / "deep", "FluxPipeline", generator, index, in_channels=packed, num_layers=5, num_single_layers=7, guidance_embeds=True)
    transformer(
        target / "fill", "FluxFillPipeline", generator, index, in_channels=2 * packed + 4 * VAE_SCALE**2, out_channels=packed, num_layers=1,
        num_single_layers=2, guidance_embeds=True,
    )
    transformer(
        target / "control", "FluxControlPipeline", generator, index, in_channels=2 * packed, out_channels=packed, num_layers=1, num_single_layers=2,
        guidance_embeds=True,
    )
    controlnet(target / "controlnet", generator, {"controlnet_": 2.0}, num_layers=2, num_single_layers=3, guidance_embeds=True)
    controlnet(target / "controlnet-union", generator, {"mode_embedder": 6.0, "controlnet_": 2.0}, num_layers=3, num_single_layers=0, guidance_embeds=True, num_mode=5)
    xlabs = controlnet(
        target / "controlnet-xlabs", generator, {"input_hint_block": 2.0, "controlnet_": 2.0}, num_layers=2, num_single_layers=0, guidance_embeds=False, patch_size=2,
        conditioning_embedding_channels=LATENT_CHANNELS,
    )
    save_file(xlabs_names(xlabs), target / "controlnet-xlabs.safetensors")
    redux(target / "redux", generator)
    bfl, diffusers = control_lora(target / "deep/transformer", generator)
    (target / "control-lora").mkdir()
    style = style_lora(target / "deep/transformer", torch.Generator().manual_seed(SEED + 1))
    for name, weights in (("bfl", bfl), ("diffusers", diffusers), ("style", style)):
        save_file({key: value.to(torch.bfloat16) for key, value in weights.items()}, target / f"control-lora/{name}.safetensors")
