"""Images a second of the loader alone, beside PyTorch's ImageFolder and DataLoader, as a table in Markdown.

  python3 tests/bench/make_images.py /tmp/images --count 20000
  python3 tests/bench/compare_loading.py /tmp/images

In each round the benchmark program reads 2,048 images as often as fits into a few seconds, and then PyTorch does: each
with two workers, in batches of 64, in random order, the short side resized to 64 pixels and the middle 64x64 taken
(here by area, in torchvision by its antialiased bilinear filter), scaled to [-1, 1]. Nothing else is computed. Needs
PyTorch and torchvision.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SIDE, BATCH, IMAGES, WORKERS = 64, 64, 2048, 2


def torchvision():
    """The module. A wheel for another build of PyTorch lacks compiled operators, which image folders do not need."""
    import torch
    while "torchvision" not in sys.modules:
        try:
            import torchvision
        except RuntimeError as error:
            missing = re.search(r"operator (torchvision::\w+) does not exist", str(error))
            if not missing:
                raise
            torch.library.define(missing[1], "() -> ()")
    import torchvision.datasets
    import torchvision.transforms
    return torchvision


def pytorch_rate(folder, seconds):
    import torch
    vision = torchvision()
    transform = vision.transforms.Compose([
        vision.transforms.Resize(SIDE), vision.transforms.CenterCrop(SIDE), vision.transforms.ToTensor(),
        vision.transforms.Normalize([0.5] * 3, [0.5] * 3)])
    loader = torch.utils.data.DataLoader(vision.datasets.ImageFolder(folder, transform), BATCH, shuffle=True,
                                         num_workers=WORKERS, drop_last=True)
    if len(loader) < 32:
        sys.exit(f"compare_loading.py: {folder} has images for {len(loader)} batches; it needs {32 * BATCH} images")
    batches = iter(loader)
    for _ in range(16):
        next(batches)
    count, start = 0, time.perf_counter()
    for images, _ in batches:
        assert images.shape == (BATCH, 3, SIDE, SIDE)
        count += BATCH
        if time.perf_counter() - start > seconds and count >= IMAGES:
            break
    return count / (time.perf_counter() - start)


def our_rate(bench, folder, case, seconds):
    environment = dict(os.environ, DITHAROS_BENCH_IMAGES=str(folder))
    output = subprocess.run([bench, "--json", "--seconds", str(seconds), case], env=environment, check=True,
                            capture_output=True, text=True).stdout
    for line in output.splitlines():
        result = json.loads(line)
        if result.get("name") == case:
            return result["items"] / result["median"]
    sys.exit(f"compare_loading.py: {bench} has no case {case}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--bench", type=pathlib.Path, default=HERE.parents[1] / "build/tests/bench")
    options = parser.parse_args()
    cases = [f"loading/{kind}/{WORKERS}_workers" for kind in ("files", "packed")]
    rates = {case: [] for case in [*cases, "PyTorch"]}
    for _ in range(options.rounds):
        for case in cases:
            rates[case].append(our_rate(options.bench, options.folder, case, options.seconds))
        rates["PyTorch"].append(pytorch_rate(options.folder, options.seconds))
    print("| loader | images a second, median | ratio to PyTorch: median, smallest, largest |\n| --- | --- | --- |")
    for case, values in rates.items():
        ratios = sorted(ours / theirs for ours, theirs in zip(values, rates["PyTorch"]))
        print(f"| {case} | {statistics.median(values):,.0f} | **{statistics.median(ratios):.2f}** "
              f"({ratios[0]:.2f}..{ratios[-1]:.2f}) |")


if __name__ == "__main__":
    main()
