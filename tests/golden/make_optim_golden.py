"""Makes optim.golden: what PyTorch's optimisers, clipping and schedules do in ten steps.

    python3 tests/golden/make_optim_golden.py        (needs torch and numpy; writes beside itself)

Parameters and gradients are rounded to float32, everything is computed in float64 and stored as float32. The parameter
"c" has no gradient in the first and the fifth step: PyTorch then skips it, and its count of steps stays behind. Muon
trains the matrix "a" and AdamW the others; PyTorch orthogonalises in bfloat16, which is kept from it here.
"""
import pathlib

import numpy as np
import torch
from torch.optim import lr_scheduler

STEPS, MAX_NORM, EMA_DECAY = 10, 2.0, 0.35
SHAPES = {"a": (4, 5), "b": (7,), "c": (3, 2, 2)}
SKIPPED = {("c", 0), ("c", 4)}
OPTIMIZERS = {
    "sgd": (torch.optim.SGD, dict(lr=0.05)),
    "momentum": (torch.optim.SGD, dict(lr=0.05, momentum=0.9, weight_decay=0.02)),
    "nesterov": (torch.optim.SGD, dict(lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.01)),
    "adam": (torch.optim.Adam, dict(lr=0.03, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1)),
    "adamw": (torch.optim.AdamW, dict(lr=0.03, betas=(0.9, 0.99), weight_decay=0.2)),
}

MUON = dict(lr=0.03, weight_decay=0.2, momentum=0.9, adjust_lr_fn="match_rms_adamw")
torch.Tensor.bfloat16 = lambda self: self


class MuonAndAdamW:
    """One for matrices, the other for all else."""

    def __init__(self, parameters):
        parameters = list(parameters)
        make, options = OPTIMIZERS["adamw"]
        self.both = [
            torch.optim.Muon([p for p in parameters if p.dim() == 2], **MUON),
            make([p for p in parameters if p.dim() != 2], **options),
        ]

    def step(self):
        for optimizer in self.both:
            optimizer.step()


OPTIMIZERS["muon"] = (MuonAndAdamW, {})

torch.set_default_dtype(torch.float64)
torch.manual_seed(20240608)
out = {}


def draw(*shape, scale=1.0):
    """Normal values that float32 holds exactly."""
    return (torch.randn(*shape) * scale).float().double()


start = {name: draw(*shape) for name, shape in SHAPES.items()}
# Norms on both sides of MAX_NORM, so that some steps are clipped and some are not.
gradients = [{name: draw(*shape, scale=0.1 + 0.1 * step) for name, shape in SHAPES.items()} for step in range(STEPS)]
for name in SHAPES:
    out[f"start.{name}"] = start[name]
    for step in range(STEPS):
        if (name, step) not in SKIPPED:
            out[f"grad.{step}.{name}"] = gradients[step][name]

for key, (make, options) in OPTIMIZERS.items():
    parameters = {name: start[name].clone().requires_grad_() for name in SHAPES}
    averages = {name: start[name].clone() for name in SHAPES}
    optimizer = make(parameters.values(), **options)
    norms = []
    for step in range(STEPS):
        for name, parameter in parameters.items():
            parameter.grad = None if (name, step) in SKIPPED else gradients[step][name].clone()
        norms.append(torch.nn.utils.clip_grad_norm_(parameters.values(), MAX_NORM))
        optimizer.step()
        decay = min(EMA_DECAY, (1 + step) / (10 + step))
        for name, parameter in parameters.items():
            averages[name] = decay * averages[name] + (1 - decay) * parameter.detach()
        for name in SHAPES:
            out[f"{key}.{step}.{name}"] = parameters[name].detach().clone()
    for name in SHAPES:
        out[f"{key}.average.{name}"] = averages[name]
    out["norms"] = torch.stack(norms)

for key in ("constant", "linear", "cosine"):
    warmup, total, final = 5, 40, 0.1
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.7)
    after = {
        "constant": lambda: lr_scheduler.ConstantLR(optimizer, 1.0),
        "linear": lambda: lr_scheduler.LinearLR(optimizer, 1.0, final, total_iters=total - warmup),
        "cosine": lambda: lr_scheduler.CosineAnnealingLR(optimizer, total - warmup, eta_min=0.7 * final),
    }[key]()
    before = lr_scheduler.LinearLR(optimizer, 1 / warmup, 1.0, total_iters=warmup - 1)
    schedule = lr_scheduler.SequentialLR(optimizer, [before, after], milestones=[warmup])
    rates = []
    for _ in range(total + 1):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    out[f"schedule.{key}"] = torch.tensor(rates)

lines, blobs = ["ditharos golden 1", f"# torch {torch.__version__}, tests/golden/make_optim_golden.py"], []
for key, value in out.items():
    array = value.detach().numpy()
    blobs.append(np.ascontiguousarray(array, dtype="<f4").tobytes())
    lines.append(" ".join([key, "f32", *map(str, array.shape)]))
path = pathlib.Path(__file__).parent / "optim.golden"
path.write_bytes(("\n".join(lines) + "\nend\n").encode() + b"".join(blobs))
