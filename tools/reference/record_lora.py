"""Records what diffusers with PEFT computes under LoRAs, in float32 on the CPU, for test/pipeline/lora-parity.cpu.test.ts: test/fixtures/lora/.

The LoRA files are made here, of random factors in the spellings of several trainers, as far as diffusers reads them at this size (its converters have
FLUX.1's widths written into them in places). Each case is one call of FluxPipeline with one or more of them, and keeps
  pooled, text                   CLIP's and T5's embeddings of the prompt
  noise, velocity.0, latents.N   initial latents, the first prediction, the latents after the last step
Run from the repository root; see README.md beside this file.
"""

import json
from pathlib import Path

import diffusers
import torch
import transformers
from safetensors.torch import save_file

from record_pipeline import RANDOM, REPOSITORY, TINY, case, load, run

OUTPUT = REPOSITORY / "test/fixtures/lora"
TINY_LORA = "models/tiny-lora/pytorch_lora_weights.safetensors"
HOUSE = "a red house in the mountains at sunset"


class Maker:
    """Draws factors for the linear layers of a model: down [rank, in], up [out, rank]."""

    def __init__(self, seed: int, gain: float):
        self.generator, self.gain, self.tensors = torch.Generator().manual_seed(seed), gain, {}

    def pair(self, down: str, up: str, inputs: int, outputs: int, rank: int) -> None:
        # Rounded to bfloat16 first: diffusers multiplies alpha into the factors in their own type, which is then exact.
        self.tensors[down] = (torch.randn(rank, inputs, generator=self.generator) / inputs**0.5).bfloat16().half()
        self.tensors[up] = (self.gain * torch.randn(outputs, rank, generator=self.generator) / rank**0.5).bfloat16().half()

    def save(self, name: str, metadata: dict | None = None) -> str:
        path = OUTPUT / f"{name}.safetensors"
        save_file(self.tensors, path, {"format": "pt", **(metadata or {})})
        return str(path.relative_to(REPOSITORY))


def linears(model: torch.nn.Module) -> list[tuple[str, int, int]]:
    return [(name, m.in_features, m.out_features) for name, m in sorted(model.named_modules()) if isinstance(m, torch.nn.Linear)]


def make_diffusers(pipeline: diffusers.FluxPipeline, name: str, seed: int) -> str:
    """Every linear layer of the transformer and of CLIP, ranks that differ by module, one alpha for all in the header."""
    maker = Maker(seed, 0.4)
    for component, model in (("transformer", pipeline.transformer), ("text_encoder", pipeline.text_encoder)):
        for i, (module, inputs, outputs) in enumerate(linears(model)):
            key = f"{component}.{module}"
            maker.pair(f"{key}.lora_A.weight", f"{key}.lora_B.weight", inputs, outputs, 2 + i % 3 if component == "transformer" else 3)
    settings = {"transformer.r": 2, "transformer.lora_alpha": 5, "text_encoder.r": 3, "text_encoder.lora_alpha": 3}
    settings |= {"transformer.rank_pattern": {}, "transformer.alpha_pattern": {"proj_mlp": 1, "single_transformer_blocks.0.attn.to_q": 7}}
    for component, model in (("transformer", pipeline.transformer), ("text_encoder", pipeline.text_encoder)):
        settings[f"{component}.target_modules"] = [module for module, *_ in linears(model)]
    for i, (module, *_) in enumerate(linears(pipeline.transformer)):
        settings["transformer.rank_pattern"][module] = 2 + i % 3
    return maker.save(name, {"lora_adapter_metadata": json.dumps(settings)})


def blocks(d: int, doubles: int, singles: int):
    """BFL names of the blocks' linear layers but linear1, whose parts' widths diffusers' kohya converter has fixed."""
    for i in range(doubles):
        for stream in ("img", "txt"):
            yield f"double_blocks.{i}.{stream}_mod.lin", d, 6 * d
            yield f"double_blocks.{i}.{stream}_attn.qkv", d, 3 * d
            yield f"double_blocks.{i}.{stream}_attn.proj", d, d
            yield f"double_blocks.{i}.{stream}_mlp.0", d, 4 * d
            yield f"double_blocks.{i}.{stream}_mlp.2", 4 * d, d
    for i in range(singles):
        yield f"single_blocks.{i}.modulation.lin", d, 3 * d
        yield f"single_blocks.{i}.linear2", 5 * d, d


