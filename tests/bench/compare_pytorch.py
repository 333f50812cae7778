#!/usr/bin/env python3
"""Compares this library with PyTorch on the same machine: the same cases, alternating, in one run.

    python3 tests/bench/compare_pytorch.py --markdown table.md        # training and sampling steps
    python3 tests/bench/compare_pytorch.py --precision bf16           # the same in mixed precision
    python3 tests/bench/compare_pytorch.py --cases attention linear   # kernels

In each round a case runs in the benchmark program, in PyTorch as it is (eager) and under torch.compile, one after the
other with the same number of threads; ratios are taken within a round. PyTorch runs at its best known settings: pinned
threads, denormals flushed, fused AdamW, its own fused attention, jemalloc if it is there, frozen weights for inference
under torch.compile. In bf16 its steps run under autocast and its sampling with converted weights, and our f32 runs in
the same round too. The last line names the cases that miss their aim (AIMS in comparison_table.py). Both sides must
agree on the numbers of parameters and operations of a model.

Needs Python with PyTorch (nothing else in this repository does), and g++ for torch.compile.
"""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from comparison_table import markdown

HERE = Path(__file__).resolve().parent
JEMALLOC = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"
ALLOCATORS = {  # for PyTorch; the benchmark program has its own
    "malloc": {},
    "malloc-tuned": {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 34),
                     "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"},
    "jemalloc": {"LD_PRELOAD": JEMALLOC, "MALLOC_CONF": "oversize_threshold:1,background_thread:true,thp:always,"
                                                        "metadata_thp:auto,dirty_decay_ms:-1,muzzy_decay_ms:-1"},
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, default=HERE.parents[1] / "build/tests/bench",
                        help="the benchmark program (default: build/tests/bench)")
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32",
                        help="of both sides' products in steps and samples (default: f32)")
    parser.add_argument("--cases", nargs="+", default=["step/", "sample/", "sample_int8/"], metavar="WORD",
                        help="cases whose names contain a word (default: training and sampling steps)")
    parser.add_argument("--rounds", type=int, default=2, metavar="N", help="rounds of each case (default: 2)")
    parser.add_argument("--seconds", type=float, default=1, metavar="S",
                        help="time for each measurement (default: 1)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), metavar="N",
                        help="threads of both (default: the cores of this process)")
    parser.add_argument("--no-compile", action="store_true",
                        help="without torch.compile, whose first run takes long")
    parser.add_argument("--allocator", choices=ALLOCATORS, help="PyTorch's (default: jemalloc if there, else "
                                                                "malloc-tuned)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables, ready to paste")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements, after each case")
    parser.add_argument("--resume", action="store_true", help="keep the cases that --json FILE already holds")
    options = parser.parse_args()
    if options.rounds < 1 or options.seconds < 0 or options.threads < 1:
        parser.error("--rounds and --threads must be at least 1, --seconds not negative")
    if not options.bench.exists():
        parser.error(f"there is no program {options.bench}: build it (ninja -C build bench), or name it with --bench")
    if options.resume and not options.json:
        parser.error("--resume needs --json FILE")
    options.allocator = options.allocator or ("jemalloc" if Path(JEMALLOC).exists() else "malloc-tuned")
    return options


def environment(options):
    threads = str(options.threads)
    inherited = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    return inherited | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "DITHAROS_NUM_THREADS": threads,
                        "OMP_PROC_BIND": "true"}


class Ours:
    """The benchmark program; each measurement is a process of its own."""

    def __init__(self, options):
        self.options, self.machine = options, None

    def measure(self, case, precision):
        command = [str(self.options.bench), "--json", "--precision", precision, "--seconds", str(self.options.seconds),
                   case]
        done = subprocess.run(command, env=environment(self.options), check=True, capture_output=True, text=True)
        self.machine, result = map(json.loads, done.stdout.splitlines())
        return result


