"""Builds test/fixtures/random-flux: a Flux model of random weights whose every size and option differs from the bundled one.

It never draws anything; it exists so that a wrong axis, a forgotten bias or an option that the bundled model does not use shows up as a number. So all
norm scales and biases are random too, the rope axes are all different, heads x head size is not the width in T5, and the files use what published
checkpoints use: three storage dtypes, a sharded transformer, CLIP keys with the `text_model.` prefix, CLIP's historical `eos_token_id` of 2.
"""

import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxTransformer2DModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

SEED = 20


def fill(model: torch.nn.Module, generator: torch.Generator, gains: dict[str, float]) -> None:
    """Draws every parameter anew, in name order: fan-in scaled weights, norm scales about 1, small biases; `gains` multiplies by name part."""
    for name, parameter in sorted(model.named_parameters()):
        draw = torch.randn(parameter.shape, generator=generator)
        if "norm" in name and name.endswith("weight") and parameter.ndim == 1:
            value = 1 + 0.3 * draw
        elif parameter.ndim == 1:
            value = 0.2 * draw
        elif "embed_tokens" in name or "shared" in name or "embedding.weight" in name or "attention_bias" in name:
            value = draw
        else:
            value = draw / parameter[0].numel() ** 0.5
        gain = next((factor for part, factor in gains.items() if part in name), 1.0)
        parameter.data.copy_(gain * value)


def build(target: Path, tokenizers: Path) -> None:
    """Writes the whole model folder to `target`; the tokenizers are copied from the bundled model at `tokenizers`."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    generator = torch.Generator().manual_seed(SEED)

    clip = CLIPTextModel(CLIPTextConfig(
        vocab_size=892, hidden_size=40, intermediate_size=96, num_hidden_layers=3, num_attention_heads=5, max_position_embeddings=77,
        hidden_act="gelu", projection_dim=40, bos_token_id=890, eos_token_id=2, pad_token_id=891,
    ))
    fill(clip, generator, {})
    clip.save_pretrained(target / "text_encoder")
    weights = target / "text_encoder/model.safetensors"
    save_file({f"text_model.{key}": value for key, value in load_file(weights).items()}, weights, {"format": "pt"})

    t5 = T5EncoderModel(T5Config(
        vocab_size=365, d_model=56, d_kv=12, d_ff=104, num_layers=2, num_heads=5, relative_attention_num_buckets=16, relative_attention_max_distance=100,
        feed_forward_proj="gated-gelu", dropout_rate=0.0, is_encoder_decoder=False, use_cache=False, tie_word_embeddings=True,
    ))
    fill(t5, generator, {"SelfAttention.q": 0.3})  # T5 does not scale its scores: keep the softmax soft
    t5.to(torch.float16).save_pretrained(target / "text_encoder_2")

    transformer = FluxTransformer2DModel(
        in_channels=64, num_layers=1, num_single_layers=2, attention_head_dim=24, num_attention_heads=2, joint_attention_dim=56,
        pooled_projection_dim=40, guidance_embeds=True, axes_dims_rope=(4, 8, 12),
    )
    fill(transformer, generator, {"_embedder.linear_2": 2.0})  # temb large enough that time, guidance and prompt all matter
    transformer.to(torch.bfloat16).save_pretrained(target / "transformer", max_shard_size="200KB")

    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, block_out_channels=(8, 8, 16, 16), layers_per_block=2,
        latent_channels=16, norm_num_groups=4, sample_size=64, scaling_factor=0.3611, shift_factor=0.1159, use_quant_conv=False, use_post_quant_conv=False,
    )
    fill(vae, generator, {"decoder.conv_out": 0.6})  # most pixels inside [-1, 1]
    vae.save_pretrained(target / "vae")

    FlowMatchEulerDiscreteScheduler(shift=1.15, use_dynamic_shifting=False).save_pretrained(target / "scheduler")
    for folder in ("tokenizer", "tokenizer_2"):
        shutil.copytree(tokenizers / folder, target / folder)
    index = json.loads((tokenizers / "model_index.json").read_text())
    (target / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
