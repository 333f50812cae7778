"""Makes images/*.jpg, images/*.webp, images/*.png and images.safetensors: what Pillow reads and resizes.

    python3 tests/golden/make_image_golden.py        (needs Pillow, numpy and safetensors; writes beside itself)

"decoded.NAME" is the image of images/NAME as u8 [3, H, W], turned as its EXIF data say; "gray.NAME" is one of one
channel. "source" is an image with noise and hard edges, and "lanczos.crop.HxW" and "lanczos.stretch.HxW" are its middle
with these proportions, and all of it, in that size.
"""
import pathlib

import numpy
from PIL import Image, ImageOps
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
FOLDER = HERE / "images"
FOLDER.mkdir(exist_ok=True)
random = numpy.random.default_rng(20261129)
tensors = {}


def planes(image):
    pixels = numpy.asarray(image)
    return numpy.ascontiguousarray(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))


def photo(height, width):
    """A smooth image without symmetry, so that every turn of it differs."""
    y, x = numpy.mgrid[0:height, 0:width] / max(height, width)
    channels = [255 * x, 255 * y, 127 * (1 + numpy.sin(9 * x * x + 5 * y))]
    return Image.fromarray(numpy.stack(channels, -1).astype(numpy.uint8))


def save(name, image, **options):
    image.save(FOLDER / name, **options)
    read = ImageOps.exif_transpose(Image.open(FOLDER / name))
    if read.mode == "L":
        tensors["gray." + name] = planes(read)
    tensors["decoded." + name] = planes(read.convert("RGB"))


for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(f"orientation{orientation}.jpg", photo(11, 18), exif=exif, quality=80)
save("gray.jpg", photo(9, 17).convert("L"), quality=85)
save("progressive.jpg", photo(33, 21), progressive=True, quality=70)
save("full_chroma.jpg", photo(13, 10), subsampling=0, quality=90)
save("cmyk.jpg", photo(12, 16).convert("CMYK"), quality=90)
save("palette.png", photo(7, 9).quantize(8))
save("lossless.webp", photo(10, 14), lossless=True)
transparent = photo(10, 14)
transparent.putalpha(Image.fromarray((numpy.mgrid[0:10, 0:14][1] * 18).astype(numpy.uint8)))
transparent.save(FOLDER / "transparent.webp", lossless=True, exact=True)
transparent.save(FOLDER / "transparent.png")
for ground, color in {"white": (255, 255, 255), "orange": (255, 128, 0)}.items():
    below = Image.new("RGBA", transparent.size, color + (255,))
    tensors["over." + ground] = planes(Image.alpha_composite(below, transparent).convert("RGB"))

source = random.integers(0, 256, (61, 83, 3)).astype(numpy.uint8)
source[10:40, 20:50] = 255
source[20:30, 30:70] = 0
image = Image.fromarray(source)
tensors["source"] = planes(image)
for height, width in [(16, 16), (20, 31), (61, 40), (100, 150), (5, 83)]:
    factor = min(61 / height, 83 / width)
    top, left = (61 - factor * height) / 2, (83 - factor * width) / 2
    box = (left, top, left + factor * width, top + factor * height)
    size = f"{height}x{width}"
    tensors["lanczos.crop." + size] = planes(image.resize((width, height), Image.LANCZOS, box=box))
    tensors["lanczos.stretch." + size] = planes(image.resize((width, height), Image.LANCZOS))
save_file(tensors, HERE / "images.safetensors")
