"""A step of FLUX.1 dev's transformer in torch, random weights, bf16, 1024² and 512 text tokens: what a GPU does without XLA.

With diffusers its own FluxTransformer2DModel is timed; without it the same blocks written below, with F.scaled_dot_product_attention.
Each eagerly and by torch.compile. Prints one JSON object: medians in seconds by CUDA events.
"""

import json
import statistics
import sys

import torch
import torch.nn.functional as F
from torch import nn

WIDTH, HEADS, HEAD = 3072, 24, 128
IMAGE, TEXT, DOUBLE, SINGLE = 4096, 512, 19, 38
ROUNDS = 10


def modulate(x, shift, scale):
    return F.layer_norm(x, (WIDTH,), eps=1e-6) * (1 + scale) + shift


def rotate(x, cos, sin):
    even, odd = x.unflatten(-1, (-1, 2)).float().unbind(-1)
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2).to(x.dtype)


class Stream(nn.Module):
    """One of the two streams of a double block: what comes before attention, and what after."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.q_norm, self.k_norm = nn.RMSNorm(HEAD, eps=1e-6), nn.RMSNorm(HEAD, eps=1e-6)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def before(self, x, m):
        q, k, v = self.qkv(modulate(x, m[0], m[1])).unflatten(-1, (3, HEADS, HEAD)).permute(2, 0, 3, 1, 4)
        return self.q_norm(q), self.k_norm(k), v

    def after(self, x, attended, m):
        x = x + m[2] * self.out(attended)
        return x + m[5] * self.down(F.gelu(self.up(modulate(x, m[3], m[4])), approximate="tanh"))


def attend(q, k, v, cos, sin):
    out = F.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v)
    return out.transpose(1, 2).flatten(2)


class DoubleBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.image, self.text = Stream(), Stream()

    def forward(self, image, text, mi, mt, cos, sin):
        parts = zip(self.text.before(text, mt), self.image.before(image, mi))
        out = attend(*(torch.cat(pair, 2) for pair in parts), cos, sin)
        return self.image.after(image, out[:, TEXT:], mi), self.text.after(text, out[:, :TEXT], mt)


class SingleBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.out = nn.Linear(WIDTH, 7 * WIDTH), nn.Linear(5 * WIDTH, WIDTH)
        self.q_norm, self.k_norm = nn.RMSNorm(HEAD, eps=1e-6), nn.RMSNorm(HEAD, eps=1e-6)

    def forward(self, x, m, cos, sin):
        qkv, mlp = self.inner(modulate(x, m[0], m[1])).split((3 * WIDTH, 4 * WIDTH), -1)
        q, k, v = qkv.unflatten(-1, (3, HEADS, HEAD)).permute(2, 0, 3, 1, 4)
        out = attend(self.q_norm(q), self.k_norm(k), v, cos, sin)
        return x + m[2] * self.out(torch.cat((out, F.gelu(mlp, approximate="tanh")), -1))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.doubles = nn.ModuleList(DoubleBlock() for _ in range(DOUBLE))
        self.singles = nn.ModuleList(SingleBlock() for _ in range(SINGLE))

    def forward(self, image, text, m, cos, sin):
        for block in self.doubles:
            image, text = block(image, text, m, m, cos, sin)
        x = torch.cat((text, image), 1)
        for block in self.singles:
            x = block(x, m, cos, sin)
        return x[:, TEXT:]


def randomise(model):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.02)
    return model


def ours(device):
    with torch.device(device):
        model = randomise(Transformer().to(torch.bfloat16))
        image, text = (torch.randn(1, n, WIDTH, dtype=torch.bfloat16) for n in (IMAGE, TEXT))
        m = [torch.randn(1, 1, WIDTH, dtype=torch.bfloat16) * 0.1 for _ in range(6)]
        angles = torch.rand(IMAGE + TEXT, HEAD // 2) * 6
    return "torch blocks", model, (image, text, m, angles.cos(), angles.sin())


def diffusers_model(device):
    from diffusers import FluxTransformer2DModel

    with torch.device(device):
        model = randomise(FluxTransformer2DModel(guidance_embeds=True).to(torch.bfloat16))
        bf16 = {"dtype": torch.bfloat16}
        inputs = {
            "hidden_states": torch.randn(1, IMAGE, 64, **bf16),
            "encoder_hidden_states": torch.randn(1, TEXT, 4096, **bf16),
            "pooled_projections": torch.randn(1, 768, **bf16),
            "timestep": torch.full((1,), 0.5, **bf16),
            "guidance": torch.full((1,), 3.5),
            "img_ids": torch.zeros(IMAGE, 3),
            "txt_ids": torch.zeros(TEXT, 3),
            "return_dict": False,
        }
    return "diffusers", model, inputs


def median(model, inputs):
    run = (lambda: model(**inputs)) if isinstance(inputs, dict) else (lambda: model(*inputs))
    times = []
    for round_ in range(ROUNDS + 3):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        run()
        end.record()
        torch.cuda.synchronize()
        if round_ >= 3:
            times.append(start.elapsed_time(end) / 1000)
    return statistics.median(times)


@torch.inference_mode()
def main():
    try:
        import diffusers  # noqa: F401

        name, model, inputs = diffusers_model("cuda")
    except ImportError:
        name, model, inputs = ours("cuda")
    seconds = {f"{name}, eager": median(model, inputs)}
    try:
        seconds[f"{name}, torch.compile"] = median(torch.compile(model, mode="max-autotune-no-cudagraphs"), inputs)
    except Exception as error:  # noqa: BLE001: what the compiler lacks on this machine is told, and the rest stays
        print(f"torch.compile: {error}", file=sys.stderr)
    peak = torch.cuda.max_memory_allocated()
    print(json.dumps({"torch": torch.__version__, "gpu": torch.cuda.get_device_name(), "seconds": seconds, "peak": peak}))


main()
