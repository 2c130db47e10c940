"""Records what PIL, diffusers and OpenCV make of pictures, for test/picture/*.test.ts and test/sampling/mask-latents.test.ts.

Writes test/fixtures/picture/pictures.json. Inputs are made by `noise`, `ramp` and `shapes` below, which the tests have too, so of most
results only a hash is stored: the first 16 hexadecimal digits of the SHA-256 of their bytes. Small files of every format are stored
whole, in base64.

    python tools/reference/record_pictures.py          # needs pillow, diffusers, torch, numpy, opencv-python-headless
"""

import base64
import hashlib
import io
import json
import zlib
from pathlib import Path
from types import SimpleNamespace

import cv2
import diffusers
import numpy as np
import PIL
import torch
from diffusers import FluxFillPipeline, FluxInpaintPipeline
from diffusers.image_processor import VaeImageProcessor
from diffusers.pipelines.flux.pipeline_flux_kontext import PREFERRED_KONTEXT_RESOLUTIONS
from diffusers.utils import load_image
from PIL import Image, ImageFilter

OUT = Path(__file__).parents[2] / "test/fixtures/picture/pictures.json"


def noise(width: int, height: int, channels: int, seed: int = 1) -> np.ndarray:
    """Bytes of a linear congruential generator: the worst case for rounding."""
    x, out = seed, bytearray()
    for _ in range(width * height * channels):
        x = (x * 1664525 + 1013904223) % 2**32
        out.append(x >> 24)
    return np.frombuffer(bytes(out), np.uint8).reshape(height, width, channels)


