"""Makes a folder of small images of mixed sizes, one sub-folder a class, for measurements of the loader.

  python3 tests/bench/make_images.py FOLDER [--count 200000] [--formats jpg png] [--smallest 64] [--largest 160]

Each image is a garment of Fashion-MNIST in a colour of its own on a sloping ground, with a little noise so that it
compresses as a photograph does. Image i depends on i alone. Needs numpy and Pillow.
"""
import argparse
import gzip
import pathlib

import numpy as np
from PIL import Image


def read_idx(path, header):
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8)[header:]


def make(i, garment, smallest, largest):
    rng = np.random.default_rng(i)
    width, height = rng.integers(smallest, largest + 1, 2)
    mask = np.asarray(Image.fromarray(garment).resize((width, height), Image.BICUBIC), np.float32)[..., None] / 255
    x, y = np.linspace(0, 1, width)[None, :, None], np.linspace(0, 1, height)[:, None, None]
    ground, slope_x, slope_y, colour = rng.uniform(0, 255, 3), *rng.uniform(-90, 90, (2, 3)), rng.uniform(0, 255, 3)
    image = (1 - mask) * (ground + slope_x * x + slope_y * y) + mask * colour
    image += rng.standard_normal((height, width, 1), np.float32) * 6
    return Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=200000)
    parser.add_argument("--formats", nargs="+", default=["jpg"], choices=["jpg", "png"])
    parser.add_argument("--smallest", type=int, default=64)
    parser.add_argument("--largest", type=int, default=160)
    parser.add_argument("--fashion-mnist", type=pathlib.Path, default="/usr/share/datasets/fashion-mnist")
    options = parser.parse_args()
    images = read_idx(options.fashion_mnist / "train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    labels = read_idx(options.fashion_mnist / "train-labels-idx1-ubyte.gz", 8)
    for label in range(10):
        (options.folder / f"class{label}").mkdir(parents=True, exist_ok=True)
    for i in range(options.count):
        kind = options.formats[i % len(options.formats)]
        k = i % len(images)
        path = options.folder / f"class{labels[k]}" / f"{i:06}.{kind}"
        make(i, images[k], options.smallest, options.largest).save(path, quality=90)


if __name__ == "__main__":
    main()
