"""Records what LoRAs do to a transformer of FLUX.1's shapes, in float32 on the CPU, for test/pipeline/lora-wide.cpu.test.ts: test/fixtures/lora-wide/.

One double and one single block of width 3072; 2.2 GB of weights, which are not stored: every tensor, weights, inputs and factors alike, is a run of one
table of pseudo-random numbers (`table`), beginning at a place that its name decides, times a power of two. The test makes the same numbers.
`cases.json` has every file as its keys with shapes, and every case as files and scales; `expected.safetensors` has the velocity of each case.
A file's keys are written here from the descriptions of its dialect, and beside them what it does to the weights as plain arithmetic. Where diffusers
with PEFT loads the file its output is what is recorded, and the arithmetic must agree with it; elsewhere the arithmetic is recorded.
Run from the repository root, with 10 GB of memory; five minutes on two cores. `--missing` records only the cases that are not there yet. See
README.md beside this file.
"""

import json
import math
import sys
from pathlib import Path

import diffusers
import numpy as np
import torch
from diffusers import FluxPipeline, FluxTransformer2DModel
from safetensors.torch import load_file, save_file

OUTPUT = Path("test/fixtures/lora-wide")
D, TOKENS, TEXT = 3072, 16, 8
PERIOD = 1048573  # a prime, so that no row length divides it


def table() -> torch.Tensor:
    """Multiples of 1/128 in [-1, 1): eight bits, so that bf16, f16 and f32 all hold them, times any power of two."""
    h = np.arange(PERIOD, dtype=np.uint64)
    h = (h * 0x9E3779B1) & 0xFFFFFFFF
    h ^= h >> 16
    h = (h * 0x85EBCA6B) & 0xFFFFFFFF
    h ^= h >> 13
    return torch.from_numpy(((h >> 16 & 0xFF).astype(np.float32) - 128) / 128)


TABLE = table()


