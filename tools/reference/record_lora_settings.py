"""Records by what PEFT multiplies each module of a LoRA under settings of many kinds, for test/weights/lora/settings.test.ts: test/fixtures/lora/settings.json.

The settings are loaded as people load them: out of a file's header by diffusers, with and without prefix, or out of adapter_config.json by PEFT.
Run from the repository root; see README.md beside this file.
"""

import json
import tempfile
from pathlib import Path

import diffusers
import peft
import torch
from diffusers.loaders.lora_base import LORA_ADAPTER_METADATA_KEY
from safetensors.torch import load_file, save_file

OUTPUT = Path(__file__).parents[2] / "test/fixtures/lora/settings.json"
RANK = 4


def small() -> diffusers.FluxTransformer2DModel:
    """test/support/lora.ts has the same sizes."""
    return diffusers.FluxTransformer2DModel(
        num_layers=2, num_single_layers=2, num_attention_heads=2, attention_head_dim=8, joint_attention_dim=24,
        pooled_projection_dim=12, guidance_embeds=True, axes_dims_rope=(2, 2, 4))


MODULES = {name: (m.in_features, m.out_features) for name, m in small().named_modules() if isinstance(m, torch.nn.Linear)}
MIXED = {name: 2 + i % 3 for i, name in enumerate(MODULES)}


def factors(ranks: dict[str, int], prefix: str) -> dict[str, torch.Tensor]:
    return {f"{prefix}{name}.lora_{part}.weight": torch.ones(shape)
            for name, rank in ranks.items() for part, shape in (("A", (rank, MODULES[name][0])), ("B", (MODULES[name][1], rank)))}


def scaling(model: torch.nn.Module) -> dict[str, float]:
    return {name.removeprefix("base_model.model."): next(iter(m.scaling.values())) for name, m in model.named_modules() if getattr(m, "scaling", None)}


def header(name: str, settings: dict, ranks: dict[str, int], prefix: str = "transformer.") -> dict:
    """A file of diffusers: of a pipeline, or without prefix of a model by itself."""
    settings = {**settings, "target_modules": sorted(ranks)}
    model = small()
    with tempfile.TemporaryDirectory() as folder:
        save_file(factors(ranks, prefix), f"{folder}/pytorch_lora_weights.safetensors",
                  {"format": "pt", LORA_ADAPTER_METADATA_KEY: json.dumps({prefix + key: value for key, value in settings.items()})})
        model.load_lora_adapter(folder, prefix=prefix.removesuffix(".") or None, weight_name="pytorch_lora_weights.safetensors")
    return {"name": name, "in": "header", "prefix": prefix, "settings": settings, "ranks": ranks, "scaling": scaling(model)}


def beside(name: str, settings: dict, ranks: dict[str, int]) -> dict:
    """A folder of PEFT."""
    settings = {"peft_type": "LORA", **settings, "target_modules": sorted(ranks)}
    with tempfile.TemporaryDirectory() as folder:
        save_file(factors(ranks, "base_model.model."), f"{folder}/adapter_model.safetensors", {"format": "pt"})
        Path(folder, "adapter_config.json").write_text(json.dumps(settings))
        model = peft.PeftModel.from_pretrained(small(), folder)
    return {"name": name, "in": "config", "prefix": "base_model.model.", "settings": settings, "ranks": ranks, "scaling": scaling(model)}


def saved_by_diffusers() -> dict:
    """What diffusers itself writes of a file whose ranks differ."""
    model = small()
    with tempfile.TemporaryDirectory() as folder:
        save_file(factors(MIXED, "transformer."), f"{folder}/mixed.safetensors", {"format": "pt"})
        model.load_lora_adapter(folder, prefix="transformer", weight_name="mixed.safetensors", adapter_name="default")
        model.save_lora_adapter(f"{folder}/saved")
        path = f"{folder}/saved/pytorch_lora_weights.safetensors"
        with __import__("safetensors").safe_open(path, "pt") as file:
            settings = json.loads(file.metadata()[LORA_ADAPTER_METADATA_KEY])
        assert sorted(load_file(path)) == sorted(factors(MIXED, ""))
    return header("saved by diffusers", settings, MIXED, "")


def main() -> None:
    equal = {name: RANK for name in MODULES}
    first = {name: 8 if name.startswith("transformer_blocks.0") else RANK for name in MODULES}
    patterns = [
        ("a start", {"^proj_out": 16}),
        ("a regular expression", {r"transformer_blocks\.(0|1)\..*": 2}),
        ("the first that matches", {"to_q": 1, r".*\.attn\..*": 2, "^transformer_blocks.1.attn.to_q": 3}),
        ("sets, repetitions and lookarounds", {r"to_[qk]": 1, r"(?!single_).*\.net\.\d+.*": 2, r"\w+_blocks\.\d{1,2}\.proj_(mlp|out)$": 3, r".*(?<!_mlp)\.linear": 5}),
        ("dots that are any character", {"norm1.linear": 2, "x.embedder": 3}),
        ("alternatives at the top", {"x_embedder|^context_embedder": 9}),
        ("the end of a name alone", {"out": 3, "0": 5, "linear_1": 7}),
    ]
    base = {"r": RANK, "lora_alpha": 12}
    cases = [header(f"alpha_pattern: {name}", {**base, "alpha_pattern": pattern}, equal) for name, pattern in patterns]
    cases += [beside(f"alpha_pattern: {name}", {**base, "alpha_pattern": pattern}, equal) for name, pattern in patterns]
    ranked = {**base, "rank_pattern": {r"^transformer_blocks\.0\..*": 8}}
    for make in (header, beside):
        cases += [
            make("one alpha", {"r": RANK, "lora_alpha": 16}, equal),
            make("no alpha", {"r": RANK}, equal),
            make("ranks", ranked, first),
            make("ranks and alphas", {**ranked, "alpha_pattern": {"to_q": 24, "^proj_out": 2}}, first),
            make("rank-stabilized", {**base, "use_rslora": True}, equal),
            make("rank-stabilized, with ranks and alphas", {**ranked, "use_rslora": True, "alpha_pattern": {"attn.to_q": 24}}, first),
            make("an alpha of 0", {**base, "alpha_pattern": {"to_q": 0}}, equal),
        ]
    cases += [header("of a model by itself", {"r": RANK, "lora_alpha": 16}, equal, ""), saved_by_diffusers()]
    versions = {"torch": torch.__version__.split("+")[0], "diffusers": diffusers.__version__, "peft": peft.__version__}
    text = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    OUTPUT.write_text(f'{{"versions":{json.dumps(versions)},"cases":[\n{text}\n]}}\n')
    print(f"{len(cases)} cases")


if __name__ == "__main__":
    main()
