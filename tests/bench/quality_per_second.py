#!/usr/bin/env python3
"""Measures how good the images of a configuration are after some seconds of training.

    python3 tests/bench/quality_per_second.py                              # trains, prints a table; half an hour
    python3 tests/bench/quality_per_second.py --precision bf16 --out bf16.jsonl
    python3 tests/bench/quality_per_second.py --from f32.jsonl bf16.jsonl --image quality.png

A training run is as long as its schedule, so each number of seconds and each seed is a run of its own. It has as many
steps as fit into the seconds by the time of a step, which a short run measures, or --milliseconds gives. Results of a
number of steps do not depend on the load of the machine, so on a shared machine measure the time of a step while it is
quiet and give it. A file of results is added to: runs whose line is there are not repeated. --image needs matplotlib.
"""
import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLOURS = ["#1f5fa8", "#c4561c", "#2e7d4f", "#7a4a9a"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     allow_abbrev=False)
    parser.add_argument("--programs", type=Path, default=ROOT / "build/examples", metavar="FOLDER",
                        help="where train_dit and evaluate are (default: build/examples)")
    parser.add_argument("--config", type=Path, default=ROOT / "examples/configs/quickstart.toml",
                        metavar="FILE", help="of train_dit (default: examples/configs/quickstart.toml)")
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--precision", default="auto", choices=["f32", "bf16", "auto"],
                        help="of training and of sampling")
    parser.add_argument("--seconds", type=float, nargs="+", default=[15, 30, 45, 60, 90, 120])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--per-class", type=int, default=50, help="samples of each class")
    parser.add_argument("--milliseconds", type=float, help="time of a training step (default: measured)")
    parser.add_argument("--runs", type=Path, default=Path("runs/quality"), metavar="FOLDER", help="for the runs")
    parser.add_argument("--out", type=Path, default=Path("quality.jsonl"), metavar="FILE", help="of results")
    parser.add_argument("--from", dest="sources", type=Path, nargs="+", metavar="FILE",
                        help="measure nothing: results of earlier calls, a column each")
    parser.add_argument("--image", type=Path, metavar="FILE", help="draw the curves")
    options, training = parser.parse_known_args()
    options.training = training  # flags of train_dit
    return options


def seconds_of(run):
    """(seconds, steps) of the run's log without its first line, whose steps take new memory."""
    lines = [json.loads(line) for line in (run / "timing.jsonl").read_text().splitlines()]
    lines = [line for line in lines if "seconds" in line]
    return sum(line["seconds"] for line in lines[1:]), lines[-1]["step"] - lines[0]["step"]


def train(options, run, steps, seed):
    command = [options.programs / "train_dit", "--config", options.config, "--data", options.data, "--out", run,
               "--steps", steps, "--seed", seed, "--precision", options.precision, "--no-tensorboard",
               "--sample-every", 0, "--checkpoint-every", 0, *options.training]
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)


def evaluate(options, run, seed):
    figures = run / "evaluation.json"
    command = [options.programs / "evaluate", "--checkpoint", run, "--per-class", options.per_class, "--guidance", 3,
               "--seed", seed, "--precision", options.precision, "--json", figures]
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    return json.loads(figures.read_text())["samples"]


def milliseconds_of_step(options):
    run = options.runs / f"speed-{options.precision}"
    train(options, run, 200, 0)
    seconds, steps = seconds_of(run)
    return 1e3 * seconds / steps


def measure(options):
    done = read(options.out) if options.out.exists() else []
    seen = {(line["seconds"], line["seed"]) for line in done}
    milliseconds = options.milliseconds or milliseconds_of_step(options)
    print(f"a step takes {milliseconds:.1f} ms", flush=True)
    for seconds in options.seconds:
        for seed in options.seeds:
            if (seconds, seed) in seen:
                continue
            steps = round(1e3 * seconds / milliseconds)
            run = options.runs / f"{options.precision}-{seconds:g}s-seed{seed}"
            train(options, run, steps, seed)
            samples = evaluate(options, run, seed)
            line = {"precision": options.precision, "seconds": seconds, "seed": seed, "steps": steps,
                    "milliseconds": milliseconds, "class_accuracy": samples["class_accuracy"],
                    "frechet_distance": samples["frechet_distance"]}
            with options.out.open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(json.dumps(line), flush=True)
    return read(options.out)


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def by_seconds(results):
    """{seconds: [result of each seed]}, ascending."""
    return {s: [r for r in results if r["seconds"] == s] for s in sorted({r["seconds"] for r in results})}


def spread(values, scale, digits):
    values = sorted(scale * value for value in values)
    median, low, high = (f"{v:.{digits}f}" for v in (statistics.median(values), values[0], values[-1]))
    return f"**{median}** ({low}..{high})"


def table(columns):
    """The median of the seeds, with the smallest and the largest. `columns`: {name: results}."""
    head = [cell for name in columns for cell in (f"{name}: steps", "class accuracy, %", "Fréchet distance")]
    lines = ["| training, s | " + " | ".join(head) + " |", "|---" * (1 + len(head)) + "|"]
    groups = {name: by_seconds(results) for name, results in columns.items()}
    for seconds in sorted({s for group in groups.values() for s in group}):
        cells = [f"{seconds:g}"]
        for group in groups.values():
            runs = group.get(seconds, [])
            cells += [f"{runs[0]['steps']:,}", spread([r["class_accuracy"] for r in runs], 100, 1),
                      spread([r["frechet_distance"] for r in runs], 1, 1)] if runs else ["-"] * 3
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(columns, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    figure, plots = plt.subplots(1, 2, figsize=(9.2, 3.3), layout="constrained")
    for plot, key, label, scale in [(plots[0], "class_accuracy", "class accuracy, %", 100),
                                    (plots[1], "frechet_distance", "Fréchet distance", 1)]:
        for (name, results), colour in zip(columns.items(), COLOURS):
            groups = by_seconds(results)
            values = [sorted(scale * r[key] for r in runs) for runs in groups.values()]
            plot.fill_between(list(groups), [v[0] for v in values], [v[-1] for v in values], color=colour, alpha=.15,
                              linewidth=0)
            medians = [statistics.median(v) for v in values]
            plot.plot(list(groups), medians, "o-", color=colour, markersize=4, label=name)
        plot.set(xlabel="training, s", ylabel=label)
        plot.set_xlim(left=0)
        plot.grid(True, color="#dddddd", linewidth=.6)
        plot.spines[["top", "right"]].set_visible(False)
        plot.legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=130)


def main():
    options = arguments()
    if options.sources:
        columns = {path.stem: read(path) for path in options.sources}
    else:
        missing = [name for name in ("train_dit", "evaluate") if not (options.programs / name).exists()]
        if missing:
            sys.exit(f"quality_per_second.py: {options.programs} has no program {missing[0]}: build it, or name its "
                     "folder with --programs")
        columns = {options.out.stem: measure(options)}
    print(table(columns))
    if options.image:
        draw(columns, options.image)


if __name__ == "__main__":
    try:
        main()
    except ImportError as error:
        sys.exit(f"quality_per_second.py: {error}; pip install matplotlib")
    except subprocess.CalledProcessError as error:
        sys.exit(f"quality_per_second.py: {error.cmd[0]} ended with status {error.returncode}")
