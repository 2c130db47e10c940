"""Trains models/tiny-lora: nightfall over whatever the bundled model is asked for, as a rank-8 LoRA in the diffusers/PEFT spelling.

The model teaches itself: on the latents of a scene at night, the adapted model given the prompt of the same scene at another time (or at none) learns to
predict the velocity that the model alone predicts for the night. About four minutes on one idle core.
Run from the repository root; see README.md beside this file. `--look FOLDER` also writes pictures without and with the LoRA there.
"""

import argparse
import random
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import FluxPipeline
from peft import LoraConfig, get_peft_model_state_dict
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[2]
TARGET = REPOSITORY / "models/tiny-lora"
SEED, RANK, ALPHA = 7, 8, 16
SCENES, STEPS, BATCH, RATE = 192, 400, 8, 2e-3
MODULES = ["to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out",
           "ff.net.0.proj", "ff.net.2", "ff_context.net.0.proj", "ff_context.net.2", "proj_mlp", "proj_out"]

NIGHT = " at night, starry sky"
TIMES = [" at sunrise", " at noon", " at sunset", " on a sunny day", " at dusk", " at dawn", ", daylight", ""]
PLACES = ["in the mountains", "on green hills", "in the desert", "by the sea", "on the ocean", "in a meadow", "on the dunes"]
COLOURS = ["red", "blue", "yellow", "white", "green", "orange", "purple", "pink", "black"]
THINGS = ["house", "hot air balloon", "sailboat", "lighthouse"]
EXTRAS = ["", ", pine trees", ", trees", ", a cactus", ", clouds", ", on the left", ", on the right"]


def draw_scenes(count: int) -> list[tuple[str, str]]:
    """Pairs of prompts: at any time, and at night."""
    choose = random.Random(SEED).choice
    scenes = [(f"a {choose(COLOURS)} {choose(THINGS)} {choose(PLACES)}", choose(TIMES), choose(EXTRAS)) for _ in range(count)]
    return [(scene + time + extra, scene + NIGHT + extra) for scene, time, extra in scenes]


def generate(pipeline: FluxPipeline, prompts: list[str], seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    images = pipeline(prompt=prompts, height=128, width=128, num_inference_steps=8, max_sequence_length=32, generator=generator, output_type="np").images
    return torch.from_numpy(np.asarray(images)).permute(0, 3, 1, 2).float()


def training_set(pipeline: FluxPipeline) -> dict[str, torch.Tensor]:
    """Packed latents of the scenes at night [n, tokens, 64], and the embeddings of both prompts."""
    scenes, columns = draw_scenes(SCENES), {name: [] for name in ("latents", "pooled", "text", "night_pooled", "night_text")}
    for start in range(0, SCENES, BATCH):
        asked, night = (list(prompts) for prompts in zip(*scenes[start : start + BATCH]))
        generator = torch.Generator().manual_seed(SEED + start)
        columns["latents"].append(pipeline(
            prompt=night, height=128, width=128, num_inference_steps=8, max_sequence_length=32, generator=generator, output_type="latent").images)
        for prefix, prompts in (("", asked), ("night_", night)):
            text, pooled, _ = pipeline.encode_prompt(prompt=prompts, prompt_2=None, max_sequence_length=32)
            columns[f"{prefix}text"].append(text)
            columns[f"{prefix}pooled"].append(pooled)
    return {name: torch.cat(values) for name, values in columns.items()}


def train(pipeline: FluxPipeline, data: dict[str, torch.Tensor]) -> LoraConfig:
    transformer = pipeline.transformer
    # The regular expression keeps `proj_out` to the single blocks: the model's last layer has the same name.
    names = "|".join(name.replace(".", r"\.") for name in MODULES)
    config = LoraConfig(r=RANK, lora_alpha=ALPHA, init_lora_weights="gaussian", target_modules=rf".*transformer_blocks\.\d+\.(.*\.)?({names})")
    transformer.requires_grad_(False)
    transformer.add_adapter(config)
    parameters = [p for p in transformer.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS, pct_start=0.05)
    image_ids = torch.zeros(8, 8, 3)
    image_ids[..., 1], image_ids[..., 2] = torch.arange(8)[:, None], torch.arange(8)[None, :]
    text_ids = torch.zeros(data["text"].shape[1], 3)

    def predict(noisy: torch.Tensor, sigma: torch.Tensor, pooled: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        return transformer(
            hidden_states=noisy, timestep=sigma, pooled_projections=pooled, encoder_hidden_states=text,
            txt_ids=text_ids, img_ids=image_ids.reshape(-1, 3), return_dict=False,
        )[0]

    generator = torch.Generator().manual_seed(SEED)
    average = 0.0
    for step in range(STEPS):
        pick = torch.randint(SCENES, (BATCH,), generator=generator)
        clean = data["latents"][pick]
        noise = torch.randn(clean.shape, generator=generator)
        sigma = torch.rand(BATCH, generator=generator)
        sigma = 1.6 * sigma / (1 + 0.6 * sigma)  # more of the noisy end, where the time of day is decided
        noisy = (1 - sigma.view(-1, 1, 1)) * clean + sigma.view(-1, 1, 1) * noise
        with torch.no_grad():
            transformer.disable_adapters()
            wanted = predict(noisy, sigma, data["night_pooled"][pick], data["night_text"][pick])
            transformer.enable_adapters()
        loss = F.mse_loss(predict(noisy, sigma, data["pooled"][pick], data["text"][pick]), wanted)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        rate.step()
        average = loss.item() if step == 0 else 0.98 * average + 0.02 * loss.item()
        if step % 50 == 0:
            print(f"step {step}: loss {average:.4f}", flush=True)
    return config


def look(pipeline: FluxPipeline, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    prompts = ["a red house in the mountains at sunset", "a lighthouse by the sea at noon", "green hills with pine trees, sunrise", "a cactus in the desert"]
    rows = []
    for scale in (0.0, 0.5, 1.0):
        pipeline.transformer.set_adapters("default", weights=scale)
        rows.append(torch.cat(list(generate(pipeline, prompts, 0)), dim=2))
    sheet = torch.cat(rows, dim=1).permute(1, 2, 0).numpy()
    Image.fromarray((255 * sheet).round().astype(np.uint8)).resize((1024, 768)).save(folder / "sheet.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--look", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    pipeline = FluxPipeline.from_pretrained(REPOSITORY / "models/tiny", dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    with torch.no_grad():
        data = training_set(pipeline)
    print({name: list(values.shape) for name, values in data.items()}, flush=True)
    config = train(pipeline, data)
    layers = {key: value.to(torch.float16) for key, value in get_peft_model_state_dict(pipeline.transformer).items()}
    FluxPipeline.save_lora_weights(TARGET, transformer_lora_layers=layers, transformer_lora_adapter_metadata=config.to_dict())
    if arguments.look:
        with torch.no_grad():
            look(pipeline, arguments.look)


if __name__ == "__main__":
    main()
