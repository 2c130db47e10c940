"""Records quantised tensors and the numbers they stand for, for the tests gguf, quantised and convert below test/weights.

Writes test/fixtures/checkpoint/: `types.gguf`, one tensor of every ggml type that is decoded, written by the gguf package, every bit
of whose blocks is random (but for scales, which are finite); `types.safetensors`, the f32 values the package decodes them to;
`nf4.safetensors`, tensors packed by bitsandbytes as its state dicts hold them; `nf4-values.safetensors`, what it unpacks them to;
`quantised.safetensors`, what these packages and torch make of given numbers.

    python tools/reference/record_dequant.py           # needs torch, bitsandbytes 0.50, gguf 0.19, safetensors, numpy
"""

import struct
from pathlib import Path

import bitsandbytes.functional as bnb
import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from safetensors.torch import save_file

OUT = Path(__file__).parents[2] / "test/fixtures/checkpoint"
ROWS, COLUMNS = 3, 512

# Where a block keeps its f16 scales.
SCALES = {
    Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0], Type.Q2_K: [80, 82], Type.Q3_K: [108],
    Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208], Type.IQ4_NL: [0], Type.IQ4_XS: [0],
}  # fmt: skip


def random_blocks(kind: Type, rng: np.random.Generator) -> np.ndarray:
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (ROWS * COLUMNS // elements, size), dtype=np.uint8)
    for at in SCALES[kind]:
        scales = rng.normal(0, 0.05, len(blocks)).astype("<f2")
        # Subnormal and zero scales occur in files.
        scales[:2] = [3e-7, 0]
        blocks[:, at : at + 2] = scales.view(np.uint8).reshape(-1, 2)
    return blocks.reshape(ROWS, -1)


def ggml() -> None:
    rng = np.random.default_rng(0)
    writer = gguf.GGUFWriter(OUT / "types.gguf", "flux")
    writer.add_string("general.name", "Größe")
    writer.add_uint8("test.u8", 200)
    writer.add_int16("test.i16", -3)
    writer.add_float32("test.f32", 0.25)
    writer.add_float64("test.f64", -0.5)
    writer.add_uint64("test.u64", 2**63)
    writer.add_bool("test.bool", True)
    writer.add_array("test.shape", [3, 1, 4])
    writer.add_array("test.words", ["a", "", "ccc"] * 20)
    writer.add_array("test.many", list(range(100)))
    values = {}
    for kind in SCALES:
        blocks = random_blocks(kind, rng)
        values[kind.name] = torch.from_numpy(gguf.quants.dequantize(blocks, kind).astype(np.float32))
        writer.add_tensor(kind.name, blocks, raw_dtype=kind)
    plain = rng.normal(0, 1, (ROWS, 7)).astype(np.float32)
    bits = torch.from_numpy(plain).bfloat16()
    for name, array, kind in [
        ("F32", plain, Type.F32), ("F16", plain.astype(np.float16), Type.F16), ("BF16", bits.view(torch.uint16).numpy().view(np.uint8), Type.BF16),
    ]:  # fmt: skip
        writer.add_tensor(name, array, raw_dtype=kind)
    values |= {"F32": torch.from_numpy(plain), "F16": torch.from_numpy(plain).half().float(), "BF16": bits.float()}
    for write in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        write()
    save_file(values, OUT / "types.safetensors")


def quantised() -> None:
    """What other programs make of given numbers: ties, zeros, large and small ones."""
    values = np.random.default_rng(1).normal(0, 1, (8, 64)).astype(np.float32)
    values[1] *= 1e-4
    values[2] = np.round(values[2] * 16) / 16
    values[3, :32] = 0
    values[4] *= 100
    packed = {name: torch.from_numpy(gguf.quants.quantize(values, Type[name])) for name in ("Q8_0", "Q4_0")}
    values = torch.from_numpy(values)
    packed |= {"f8e4m3": values.to(torch.float8_e4m3fn).view(torch.uint8)}
    save_file({"values": values} | packed, OUT / "quantised.safetensors")


def bitsandbytes() -> None:
    torch.manual_seed(0)
    packed, values = {}, {}
    for name, shape, kind, dtype, nested in [
        ("nf4", (6, 128), "nf4", torch.float32, False),
        ("nested", (40, 512), "nf4", torch.float32, True),
        ("fp4", (6, 128), "fp4", torch.float32, False),
        ("half", (6, 128), "nf4", torch.bfloat16, True),
        ("straddling", (8, 40), "nf4", torch.float32, False),
    ]:  # fmt: skip
        weight = torch.randn(shape, dtype=dtype)
        codes, state = bnb.quantize_4bit(weight, blocksize=64, compress_statistics=nested, quant_type=kind)
        packed[f"{name}.weight"] = codes
        packed |= {f"{name}.weight.{key}": value for key, value in state.as_dict(packed=True).items()}
        values[name] = bnb.dequantize_4bit(codes, state)
    save_file(packed, OUT / "nf4.safetensors")
    save_file(values, OUT / "nf4-values.safetensors")


ggml()
quantised()
bitsandbytes()
for path in sorted(OUT.glob("*")):
    print(path.name, path.stat().st_size)