def make_kohya(pipeline: diffusers.FluxPipeline, name: str, seed: int) -> str:
    config, maker = pipeline.transformer.config, Maker(seed, 0.4)
    d = config.num_attention_heads * config.attention_head_dim
    modules = [("lora_unet_" + key.replace(".", "_"), i, o) for key, i, o in blocks(d, config.num_layers, config.num_single_layers)]
    clip = [("lora_te1_text_model_" + key.replace(".", "_"), i, o) for key, i, o in linears(pipeline.text_encoder)]
    for n, (key, inputs, outputs) in enumerate(modules + clip):
        maker.pair(f"{key}.lora_down.weight", f"{key}.lora_up.weight", inputs, outputs, 4)
        maker.tensors[f"{key}.alpha"] = torch.tensor(2.0 if n % 2 else 6.0, dtype=torch.bfloat16)
    return maker.save(name)


def make_xlabs(pipeline: diffusers.FluxPipeline, name: str, seed: int) -> str:
    config, maker = pipeline.transformer.config, Maker(seed, 0.4)
    d = config.num_attention_heads * config.attention_head_dim
    for i in range(config.num_layers):
        for n in (1, 2):
            for part, outputs in (("qkv", 3 * d), ("proj", d)):
                key = f"double_blocks.{i}.processor.{part}_lora{n}"
                maker.pair(f"{key}.down.weight", f"{key}.up.weight", d, outputs, 3)
    return maker.save(name)


def record(pipeline: diffusers.FluxPipeline, request: dict, loras: list[tuple[str, float]]) -> dict:
    names = []
    for n, (path, _) in enumerate(loras):
        names.append(f"adapter{n}")
        pipeline.load_lora_weights(REPOSITORY / Path(path).parent, weight_name=Path(path).name, adapter_name=names[-1], local_files_only=True)
    pipeline.set_adapters(names, [scale for _, scale in loras])
    tensors = run(pipeline, request)
    pipeline.unload_lora_weights()
    last = request["num_inference_steps"] - 1
    kept = ("pooled", "text", "noise", "velocity.0", f"latents.{last}")
    save_file({key: torch.from_numpy(tensors[key]) for key in kept}, OUTPUT / f"{request['name']}.recorded.safetensors")
    print(f"{request['name']:24} velocity.0 std {tensors['velocity.0'].std():.3f}, latents std {tensors[f'latents.{last}'].std():.3f}")
    return {**request, "loras": [{"path": path, "scale": scale} for path, scale in loras]}


def main() -> None:
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    for library in (diffusers, transformers):
        library.logging.set_verbosity_error()
        getattr(library.logging, "disable_progress_bar")()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    steps = {"recorded_steps": [0, 3]}
    tiny, cases = load(TINY), []
    other = make_kohya(tiny, "tiny-kohya", 31)
    tiny_case = lambda name, loras: cases.append(record(tiny, case(name, TINY, [HOUSE], 128, 128, 4, 3, **steps), loras))
    tiny_case("tiny-one", [(TINY_LORA, 0.8)])
    tiny_case("tiny-two", [(TINY_LORA, 0.6), (other, 0.6)])
    small = load(RANDOM)
    files = {name: make(small, f"random-{name}", 40 + i) for i, (name, make) in enumerate(
        [("diffusers", make_diffusers), ("kohya", make_kohya), ("xlabs", make_xlabs)])}
    small_case = lambda name, loras: cases.append(record(small, case(name, RANDOM, [HOUSE], 48, 80, 4, 5, **steps), loras))
    small_case("random-diffusers", [(files["diffusers"], 1.0)])
    small_case("random-negative", [(files["diffusers"], -0.5)])
    small_case("random-kohya", [(files["kohya"], 0.6)])
    small_case("random-xlabs", [(files["xlabs"], 1.0)])
    small_case("random-three", [(files["diffusers"], 0.6), (files["xlabs"], 1.0), (files["kohya"], -0.5)])
    versions = {"torch": torch.__version__.split("+")[0], "diffusers": diffusers.__version__, "peft": __import__("peft").__version__}
    (OUTPUT / "cases.json").write_text(json.dumps({"versions": versions, "cases": cases}, indent=2) + "\n")


if __name__ == "__main__":
    main()