def ramp(width: int, height: int) -> np.ndarray:
    """Colours that change slowly, as files of lossy formats keep them."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 // (width - 1), y * 255 // (height - 1), (x + y) * 255 // (width + height - 2)], -1).astype(np.uint8)


def shapes(width: int, height: int, colour=(255, 255, 255)) -> np.ndarray:
    """A rectangle and an ellipse on black."""
    y, x = np.mgrid[0:height, 0:width]
    rectangle = (x >= width // 5) & (x < width // 2) & (y >= height // 4) & (y < height // 2)
    ellipse = (2 * x - width) ** 2 * height**2 + (3 * y - 2 * height) ** 2 * width**2 < (width * height) ** 2 // 9
    return np.where((rectangle | ellipse)[..., None], np.uint8(colour), np.uint8(0)).astype(np.uint8)


def image(array: np.ndarray) -> Image.Image:
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def f32(tensor: torch.Tensor) -> bytes:
    return tensor.detach().contiguous().to(torch.float32).numpy().astype("<f4").tobytes()


def resizes() -> list:
    cases = []
    sizes = [(53, 37), (7, 5), (1, 1), (3, 200), (160, 120), (16, 16), (100, 3), (150, 200)]
    for width, height in sizes:
        for channels in (1, 3):
            picture = image(noise(width, height, channels))
            for to in [(64, 48), (16, 16), (32, 96), (53, 37), (1, 1), (7, 300), (190, 190)]:
                for kind in ("lanczos", "bicubic", "bilinear"):
                    result = picture.resize(to, getattr(Image.Resampling, kind.upper()))
                    cases.append([width, height, channels, *to, kind, short(result.tobytes())])
    return cases


def fits() -> list:
    processor = VaeImageProcessor(vae_scale_factor=16)
    cases = []
    for width, height in [(53, 37), (37, 53), (160, 120), (64, 64), (200, 31), (17, 90)]:
        picture = image(noise(width, height, 3))
        for to in [(64, 48), (48, 64), (32, 32), (16, 80), (21, 33), (112, 16)]:
            for mode, name in (("default", "stretch"), ("crop", "cover"), ("fill", "contain")):
                result = processor.resize(picture, to[1], to[0], resize_mode=mode)
                cases.append([width, height, *to, name, short(result.tobytes())])
    return cases


def blurs() -> list:
    cases = []
    for width, height, channels in [(53, 37, 3), (40, 60, 1), (5, 3, 3), (1, 9, 1)]:
        picture = image(noise(width, height, channels))
        for radius in (0, 0.3, 0.7, 1, 2, 3.5, 4, 8, 12.25, 33, 100):
            result = picture.filter(ImageFilter.GaussianBlur(radius))
            cases.append([width, height, channels, radius, short(result.tobytes())])
    return cases


def masks() -> list:
    processor = VaeImageProcessor(
        vae_scale_factor=16, vae_latent_channels=16, do_normalize=False, do_binarize=True, do_convert_grayscale=True
    )
    soft = VaeImageProcessor(vae_scale_factor=16, vae_latent_channels=16, do_normalize=False, do_convert_grayscale=True)
    cases = []
    for width, height in [(64, 48), (100, 80), (48, 96), (37, 53)]:
        for colour in ((255, 255, 255), (200, 30, 90)):
            for to in [(64, 48), (32, 64), (96, 96)]:
                for mode, name in (("default", "stretch"), ("crop", "cover"), ("fill", "contain")):
                    for blur in (0, 4):
                        picture = Image.fromarray(shapes(width, height, colour))
                        used = processor.blur(picture, blur) if blur else picture
                        by = soft if blur or colour != (255, 255, 255) else processor
                        result = by.preprocess(used, height=to[1], width=to[0], resize_mode=mode)
                        cases.append([width, height, list(colour), *to, name, blur, short(f32(result))])
    return cases


def crops() -> list:
    processor = VaeImageProcessor(
        vae_scale_factor=16, vae_latent_channels=16, do_normalize=False, do_binarize=True, do_convert_grayscale=True
    )
    colours = VaeImageProcessor(vae_scale_factor=16)
    cases = []
    for width, height in [(64, 48), (100, 80), (48, 96), (37, 53), (200, 90)]:
        for to in [(64, 48), (32, 64), (96, 96), (128, 16)]:
            for pad in (0, 4, 32):
                for blur in (0, 3):
                    mask = Image.fromarray(shapes(width, height))
                    mask = processor.blur(mask, blur) if blur else mask
                    original = image(noise(width, height, 3))
                    box = processor.get_crop_region(mask, *to, pad=pad)
                    size = dict(height=to[1], width=to[0], resize_mode="fill", crops_coords=box)
                    start = colours.preprocess(original, **size).permute(0, 2, 3, 1)
                    made = image(noise(*to, 3, seed=7))
                    whole = colours.apply_overlay(mask, original, made, box)
                    cases.append([width, height, *to, pad, blur, list(box), short(f32(start)), short(whole.tobytes())])
    return cases


def mask_latents() -> list:
    cases = []
    for width, height, channels in [(64, 48, 16), (32, 32, 4)]:
        mask = torch.from_numpy(noise(width, height, 1).astype(np.float32) / 255).permute(2, 0, 1)[None]
        latents = torch.zeros(1, channels, height // 8, width // 8)
        common = dict(batch_size=1, num_channels_latents=channels, num_images_per_prompt=1, height=height, width=width,
                      dtype=torch.float32, device="cpu", generator=None)  # fmt: skip
        vae = SimpleNamespace(config=SimpleNamespace(shift_factor=0.1, scaling_factor=0.3))
        row = [width, height, channels]
        for kind in (FluxInpaintPipeline, FluxFillPipeline):
            own = SimpleNamespace(vae_scale_factor=8, vae=vae, _pack_latents=kind._pack_latents)
            masked = latents if kind is FluxFillPipeline or channels == 16 else torch.zeros(1, 16, height // 8, width // 8)
            if kind is FluxInpaintPipeline and channels != 16:
                row.append(None)
                continue
            packed, _ = kind.prepare_mask_latents(own, mask=mask, masked_image=masked, **common)
            row.append(short(f32(packed)))
        cases.append(row)
    return cases


def edges() -> list:
    cases = []
    for width, height in [(64, 48), (53, 37), (1, 1), (5, 40), (200, 150)]:
        for name in ("noise", "ramp", "shapes", "blurred"):
            if name == "ramp" and min(width, height) < 2:
                continue
            array = noise(width, height, 3) if name in ("noise", "blurred") else ramp(width, height) if name == "ramp" else shapes(width, height)
            if name == "blurred":
                array = np.array(Image.fromarray(array).filter(ImageFilter.GaussianBlur(2)))
            for low, high in ((100, 200), (50, 200), (10, 30), (0, 0), (20.5, 60.9), (400, 900)):
                colour = cv2.Canny(np.ascontiguousarray(array), low, high)
                grey = cv2.Canny(np.array(Image.fromarray(array).convert("L")), low, high)
                cases.append([width, height, name, low, high, short(colour.tobytes()), short(grey.tobytes())])
    return cases


def sizes() -> list:
    cases = []
    for width, height in [(1024, 1024), (1000, 1024), (640, 480), (480, 640), (1920, 1080), (33, 1000), (4000, 3000), (17, 16), (1051, 771), (16, 160)]:
        aspect = (width - width % 16) / (height - height % 16)
        _, w, h = min((abs(aspect - w / h), w, h) for w, h in PREFERRED_KONTEXT_RESOLUTIONS)
        cases.append([width, height, w, h])
    return cases


def files() -> list:
    """Every format, with what diffusers' load_image reads."""
    colours = ramp(21, 15)
    picture = Image.fromarray(colours)
    grey = picture.convert("L")
    alpha = np.dstack([colours, colours[..., 2]])
    deep = (noise(21, 15, 2)[..., 0].astype(np.uint16) << 8) | noise(21, 15, 2)[..., 1]
    palette = picture.convert("P", palette=Image.Palette.ADAPTIVE)

    def saved(what: Image.Image, kind: str, **options) -> bytes:
        out = io.BytesIO()
        what.save(out, kind, **options)
        return out.getvalue()

    def oriented(orientation: int) -> Image.Exif:
        exif = Image.Exif()
        exif[0x112] = orientation
        return exif

    def deep_png(array: np.ndarray) -> bytes:
        return cv2.imencode(".png", array)[1].tobytes()

    made = {
        "rgb.png": saved(picture, "PNG"),
        "grey.png": saved(grey, "PNG"),
        "grey-alpha.png": saved(picture.convert("LA"), "PNG"),
        "rgba.png": saved(Image.fromarray(alpha), "PNG"),
        "palette.png": saved(palette, "PNG"),
        "palette-transparent.png": saved(palette, "PNG", transparency=3),
        "colour-key.png": saved(picture, "PNG", transparency=(0, 0, 0)),
        "one-bit.png": saved(picture.convert("1"), "PNG"),
        "four-bit.png": saved(picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=12), "PNG", bits=4),
        "rgb16.png": deep_png(np.dstack([deep, deep[::-1], deep[:, ::-1]])),
        "rgba16.png": deep_png(np.dstack([deep, deep[::-1], deep[:, ::-1], deep])),
        "exif6.png": saved(picture, "PNG", exif=oriented(6)),
        "rgb.jpg": saved(picture, "JPEG", quality=85),
        "progressive.jpg": saved(picture, "JPEG", quality=80, progressive=True),
        "subsampled.jpg": saved(picture, "JPEG", quality=70, subsampling=2),
        "grey.jpg": saved(grey, "JPEG"),
        "cmyk.jpg": saved(picture.convert("CMYK"), "JPEG", quality=90),
        **{f"exif{o}.jpg": saved(picture, "JPEG", quality=95, subsampling=0, exif=oriented(o)) for o in range(1, 9)},
        "lossy.webp": saved(picture, "WEBP", quality=80),
        "lossless.webp": saved(picture, "WEBP", lossless=True),
        "alpha.webp": saved(Image.fromarray(alpha), "WEBP", lossless=True, exact=True),
        "exif5.webp": saved(picture, "WEBP", lossless=True, exif=oriented(5)),
        "animated.webp": saved(picture, "WEBP", lossless=True, save_all=True, append_images=[Image.fromarray(255 - colours)]),
        "still.gif": saved(palette, "GIF"),
        "animated.gif": saved(palette, "GIF", save_all=True, append_images=[Image.fromarray(255 - colours)]),
        "lossy.avif": saved(picture, "AVIF", quality=90, subsampling="4:2:0"),
        "full.avif": saved(picture, "AVIF", quality=100, subsampling="4:4:4"),
        "alpha.avif": saved(Image.fromarray(alpha), "AVIF", quality=100, subsampling="4:4:4"),
        "apng.png": saved(picture, "PNG", save_all=True, append_images=[Image.fromarray(255 - colours)]),
    }
    cases = []
    for name, data in made.items():
        opened = Image.open(io.BytesIO(data))
        read = load_image(opened)
        rgb = base64.b64encode(zlib.compress(read.tobytes(), 9)).decode()
        cases.append([name, *read.size, base64.b64encode(data).decode(), rgb])
    # PIL cuts 16-bit greys off at 255; the upper byte is what a person sees in any program.
    upper = np.repeat((deep >> 8).astype(np.uint8)[..., None], 3, -1)
    rgb = base64.b64encode(zlib.compress(upper.tobytes(), 9)).decode()
    cases.append(["grey16.png", 21, 15, base64.b64encode(deep_png(deep)).decode(), rgb])
    return cases


def signed() -> str:
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    values = VaeImageProcessor(vae_scale_factor=16).preprocess(Image.fromarray(np.dstack([every] * 3)))
    return base64.b64encode(f32(values[0, 0])).decode()


def main() -> None:
    recorded = {
        "versions": {"pillow": PIL.__version__, "diffusers": diffusers.__version__, "opencv": cv2.__version__},
        "resizes": resizes(),
        "fits": fits(),
        "blurs": blurs(),
        "masks": masks(),
        "crops": crops(),
        "maskLatents": mask_latents(),
        "edges": edges(),
        "sizes": sizes(),
        "signed": signed(),
        "files": files(),
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    lists = ",\n".join(
        f"{json.dumps(name)}: " + ("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]" if isinstance(rows, list) else json.dumps(rows))
        for name, rows in recorded.items()
    )
    OUT.write_text("{\n" + lists + "\n}\n")


main()
