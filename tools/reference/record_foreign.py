"""Records the tensors of models that are easily taken for FLUX.1's, for test/weights/folders/recognise.cpu.test.ts.

Writes test/fixtures/checkpoint/foreign.json.gz: { class or model: { key: shape } } from their own programs, of blocks the first two.

    python tools/reference/record_foreign.py         # needs torch, accelerate, diffusers, transformers
"""

import gzip
import json
import re
from pathlib import Path

import diffusers as d
import transformers as t
from accelerate import init_empty_weights
from diffusers.pipelines.flux.modeling_flux import ReduxImageEncoder

OUT = Path(__file__).parents[2] / "test/fixtures/checkpoint/foreign.json.gz"
PLAIN = """Flux2Transformer2DModel ChromaTransformer2DModel SD3Transformer2DModel UNet2DConditionModel FluxControlNetModel AutoencoderKL
AutoencoderKLFlux2 AutoencoderTiny AutoencoderDC AutoencoderKLQwenImage AutoencoderKLWan QwenImageTransformer2DModel
ZImageTransformer2DModel Lumina2Transformer2DModel SanaTransformer2DModel PixArtTransformer2DModel AuraFlowTransformer2DModel
WanTransformer3DModel HunyuanVideoTransformer3DModel LTXVideoTransformer3DModel BriaTransformer2DModel CogView4Transformer2DModel
Kandinsky5Transformer3DModel OvisImageTransformer2DModel LongCatImageTransformer2DModel CosmosTransformer3DModel
FluxTransformer2DModel""".split()
SMALL = {"guidance_embeds": True, "num_layers": 2, "num_single_layers": 2}
XL = {"addition_embed_type": "text_time", "addition_time_embed_dim": 256, "projection_class_embeddings_input_dim": 2816}
MODELS = {
    **{name: getattr(d, name) for name in PLAIN},
    "Fill": lambda: d.FluxTransformer2DModel(in_channels=384, out_channels=64, **SMALL),
    "Control": lambda: d.FluxTransformer2DModel(in_channels=128, out_channels=64, **SMALL),
    "Redux": ReduxImageEncoder,
    "SDXLUNet": lambda: d.UNet2DConditionModel(sample_size=8, cross_attention_dim=2048, **XL),
    "CLIPVision": lambda: t.CLIPVisionModel(t.CLIPVisionConfig(num_hidden_layers=2)),
    "Siglip": lambda: t.SiglipVisionModel(t.SiglipVisionConfig(num_hidden_layers=2)),
    "Qwen3": lambda: t.Qwen3ForCausalLM(t.Qwen3Config(num_hidden_layers=2, vocab_size=100)),
    "UMT5": lambda: t.UMT5EncoderModel(t.UMT5Config(num_layers=2, vocab_size=100, feed_forward_proj="gated-gelu")),
    "T5v1": lambda: t.T5EncoderModel(t.T5Config(num_layers=2, vocab_size=100, feed_forward_proj="relu")),
    "CLIPText": lambda: t.CLIPTextModel(t.CLIPTextConfig(num_hidden_layers=2)),
    "CLIPWhole": lambda: t.CLIPModel(t.CLIPConfig()),
    "T5": lambda: t.T5EncoderModel(t.T5Config(num_layers=2, vocab_size=100, feed_forward_proj="gated-gelu")),
}


def shapes(make) -> dict[str, list[int]]:
    with init_empty_weights():
        tensors = make().state_dict()
    late = lambda key: any(int(n) > 1 for n in re.findall(r"\.(\d+)\.", key))
    return {key: list(tensor.shape) for key, tensor in tensors.items() if not late(key)}


with gzip.GzipFile(OUT, "wb", mtime=0) as file:
    file.write(json.dumps({name: shapes(make) for name, make in MODELS.items()}).encode())