class PyTorch:
    """A worker process, eager or compiled, that keeps its model between rounds."""

    def __init__(self, options, mode):
        self.process = subprocess.Popen([sys.executable, str(HERE / "pytorch_worker.py"), mode, options.precision],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment(options) | ALLOCATORS[options.allocator])
    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("compare_pytorch.py: the PyTorch worker stopped; its message stands above")
        return json.loads(line)

    def send(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def ask(self, request):
        self.send(request)
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def check_equal_models(case, ours, theirs):
    """Says so, or ends the comparison."""
    for key in ("parameters", "flops"):
        if not theirs.get(key):
            continue
        if abs(ours[key] - theirs[key]) > 1e-9 * ours[key]:
            sys.exit(f"compare_pytorch.py: {case}: the models differ: {ours[key]:,.0f} {key} here, {theirs[key]:,.0f} "
                     "in PyTorch")
    if theirs.get("parameters"):
        print(f"{case}: both have {ours['parameters']:,} parameters and {ours['flops'] * 1e-9:,.1f} GFLOP", flush=True)


def f32_of(case):
    """Our int8 cases are compared with our own f32 ones, as are no others."""
    return case.replace("sample_int8/", "sample/") if case.startswith("sample_int8/") else None


class Rivals:
    """The workers for a case: models have a process each, so that their memory is their own; kernels share one."""

    def __init__(self, options):
        self.options, self.shared = options, {}
        self.modes = ["eager"] if options.no_compile else ["eager", "compile"]

    def prepare(self, case):
        """{mode: (worker, what it prepared)} for those modes in which PyTorch has the case."""
        is_model = case.startswith(("step/", "sample/"))
        workers = {mode: (not is_model and self.shared.get(mode)) or PyTorch(self.options, mode) for mode in self.modes}
        if not is_model:
            self.shared = workers
        for worker in workers.values():
            worker.send({"case": case})  # all at once: nothing is timed yet
        ready = {}
        for mode, worker in workers.items():
            prepared = worker.answer()
            if "failed" in prepared:
                print(f"{case}: PyTorch ({mode}) cannot run it: {prepared['failed']}", flush=True)
            if "case" in prepared:
                ready[mode] = (worker, prepared)
            elif is_model:
                worker.close()
        return ready

    def release(self, ready):
        for worker, _ in ready.values():
            if worker not in self.shared.values():
                worker.close()


def run_case(case, options, ours, rivals):
    """All rounds of a case: {"name", "rounds": [{"ours": measurement, "eager": ..., "compile": ..., "f32": ...}]}."""
    ready = {} if f32_of(case) else rivals.prepare(case)
    result = {"name": case, "rounds": []}
    for number in range(1, options.rounds + 1):
        measured = {"ours": ours.measure(case, options.precision)}
        if number == 1:
            for mode, (_, prepared) in ready.items():
                check_equal_models(f"{case} ({mode})", measured["ours"], prepared)
        if f32_of(case):
            measured["f32"] = ours.measure(f32_of(case), "f32")
        elif options.precision == "bf16":
            measured["our f32"] = ours.measure(case, "f32")
        for mode, (worker, _) in ready.items():
            measured[mode] = worker.ask({"seconds": options.seconds})
        result["rounds"].append(measured)
        times = ", ".join(f"{side} {m['seconds'] * 1e3:.3f} ms" + ("" if m["clean"] else " (disturbed)")
                          for side, m in measured.items())
        print(f"{case}, round {number} of {options.rounds}: {times}", flush=True)
    rivals.release(ready)
    return result


def chosen_cases(options):
    listed = subprocess.run([str(options.bench), "--list"], check=True, capture_output=True, text=True).stdout.split()
    exact = set(listed)
    cases = [name for name in listed
             if any(name == word if word in exact else word in name for word in options.cases)]
    if not cases:
        sys.exit(f"compare_pytorch.py: {options.bench} has no case with {' or '.join(options.cases)} in its name; "
                 "bench --list shows them")
    return cases


def main():
    options = arguments()
    try:
        import torch
    except ImportError:
        sys.exit("compare_pytorch.py: this Python has no PyTorch; run the script with one that has (pip install torch)")
    if options.precision == "bf16":
        options.cases = [word for word in options.cases if word != "sample_int8/"]
    report = {"settings": {"precision": options.precision, "torch": torch.__version__, "threads": options.threads,
                           "allocator": options.allocator},
              "cases": []}
    if options.resume and options.json.exists():
        earlier = json.loads(options.json.read_text())
        if earlier["settings"].get("precision", "f32") != options.precision:
            sys.exit(f"compare_pytorch.py: {options.json} holds cases of another precision")
        report["cases"] = earlier["cases"]
    done = {case["name"] for case in report["cases"]}
    ours, rivals = Ours(options), Rivals(options)
    for case in chosen_cases(options):
        if case in done:
            continue
        report["cases"].append(run_case(case, options, ours, rivals))
        report["machine"] = ours.machine
        if options.json:
            options.json.write_text(json.dumps(report, indent=1))
    text = markdown(report)
    print("\n" + text)
    if options.markdown:
        options.markdown.write_text(text)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"compare_pytorch.py: {' '.join(error.cmd)} failed: {(error.stderr or '').strip()}")
