"""Records layers in ComfyUI's quantised formats and the numbers they stand for, for test/weights/encodings/comfy-quant.test.ts.

Writes test/fixtures/checkpoint/: `comfy-quant.safetensors`, layers made by comfy-kitchen, its plain torch code, each described by
`<layer>.comfy_quant`; `comfy-quant-values.safetensors`, what it makes of them, in f32 (in bf16 where nothing is lost). Rows do not fill
tiles of 128, blocks do not fill tiles of 4, and one block is all zeros. Layers called `any` have random bits for codes and for scales;
those called `exact` are rotated, with scales that are powers of two, so that no sum rounds.

    python tools/reference/record_comfy_quant.py       # needs torch, comfy-kitchen 0.2, safetensors
"""

import json
from importlib.metadata import version
from pathlib import Path

import comfy_kitchen as ck
import torch
from comfy_kitchen.tensor import dequantize_convrot_w4a4_weight, TensorCoreConvRotW4A4Layout, TensorCoreMXFP8Layout, TensorCoreNVFP4Layout, TensorWiseINT8Layout
from safetensors.torch import save_file

OUT = Path(__file__).parents[2] / "test/fixtures/checkpoint"
stored, values = {}, {}


def add(name: str, tensors: dict[str, torch.Tensor], dequantised: torch.Tensor, description: dict) -> None:
    """Adds a layer: `tensors` by what they add to `<name>.weight`."""
    stored.update({f"{name}.weight{suffix}": tensor for suffix, tensor in tensors.items()})
    stored[f"{name}.comfy_quant"] = torch.tensor(list(json.dumps(description).encode()), dtype=torch.uint8)
    assert dequantised.dtype == torch.float32
    exact = torch.equal(dequantised, dequantised.bfloat16().float())
    values[name] = dequantised.bfloat16() if exact else dequantised


def made(name: str, layout: type, weight: torch.Tensor, description: dict, **options) -> None:
    """Adds what a layout makes of a weight; padding, which it keeps, is cut off its values."""
    codes, params = layout.quantize(weight, **options)
    rows, columns = weight.shape
    add(name, layout.state_dict_tensors(codes, params), layout.dequantize(codes, params)[:rows, :columns].contiguous(), description)


def weight(rows: int, columns: int) -> torch.Tensor:
    numbers = torch.randn(rows, columns)
    numbers[1, :32] = 0
    numbers[2] *= 1e-3
    numbers[-1, -3] = 20
    return numbers


def bits(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8)


def nvfp4() -> None:
    # 5 blocks a row, and 16 rows more than a tile.
    made("nvfp4", TensorCoreNVFP4Layout, weight(144, 80), {"format": "nvfp4"})
    made("nvfp4.padded", TensorCoreNVFP4Layout, weight(130, 71), {"format": "nvfp4", "orig_shape": [130, 71]})
    codes, scales, whole = bits(3, 64), bits(128, 8).view(torch.float8_e4m3fn), torch.tensor(0.0123)
    read = ck.dequantize_nvfp4(codes, whole, scales, torch.float32)
    add("nvfp4.any", {"": codes, "_scale": scales, "_scale_2": whole}, read, {"format": "nvfp4", "group_size": 16})
    # What an input is multiplied by before a layer, its weight is. The scales' bits are those of bytes here.
    codes, params = TensorCoreNVFP4Layout.quantize(weight(16, 64))
    factors = torch.rand(64) + 0.5
    stored["nvfp4.smoothed.pre_quant_scale"] = factors
    tensors = TensorCoreNVFP4Layout.state_dict_tensors(codes, params)
    tensors["_scale"] = tensors["_scale"].view(torch.uint8)
    add("nvfp4.smoothed", tensors, TensorCoreNVFP4Layout.dequantize(codes, params) * factors, {"format": "nvfp4"})


def mxfp8() -> None:
    codes, scales = ck.quantize_mxfp8(weight(131, 160))
    add("mxfp8", {"": codes, "_scale": scales}, ck.dequantize_mxfp8(codes, scales, torch.float32), {"format": "mxfp8"})
    made("mxfp8.padded", TensorCoreMXFP8Layout, weight(40, 50), {"format": "mxfp8", "orig_shape": [40, 50]})
    codes, scales = bits(4, 64).view(torch.float8_e4m3fn), bits(128, 4).view(torch.float8_e8m0fnu)
    read = ck.dequantize_mxfp8(codes, scales, torch.float32)
    add("mxfp8.any", {"": codes, "_scale": scales.view(torch.uint8)}, read, {"format": "mxfp8"})


def rotated() -> None:
    int8 = {"format": "int8_tensorwise", "convrot": True}
    options = {"is_weight": True, "per_channel": True, "convrot": True}
    made("int8", TensorWiseINT8Layout, weight(5, 512), int8 | {"convrot_groupsize": 256}, **options)
    nested = {"format": "int8_tensorwise", "params": {"convrot": True, "convrot_groupsize": 16}}
    made("int8.nested", TensorWiseINT8Layout, weight(7, 48), nested, convrot_groupsize=16, **options)
    codes, scales = bits(6, 512).view(torch.int8), torch.tensor([[2.0**-k] for k in range(6)])
    params = TensorWiseINT8Layout.Params(scale=scales, orig_dtype=torch.float32, orig_shape=(6, 512), convrot=True)
    read = TensorWiseINT8Layout.dequantize(codes, params)
    add("int8.exact", {"": codes, "_scale": scales}, read, int8)
    int4 = {"format": "convrot_w4a4", "convrot_groupsize": 64, "linear_dtype": "int8"}
    made("int4", TensorCoreConvRotW4A4Layout, weight(5, 192), int4, convrot_groupsize=64)
    codes, scales = bits(6, 128).view(torch.int8), torch.tensor([2.0**-k for k in range(6)])
    read = dequantize_convrot_w4a4_weight(codes, scales)
    add("int4.exact", {"": codes, "_scale": scales}, read, {"format": "convrot_w4a4"})


torch.manual_seed(0)
with ck.registry.use_backend("eager"):
    for make in (nvfp4, mxfp8, rotated):
        make()
metadata = {"made_with": ", ".join(f"{name} {version(name)}" for name in ("comfy-kitchen", "torch"))}
save_file(stored, OUT / "comfy-quant.safetensors", metadata)
save_file(values, OUT / "comfy-quant-values.safetensors", metadata)
for path in sorted(OUT.glob("comfy-quant*")):
    print(path.name, path.stat().st_size)
