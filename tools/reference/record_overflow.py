"""Records what diffusers' transformer blocks make of activations that overflow float16.

    python tools/reference/record_overflow.py

Writes test/fixtures/parity/float16-overflow.safetensors: inputs and outputs of the first double and the first single block of
test/fixtures/random-flux in float16, with modulations large enough that sums pass 65504.
"""

from pathlib import Path

import torch
from diffusers import FluxTransformer2DModel
from safetensors.torch import save_file

ROOT = Path(__file__).parents[2]
TEXT, ROWS, COLUMNS = 6, 2, 4
GATE = 100_000


def main() -> None:
    torch.manual_seed(5)
    folder = ROOT / "test/fixtures/random-flux/transformer"
    model = FluxTransformer2DModel.from_pretrained(folder, torch_dtype=torch.float16).eval()
    width = model.config.num_attention_heads * model.config.attention_head_dim
    image = ROWS * COLUMNS
    ids = torch.zeros(TEXT + image, 3)
    ids[TEXT:, 1] = torch.arange(image) // COLUMNS
    ids[TEXT:, 2] = torch.arange(image) % COLUMNS
    rope = model.pos_embed(ids)
    img = (torch.randn(1, image, width) * 1000).half()
    txt = (torch.randn(1, TEXT, width) * 15_000).clip(-60_000, 60_000).half()
    tensors = {"img": img, "txt": txt}
    vec = torch.randn(1, width).half()
    with torch.no_grad():
        for kind, block in (("double", model.transformer_blocks[0]), ("single", model.single_transformer_blocks[0])):
            norms = [block.norm1_context, block.norm1] if kind == "double" else [block.norm]
            # The last row of modulation is the gate of what is added last; only the text's overflows in the double block.
            norms[0].linear.register_forward_hook(lambda _, __, out: torch.cat([out[:, :-width], out[:, -width:] * GATE], dim=1))
            mod = torch.cat([norm.linear(norm.silu(vec)).reshape(1, -1, width) for norm in reversed(norms)], dim=1)
            out = torch.cat(block(img, txt, vec, rope), dim=1)
            clipped = int((out.abs() == 65504).sum())
            print(f"{kind}: {clipped} of {out.numel()} clipped, {int((~out.isfinite()).sum())} not finite")
            tensors |= {f"{kind}.mod": mod, f"{kind}.out": out}
    save_file({name: values.float().contiguous() for name, values in tensors.items()}, ROOT / "test/fixtures/parity/float16-overflow.safetensors")


main()
