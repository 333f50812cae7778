"""Times one case after the other in PyTorch for compare_pytorch.py: requests as JSON lines in, answers out.

Arguments: eager or compile, and f32 or bf16. {"case": NAME} makes a case ready; {"seconds": S} times it. A case without
a counterpart answers {"missing": NAME}, one that cannot run {"failed": REASON}.
"""
import json
import sys
import time

import torch

from pytorch_cases import make_case


def calibrate(a=torch.randn(512, 512), b=torch.randn(512, 512)):
    """Speed of a product in the cache: lower than usual when something disturbs the machine."""
    for _ in range(4):
        torch.mm(a, b)  # wakes the threads
    begin = time.perf_counter()
    for _ in range(16):
        torch.mm(a, b)
    return 1 / (time.perf_counter() - begin)


def time_case(run, budget):
    """As the benchmark program does: one run to warm up (while others had their turn, the system may have taken pages
    away), then the 20th percentile and the median of at least two repetitions, unless one takes much longer than there
    is time."""
    run()
    seconds, start, spent = [], time.perf_counter(), 0
    while not (len(seconds) >= 5000 or (len(seconds) >= 2 and spent >= budget) or spent > 4 * budget):
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
        spent = time.perf_counter() - start
    seconds.sort()
    return {"seconds": seconds[len(seconds) // 5], "median": seconds[len(seconds) // 2], "repetitions": len(seconds)}


def system_peak():
    """Largest resident memory since the last reset, in bytes; 0 where the system does not tell."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except OSError:
        return 0


def reset_system_peak():
    """What compiling took does not count."""
    try:
        with open("/proc/self/clear_refs", "w") as reset:
            reset.write("5")
    except OSError:
        pass


def prepare(name, compiled, bf16):
    torch._dynamo.reset()
    case = make_case(name, compiled, bf16)
    if case is None:
        return None, {"missing": name}
    run, parameters, flops = case
    run()  # compiles; fills caches; makes the optimiser's state
    reset_system_peak()
    return run, {"case": name, "parameters": parameters, "flops": flops}


def main():
    compiled, bf16 = sys.argv[1] == "compile", sys.argv[2] == "bf16"
    torch.set_flush_denormal(True)
    if compiled:
        from torch._inductor import config
        config.freezing = True  # inference: constant weights, packed
    run, best = None, max(calibrate() for _ in range(5))
    for line in sys.stdin:
        request = json.loads(line)
        if "case" in request:
            run = None
            try:
                run, answer = prepare(request["case"], compiled, bf16)
            except Exception as error:  # no compiler, no memory: the comparison goes on without this side
                answer = {"failed": str(error).strip().split("\n")[0]}
        else:
            before = calibrate()
            answer = time_case(run, request["seconds"])
            after = calibrate()
            best = max(best, before, after)
            answer |= {"clean": min(before, after) > .85 * best, "system_peak": system_peak()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
