#!/usr/bin/env python3
"""Measures and draws how the cost of a training step grows with the tokens, the width, the batch and the depth.

    python3 tests/bench/plot_curves.py                       # measures, writes docs/images/cost_*.png and a table
    python3 tests/bench/plot_curves.py --from curves.json    # draws what `bench --json curve > curves.json` found

Each image shows the measured time beside the time that the same number of operations would take at the speed of the
axis' most efficient point: where the two part, the kernels work less well. Needs matplotlib.
"""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AXES = {  # axis: (label, what stays the same)
    "tokens": ("tokens of a sample", "width 384, 2 blocks, batch 2"),
    "width": ("width", "256 tokens, 2 blocks, batch 4"),
    "batch": ("batch", "256 tokens, width 384, 2 blocks"),
    "depth": ("blocks", "256 tokens, width 384, batch 4"),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, default=ROOT / "build/tests/bench", help="the benchmark program "
                        "(default: build/tests/bench)")
    parser.add_argument("--from", dest="source", type=Path, metavar="FILE", help="draw these JSON lines")
    parser.add_argument("--images", type=Path, default=ROOT / "docs/images", metavar="FOLDER",
                        help="where the images go (default: docs/images)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table here; it is printed in any case")
    return parser.parse_args()


def measurements(options):
    """The lines of the benchmark program: the machine's, then one a case."""
    if options.source:
        text = options.source.read_text()
    else:
        command = [str(options.bench), "--json", "--seconds", "1", "curve/"]
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True,
                              env=os.environ | {"OMP_PROC_BIND": "true"}).stdout
    lines = [json.loads(line) for line in text.splitlines()]
    return [line for line in lines if line.get("name", "").startswith("curve/")]


def points_of(axis, measured):
    """(value on the axis, measurement), ascending."""
    return sorted((int(m["name"].split("/")[2]), m) for m in measured if m["name"].split("/")[1] == axis)


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(measured):
    lines = ["| axis | value | GFLOP a step | time, ms | GFLOP/s | share of peak | tensors, MB |", "|---" * 7 + "|"]
    for axis in AXES:
        for value, m in points_of(axis, measured):
            cells = [axis, str(value), number(m["flops"] * 1e-9), number(m["seconds"] * 1e3), f"{m['gflops']:.0f}",
                     f"{100 * m['share_of_peak']:.0f} %", number(m["allocator_peak"] * 1e-6)]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def draw(axis, points, folder):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator
    label, fixed = AXES[axis]
    values = [value for value, _ in points]
    milliseconds = [m["seconds"] * 1e3 for _, m in points]
    best = max(m["gflops"] for _, m in points)
    ideal = [m["flops"] * 1e-6 / best for _, m in points]
    figure, plot = plt.subplots(figsize=(4.6, 3.3), layout="constrained")
    plot.plot(values, ideal, "--", color="#888888", label=f"operations at {best:.0f} GFLOP/s")
    plot.plot(values, milliseconds, "o-", color="#1f5fa8", markersize=4, label="measured")
    plot.set(xscale="log", yscale="log", xlabel=label, ylabel="training step, ms", title=fixed)
    crowded = [following < 1.2 * value for value, following in zip(values, values[1:])] + [False]
    plot.set_xticks(values, ["" if close else str(value) for value, close in zip(values, crowded)])
    plot.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    plot.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    plot.minorticks_off()
    plot.grid(True, color="#dddddd", linewidth=.6)
    plot.spines[["top", "right"]].set_visible(False)
    plot.title.set_size(10)
    plot.tick_params(labelsize=8)
    plot.legend(frameon=False, fontsize=9)
    figure.savefig(folder / f"cost_{axis}.png", dpi=130)
    plt.close(figure)


def main():
    options = arguments()
    if not options.source and not options.bench.exists():
        sys.exit(f"plot_curves.py: there is no program {options.bench}: build it, or name it with --bench")
    measured = measurements(options)
    text = table(measured)
    print(text, end="")
    if options.markdown:
        options.markdown.write_text(text)
    options.images.mkdir(parents=True, exist_ok=True)
    for axis in AXES:
        if points := points_of(axis, measured):
            draw(axis, points, options.images)


if __name__ == "__main__":
    try:
        main()
    except ImportError as error:
        sys.exit(f"plot_curves.py: {error}; pip install matplotlib")