def draw(name: str, shape, gain: float, base: float = 0.0) -> torch.Tensor:
    """base + gain · the table from a place that the FNV-1a hash of `name` decides."""
    h = 0x811C9DC5
    for byte in name.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    count, start = math.prod(shape), h % PERIOD
    reach = TABLE.repeat((start + count) // PERIOD + 1) if start + count > PERIOD else TABLE
    return (base + gain * reach[start : start + count]).reshape(shape)


def power(value: float) -> float:
    return 2.0 ** round(math.log2(value))


def weight(name: str, shape) -> torch.Tensor:
    if name.endswith("bias"):
        return draw(name, shape, 2**-3)
    if len(shape) == 1:
        return draw(name, shape, 2**-2, 1.0)
    return draw(name, shape, power(1.7 / shape[1] ** 0.5))


# Black Forest Labs' name of each module and diffusers' of its parts, by rows; formats.md 3.0.
B, S, E = "transformer_blocks.0", "single_transformer_blocks.0", "time_text_embed"
MODULES = {
    "img_in": ["x_embedder"], "txt_in": ["context_embedder"],
    "time_in.in_layer": [f"{E}.timestep_embedder.linear_1"], "time_in.out_layer": [f"{E}.timestep_embedder.linear_2"],
    "vector_in.in_layer": [f"{E}.text_embedder.linear_1"], "vector_in.out_layer": [f"{E}.text_embedder.linear_2"],
    "guidance_in.in_layer": [f"{E}.guidance_embedder.linear_1"], "guidance_in.out_layer": [f"{E}.guidance_embedder.linear_2"],
    "double_blocks.0.img_mod.lin": [f"{B}.norm1.linear"], "double_blocks.0.txt_mod.lin": [f"{B}.norm1_context.linear"],
    "double_blocks.0.img_attn.qkv": [f"{B}.attn.to_q", f"{B}.attn.to_k", f"{B}.attn.to_v"],
    "double_blocks.0.txt_attn.qkv": [f"{B}.attn.add_q_proj", f"{B}.attn.add_k_proj", f"{B}.attn.add_v_proj"],
    "double_blocks.0.img_attn.proj": [f"{B}.attn.to_out.0"], "double_blocks.0.txt_attn.proj": [f"{B}.attn.to_add_out"],
    "double_blocks.0.img_mlp.0": [f"{B}.ff.net.0.proj"], "double_blocks.0.img_mlp.2": [f"{B}.ff.net.2"],
    "double_blocks.0.txt_mlp.0": [f"{B}.ff_context.net.0.proj"], "double_blocks.0.txt_mlp.2": [f"{B}.ff_context.net.2"],
    "single_blocks.0.modulation.lin": [f"{S}.norm.linear"],
    "single_blocks.0.linear1": [f"{S}.attn.to_q", f"{S}.attn.to_k", f"{S}.attn.to_v", f"{S}.proj_mlp"],
    "single_blocks.0.linear2": [f"{S}.proj_out"],
    "final_layer.linear": ["proj_out"], "final_layer.adaLN_modulation.1": ["norm_out.linear"],
}
BLOCKS = [name for name in MODULES if "blocks" in name]
EMBEDDERS = [name for name in MODULES if "_in." in name or name.endswith("_in")]
QKV, TXT_QKV, LINEAR1 = "double_blocks.0.img_attn.qkv", "double_blocks.0.txt_attn.qkv", "single_blocks.0.linear1"
LAST = "final_layer.adaLN_modulation.1"


class Model:
    """The transformer, and its weights under both kinds of names."""

    def __init__(self):
        with torch.device("meta"):  # drawn once, not twice
            empty = FluxTransformer2DModel(
                num_layers=1, num_single_layers=1, attention_head_dim=128, num_attention_heads=24, joint_attention_dim=4096,
                pooled_projection_dim=768, in_channels=64, guidance_embeds=True,
            )
        self.transformer = empty.to_empty(device="cpu").eval()
        self.parameters = dict(self.transformer.named_parameters())
        for name, parameter in self.parameters.items():
            parameter.data.copy_(weight(name, parameter.shape))

    def read(self, bfl: str, kind: str) -> torch.Tensor:
        """A whole module's weight or bias as BFL has it: parts joined, the last modulation's halves exchanged."""
        whole = torch.cat([self.parameters[f"{part}.{kind}"].data for part in MODULES[bfl]])
        return swap(whole) if bfl == LAST else whole

    def write(self, bfl: str, kind: str, whole: torch.Tensor) -> None:
        at, whole = 0, swap(whole) if bfl == LAST else whole
        for part in MODULES[bfl]:
            parameter = self.parameters[f"{part}.{kind}"]
            parameter.data.copy_(whole[at : at + len(parameter)])
            at += len(parameter)

    def rows(self, bfl: str) -> list[int]:
        return [len(self.parameters[f"{part}.weight"]) for part in MODULES[bfl]]

    def shape(self, module: str) -> tuple[int, int]:
        """[out, in] of a module in either kind of name."""
        if module in MODULES:
            return sum(self.rows(module)), self.parameters[f"{MODULES[module][0]}.weight"].shape[1]
        return tuple(self.parameters[f"{module}.weight"].shape)

    def velocity(self) -> torch.Tensor:
        ids = FluxPipeline._prepare_latent_image_ids(1, 4, 4, "cpu", torch.float32)
        return self.transformer(
            hidden_states=draw("latents", (1, TOKENS, 64), 1.0), encoder_hidden_states=draw("text", (1, TEXT, 4096), 1.0),
            pooled_projections=draw("pooled", (1, 768), 1.0), timestep=torch.tensor([0.8]), guidance=torch.tensor([3.5]),
            img_ids=ids, txt_ids=torch.zeros(TEXT, 3), return_dict=False,
        )[0][0]


def swap(rows: torch.Tensor) -> torch.Tensor:
    first, second = rows.chunk(2)
    return torch.cat([second, first])


class File:
    """A LoRA file's tensors, and what each module of it makes of a whole weight, rows in BFL's order."""

    def __init__(self, name: str, dialect: str, dtype="bf16", metadata=None, loads=False):
        self.name, self.dialect, self.dtype, self.metadata, self.loads = name, dialect, dtype, metadata or {}, loads
        self.specs, self.changes = {}, []

    def tensor(self, key: str, shape, gain: float, base: float = 0.0, blocks=None, dtype=None) -> torch.Tensor:
        """`blocks`: [rows, columns] of what stands on the diagonal; the rest is 0."""
        value = draw(f"{self.name}/{key}", shape, gain, base)
        if blocks:
            mask, top, left = torch.zeros(shape), 0, 0
            for height, width in blocks:
                mask[top : top + height, left : left + width] = 1
                top, left = top + height, left + width
            value = value * mask
        self.specs[key] = {"dtype": dtype or self.dtype, "shape": list(shape), "gain": gain, "base": base, **({"blocks": blocks} if blocks else {})}
        return value

    def number(self, key: str, value: float, shape=(), dtype=None) -> float:
        self.specs[key] = {"dtype": dtype or self.dtype, "shape": list(shape), "gain": 0, "base": value}
        return value

    def pair(self, down: str, up: str, shape, rank: int, blocks=None, strength=0.5):
        """up · down of about `strength` times the size of a weight, when it is called; each factor's gain is a power of two."""
        out, inputs = shape
        a = self.tensor(down, (rank, inputs), power(1.7 / inputs**0.5))
        b = self.tensor(up, (out, rank), power(strength * 1.7 / rank**0.5), blocks=blocks)
        return lambda: b @ a

    def add(self, bfl: str, change, kind="weight") -> None:
        """`change` takes the whole weight to what it is at strength 1."""
        self.changes.append((bfl, kind, change))

    def add_delta(self, bfl: str, delta, kind="weight", scale=1.0) -> None:
        """`delta` gives what is added: whole differences of all files at once are too many."""
        self.add(bfl, lambda whole: whole + scale * delta() if scale != 1 else whole + delta(), kind)

    def add_tensor(self, bfl: str, key: str, shape, gain: float, kind="weight") -> None:
        value = self.tensor(key, shape, gain)
        self.add_delta(bfl, lambda: value, kind)

    def state_dict(self) -> dict:
        types = {"bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32}
        return {key: self.value(key).to(types[spec["dtype"]]) for key, spec in self.specs.items()}

    def value(self, key: str) -> torch.Tensor:
        spec = {**self.specs[key]}
        return File.tensor(self, key, spec["shape"], spec["gain"], spec["base"], spec.get("blocks"), spec["dtype"])


def part_of(model: Model, bfl: str, part: int, delta):
    """A part's difference among zeros for the others, in BFL's order of rows."""

    def whole() -> torch.Tensor:
        own = delta()
        if bfl == LAST:
            return swap(own)
        pieces = [torch.zeros(n, own.shape[1]) for n in model.rows(bfl)]
        pieces[part] = own
        return torch.cat(pieces)

    return whole


def flat(name: str) -> str:
    return name.replace(".", "_")


def add_plain(model, file, modules, keys, alphas=None, ranks=(4,), split=True, diagonal=False, dense_alpha=True) -> None:
    """Plain LoRA in any spelling: `keys(module)` gives the down key, the up key and where alpha goes."""
    for i, bfl in enumerate(modules):
        parts = MODULES[bfl] if split else [bfl]
        for n, module in enumerate(parts):
            rank, shape = ranks[(i + n) % len(ranks)], model.shape(module)
            down, up, alpha_key = keys(module)
            alpha = None if alphas is None else alphas[(i + n) % len(alphas)]
            fused = model.rows(bfl)
            blocks = None
            if diagonal and not split and len(fused) > 1:
                blocks, rank = [[rows, rank] for rows in fused], rank * len(fused)
            delta = file.pair(down, up, shape, rank, blocks)
            if alpha_key and alpha is not None:
                file.number(alpha_key, alpha)
            scale = 1.0 if alpha is None else alpha / rank
            file.add_delta(bfl, part_of(model, bfl, n, delta) if split else delta, scale=scale)


def make_files(model: Model) -> dict[str, File]:
    files = {}

    def new(name: str, dialect: str, **options) -> File:
        files[name] = File(name, dialect, **options)
        return files[name]

    # diffusers: every layer, ranks by module, alphas in the header alone.
    ranks, file = (2, 4, 3), None
    names = [part for bfl in MODULES for part in MODULES[bfl]]
    settings = {"transformer.r": 2, "transformer.lora_alpha": 4, "transformer.target_modules": names, "transformer.rank_pattern": {},
                "transformer.alpha_pattern": {"proj_mlp": 8, f"{S}.attn.to_q": 1}}
    file = new("diffusers", "diffusers", loads=True)
    for i, bfl in enumerate(MODULES):
        for n, part in enumerate(MODULES[bfl]):
            rank = ranks[(i + n) % 3]
            settings["transformer.rank_pattern"][part] = rank
            delta = file.pair(f"transformer.{part}.lora_A.weight", f"transformer.{part}.lora_B.weight", model.shape(part), rank)
            alpha = next((a for end, a in settings["transformer.alpha_pattern"].items() if part.endswith(end)), 4)
            file.add_delta(bfl, part_of(model, bfl, n, delta), scale=alpha / rank)
    file.metadata = {"format": "pt", "lora_adapter_metadata": json.dumps(settings)}

    kohya = lambda m: (f"lora_unet_{flat(m)}.lora_down.weight", f"lora_unet_{flat(m)}.lora_up.weight", f"lora_unet_{flat(m)}.alpha")
    peft = lambda start: lambda m: (f"{start}{m}.lora_A.weight", f"{start}{m}.lora_B.weight", None)

    file = new("kohya", "kohya sd-scripts", loads=True, metadata={"ss_network_dim": "4", "ss_network_module": "networks.lora_flux"})
    # alpha / rank is a power of two, or exact in f16: diffusers multiplies it into the factors in their own type.
    add_plain(model, file, BLOCKS, kohya, alphas=(2.0, 8.0, 1.0), ranks=(4, 2), split=False)
    file = new("kohya-split-qkv", "kohya sd-scripts", loads=True, dtype="f16")
    add_plain(model, file, BLOCKS, kohya, alphas=(12.0,), ranks=(2,), split=False, diagonal=True)
    # What diffusers loses: kohya's embedders and last layer.
    file = new("kohya-all", "kohya sd-scripts", dtype="f32")
    add_plain(model, file, MODULES, kohya, alphas=(4.0,), ranks=(4,), split=False)

    file = new("xlabs", "XLabs", loads=True)
    streams = [(f"double_blocks.0.processor.{name}_lora{n}", f"double_blocks.0.{stream}_attn.{name}")
               for n, stream in ((1, "img"), (2, "txt")) for name in ("qkv", "proj")]
    for key, bfl in streams:
        file.add_delta(bfl, file.pair(f"{key}.down.weight", f"{key}.up.weight", model.shape(bfl), 4))
    key = "single_blocks.0.processor.qkv_lora"
    delta = file.pair(f"{key}.down.weight", f"{key}.up.weight", (3 * D, D), 4)
    file.add_delta(LINEAR1, lambda delta=delta: torch.cat([delta(), torch.zeros(4 * D, D)]))
    key = "single_blocks.0.processor.proj_lora"
    file.add_delta("single_blocks.0.linear2", file.pair(f"{key}.down.weight", f"{key}.up.weight", (D, 5 * D), 4))

    # diffusers reads OneTrainer's attention layers alone.
    attention = [QKV, TXT_QKV, "double_blocks.0.img_attn.proj", "double_blocks.0.txt_attn.proj"]
    onetrainer = lambda m: (f"lora_transformer_{flat(m)}.lora_down.weight", f"lora_transformer_{flat(m)}.lora_up.weight", f"lora_transformer_{flat(m)}.alpha")
    file = new("onetrainer-attention", "OneTrainer", loads=True)
    add_plain(model, file, attention, onetrainer, alphas=(1.0,), ranks=(4, 2))
    file = new("onetrainer", "OneTrainer")
    add_plain(model, file, MODULES, onetrainer, alphas=(8.0, 1.0), ranks=(4, 3))

    file = new("onetrainer-parts", "OneTrainer, BFL names in parts")
    for i, bfl in enumerate(BLOCKS):
        for n, part in enumerate(MODULES[bfl]):
            key = f"transformer.{bfl}" + (f".{n}" if len(MODULES[bfl]) > 1 else "")
            delta = file.pair(f"{key}.lora_down.weight", f"{key}.lora_up.weight", model.shape(part), 3)
            file.add_delta(bfl, part_of(model, bfl, n, delta), scale=file.number(f"{key}.alpha", 6.0) / 3)

    file = new("fal-kontext", "fal, BFL names through PEFT")
    add_plain(model, file, [*BLOCKS, "final_layer.linear"], peft("base_model.model."), ranks=(4,), split=False)

    comfy = lambda m: (f"diffusion_model.{m}.lora_down.weight", f"diffusion_model.{m}.lora_up.weight", f"diffusion_model.{m}.alpha")
    file = new("comfyui", "ComfyUI, BFL names", dtype="f16")
    add_plain(model, file, [*BLOCKS, *EMBEDDERS, LAST], comfy, alphas=(4.0, 2.0), ranks=(4,), split=False)
    file.add_tensor("final_layer.linear", "diffusion_model.final_layer.linear.diff", (64, D), 2**-6)
    for bfl in ("final_layer.linear", LAST, QKV):
        file.add_tensor(bfl, f"diffusion_model.{bfl}.diff_b", (model.shape(bfl)[0],), 2**-3, "bias")

    file = new("simpletuner", "ComfyUI, diffusers names")
    add_plain(model, file, BLOCKS, lambda m: (f"diffusion_model.{m}.lora_A.weight", f"diffusion_model.{m}.lora_B.weight", f"diffusion_model.{m}.lora_alpha"),
              alphas=(2.0,), ranks=(4,))

    # Hyper-SD and Turbo: diffusers names without prefix over everything, the last modulation and the embedders among them.
    file = new("few-step", "diffusers", dtype="f16")
    add_plain(model, file, MODULES, peft("transformer."), ranks=(3,))

    file = new("bfl-control", "BFL names")  # it is the norms that would tell
    for bfl in [*BLOCKS, *EMBEDDERS, "final_layer.linear", LAST]:
        file.add_delta(bfl, file.pair(f"{bfl}.lora_A.weight", f"{bfl}.lora_B.weight", model.shape(bfl), 4))
        file.add_tensor(bfl, f"{bfl}.lora_B.bias", (model.shape(bfl)[0],), 2**-4, "bias")

    file = new("dora-onetrainer", "OneTrainer", dtype="f32")
    for part, bfl in ((f"{B}.attn.to_out.0", "double_blocks.0.img_attn.proj"), ("norm_out.linear", LAST), (f"{B}.norm1.linear", "double_blocks.0.img_mod.lin")):
        key = f"lora_transformer_{flat(part)}"
        delta = file.pair(f"{key}.lora_down.weight", f"{key}.lora_up.weight", model.shape(part), 4)
        scale = file.number(f"{key}.alpha", 2.0) / 4
        lengths = file.tensor(f"{key}.dora_scale", (1, model.shape(part)[1]), 2**-2, 2.0 if "norm" in part else 1.0)

        def change(w, d=delta, m=lengths, s=scale, last=bfl == LAST):
            after = w + s * (swap(d()) if last else d())
            return m * after / after.norm(dim=0, keepdim=True)

        file.add(bfl, change)

    file = new("dora-peft", "diffusers", dtype="f32")  # magnitudes have more bits than bf16
    for part, bfl, n in ((f"{B}.attn.to_q", QKV, 0), (f"{S}.attn.to_v", LINEAR1, 2), ("norm_out.linear", LAST, 0)):
        key = f"transformer.{part}"
        delta = file.pair(f"{key}.lora_A.weight", f"{key}.lora_B.weight", model.shape(part), 4)
        lengths = file.tensor(f"{key}.lora_magnitude_vector", (model.shape(part)[0],), 2**-2, 1.0)
        start = sum(model.rows(bfl)[:n])

        def change(w, d=delta, m=lengths, s=start, last=bfl == LAST):
            w = swap(w) if last else w.clone()
            own = w[s : s + len(m)] + d()
            w[s : s + len(m)] = m[:, None] * own / own.norm(dim=1, keepdim=True)
            return swap(w) if last else w

        file.add(bfl, change)

    file = new("lycoris", "LyCORIS", dtype="f32")
    key = f"lycoris_{flat(f'{B}.attn.to_out.0')}"
    factors = [file.pair(f"{key}.hada_w{n}_b", f"{key}.hada_w{n}_a", (D, D), 4, strength=4.0) for n in (1, 2)]
    scale = file.number(f"{key}.alpha", 2.0) / 4
    file.add_delta("double_blocks.0.img_attn.proj", lambda: factors[0]() * factors[1](), scale=scale)
    key = f"lycoris_{flat(f'{B}.attn.to_k')}"
    w1, w2 = file.tensor(f"{key}.lokr_w1", (16, 16), 2**-2), file.tensor(f"{key}.lokr_w2", (D // 16, D // 16), 2**-4)
    file.number(f"{key}.alpha", 9999999999.0)
    file.add_delta(QKV, part_of(model, QKV, 1, lambda w1=w1, w2=w2: torch.kron(w1, w2)))
    key = f"lycoris_{flat(f'{S}.proj_mlp')}"
    w1 = file.tensor(f"{key}.lokr_w1", (16, 8), 2**-2)
    w2 = file.pair(f"{key}.lokr_w2_b", f"{key}.lokr_w2_a", (12288 // 16, D // 8), 4)
    delta = part_of(model, LINEAR1, 3, lambda w1=w1, w2=w2: torch.kron(w1, w2()))
    file.add_delta(LINEAR1, delta, scale=file.number(f"{key}.alpha", 2.0) / 4)

    file = new("lycoris-kohya", "kohya sd-scripts", dtype="f32")
    key = f"lora_unet_{flat(TXT_QKV)}"  # a Kronecker product over all three
    w1, w2 = file.tensor(f"{key}.lokr_w1", (24, 8), 2**-2), file.tensor(f"{key}.lokr_w2", (3 * D // 24, D // 8), 2**-4)
    file.add_delta(TXT_QKV, lambda w1=w1, w2=w2: torch.kron(w1, w2))
    key = f"lora_unet_{flat('double_blocks.0.txt_attn.proj')}"
    a1, a2 = file.tensor(f"{key}.a1.weight", (D, 4), 2**-3), file.tensor(f"{key}.a2.weight", (4, D), 2**-3)
    b1, b2 = file.tensor(f"{key}.b1.weight", (D, 4), 2**-2), file.tensor(f"{key}.b2.weight", (4, D), 2**-4)
    scale = file.number(f"{key}.alpha", 2.0) / 4
    file.add("double_blocks.0.txt_attn.proj", lambda w: w + scale * (b1 @ b2 + w @ a1 @ a2))
    key = f"lora_unet_{flat(LAST)}"
    file.add_tensor(LAST, f"{key}.diff", (2 * D, D), 2**-6)
    return files


def cases(files: dict[str, File]) -> list[tuple[str, list[tuple[str, float]]]]:
    scales = {"diffusers": 0.6, "kohya-split-qkv": -0.5, "onetrainer": 0.6, "lycoris": 0.6, "dora-onetrainer": 0.6}
    single = [(name, [(name, scales.get(name, 1.0))]) for name in files]
    return [
        *single,
        ("nothing", [("kohya", 0.0)]),
        ("two", [("kohya", 0.6), ("diffusers", -0.5)]),
        ("three", [("xlabs", 1.0), ("kohya-split-qkv", 0.6), ("diffusers", 0.6)]),
        ("three-mixed", [("comfyui", 0.6), ("dora-peft", -0.5), ("few-step", 0.6)]),
    ]


def arithmetic(model: Model, uses: list[tuple[File, float]]) -> torch.Tensor:
    """W + Σ scale · (f(W) − W), each file's f of the model's own weights; they are put back afterwards."""
    before, sums = {}, {}
    for file, scale in uses:
        for bfl, kind, change in file.changes:
            if (bfl, kind) not in before:
                before[bfl, kind] = model.read(bfl, kind)
                sums[bfl, kind] = before[bfl, kind].clone()
            sums[bfl, kind] += change(before[bfl, kind]).sub_(before[bfl, kind]).mul_(scale)
    for (bfl, kind), value in sums.items():
        model.write(bfl, kind, value)
    result = model.velocity()
    for (bfl, kind), value in before.items():
        model.write(bfl, kind, value)
    return result


def by_diffusers(model: Model, uses: list[tuple[File, float]]) -> torch.Tensor:
    pipeline = FluxPipeline(scheduler=diffusers.FlowMatchEulerDiscreteScheduler(), vae=None, text_encoder=None, tokenizer=None, text_encoder_2=None,
                            tokenizer_2=None, transformer=model.transformer)
    folder = OUTPUT / "files"
    folder.mkdir(exist_ok=True)
    for n, (file, _) in enumerate(uses):
        save_file(file.state_dict(), folder / f"{file.name}.safetensors", {"format": "pt", **file.metadata})
        pipeline.load_lora_weights(str(folder), weight_name=f"{file.name}.safetensors", adapter_name=f"adapter{n}", local_files_only=True)
        (folder / f"{file.name}.safetensors").unlink()
    folder.rmdir()
    pipeline.set_adapters([f"adapter{n}" for n in range(len(uses))], [scale for _, scale in uses])
    result = model.velocity()
    pipeline.unload_lora_weights()
    return result


def write_notes(files: dict[str, File], recorded: list[tuple[str, str, list[tuple[str, float]]]]) -> None:
    """Describes the recorded cases, and the files that they use, one a line."""
    versions = {"torch": torch.__version__.split("+")[0], "diffusers": diffusers.__version__, "peft": __import__("peft").__version__}
    listed = [{"name": name, "source": source, "loras": [{"file": file, "scale": scale} for file, scale in uses]} for name, source, uses in recorded]
    used = {use["file"] for case in listed for use in case["loras"]}
    written = {name: {"dialect": file.dialect, "metadata": file.metadata, "tensors": file.specs} for name, file in files.items() if name in used}
    lines = [f'{json.dumps(name)}: {json.dumps(value, separators=(",", ":"))}' for name, value in written.items()]
    text = f'{{\n"versions": {json.dumps(versions)},\n"cases": {json.dumps(listed)},\n"files": {{\n' + ",\n".join(lines) + "\n}\n}\n"
    (OUTPUT / "cases.json").write_text(text)


def main() -> None:
    torch.set_num_threads(2)
    torch.set_grad_enabled(False)
    diffusers.logging.set_verbosity_error()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    model = Model()
    files = make_files(model)
    source = lambda uses: "diffusers" if all(files[file].loads for file, _ in uses) else "arithmetic"
    path, plain = OUTPUT / "expected.safetensors", model.velocity()
    expected = load_file(path) if "--missing" in sys.argv and path.exists() else {}
    expected["plain"] = plain
    difference = lambda a, b: ((a - b).abs().max() / b.abs().max()).item()
    for name, uses in cases(files):
        if name in expected:
            continue
        pairs = [(files[file], scale) for file, scale in uses]
        by_hand = arithmetic(model, pairs)
        result = by_diffusers(model, pairs) if source(uses) == "diffusers" else by_hand
        apart, moved = difference(by_hand, result), difference(result, plain)
        print(f"{name:22} {source(uses):11} arithmetic apart by {apart:.1e}, changes the velocity by {moved:.3f}", flush=True)
        if apart > 3e-5:
            sys.exit(f"{name}: diffusers and plain arithmetic do not agree")
        expected[name] = result.contiguous()
        save_file(expected, path)
        write_notes(files, [(case, source(loras), loras) for case, loras in cases(files) if case in expected])


if __name__ == "__main__":
    main()
