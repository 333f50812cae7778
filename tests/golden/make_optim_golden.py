"""Makes optim.golden: what PyTorch's optimisers, clipping and schedules do in ten steps.

    python3 tests/golden/make_optim_golden.py        (needs torch and numpy; writes beside itself)

Parameters and gradients are rounded to float32, everything is computed in float64 and stored as float32. The parameter
"c" has no gradient in the first and the fifth step: PyTorch then skips it, and its count of steps stays behind. Muon
trains the matrix "a" and AdamW the others; PyTorch orthogonalises in bfloat16, which is kept from it here. "groups"
and "muon_groups" have other options for each of the parameters, and "b" of "groups" is frozen in the first five steps.
Then the schedules step by step, a rate that falls when a metric stops falling, and L-BFGS on two functions.
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
    "amsgrad": (torch.optim.Adam, dict(lr=0.03, betas=(0.8, 0.7), weight_decay=0.1, amsgrad=True)),
    "dampening": (torch.optim.SGD, dict(lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.02)),
    "rmsprop": (torch.optim.RMSprop, dict(lr=0.02, alpha=0.9, eps=1e-6, weight_decay=0.1)),
    "rmsprop_centered": (
        torch.optim.RMSprop,
        dict(lr=0.02, alpha=0.8, momentum=0.7, centered=True, weight_decay=0.05),
    ),
    "adagrad": (
        torch.optim.Adagrad,
        dict(lr=0.1, lr_decay=0.2, weight_decay=0.1, initial_accumulator_value=0.3),
    ),
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


class Groups:
    """Each parameter with its own options; "b" joins at the sixth step."""

    def __init__(self, parameters):
        a, self.b, c = parameters
        self.steps = 0
        options = [
            dict(params=[a], lr=0.03, weight_decay=0.3),
            dict(params=[self.b], lr=0.015, weight_decay=0.0),
            dict(params=[c], lr=0.06, betas=(0.7, 0.9)),
        ]
        self.optimizer = torch.optim.AdamW(options, betas=(0.9, 0.99), weight_decay=0.1)

    def step(self):
        if self.steps < 5:
            self.b.grad = None
        self.optimizer.step()
        self.steps += 1


class MuonGroups:
    def __init__(self, parameters):
        a, b, c = parameters
        self.both = [
            torch.optim.Muon([a], **(MUON | dict(lr=0.015, weight_decay=0.05))),
            torch.optim.AdamW(
                [dict(params=[b], weight_decay=0.0), dict(params=[c], lr=0.09)],
                lr=0.03, betas=(0.9, 0.99), weight_decay=0.2,
            ),
        ]

    step = MuonAndAdamW.step


OPTIMIZERS["muon"] = (MuonAndAdamW, {})
OPTIMIZERS["groups"] = (Groups, {})
OPTIMIZERS["muon_groups"] = (MuonGroups, {})

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

# Behind a warm-up of five steps, with PyTorch's count of steps beginning behind it.
LATER = {
    "step": lambda o: lr_scheduler.StepLR(o, 7, gamma=0.5),
    "multi_step": lambda o: lr_scheduler.MultiStepLR(o, [3, 4, 20], gamma=0.3),
    "exponential": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "cosine_restarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 6, T_mult=2, eta_min=0.07),
    "cosine_cycles": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 8, eta_min=0.07),
}
for key, make in LATER.items():
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.7)
    after = make(optimizer)
    rates = []
    for _ in range(36):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        after.step()
    out[f"schedule.{key}"] = torch.tensor([0.7 * (i + 1) / 5 for i in range(5)] + rates)
for key, options in {
    "one_cycle": {},
    "one_cycle_linear": dict(pct_start=0.4, div_factor=10.0, final_div_factor=100.0, anneal_strategy="linear"),
}.items():
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    schedule = lr_scheduler.OneCycleLR(optimizer, 0.7, total_steps=40, cycle_momentum=False, **options)
    rates = []
    for step in range(40):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step < 39:
            schedule.step()
    out[f"schedule.{key}"] = torch.tensor(rates)

metrics = torch.cat([torch.linspace(3, 1, 8), torch.ones(14), torch.tensor([0.5, 0.4999, 0.2]), torch.full((15,), 0.2)])
metrics = (metrics + 0.02 * torch.randn(len(metrics))).float().double()
out["plateau.metrics"] = metrics
for key, options in {
    "default": dict(patience=2),
    "cooldown": dict(factor=0.5, patience=1, cooldown=3, threshold=0.05, min_lr=0.1),
    "max": dict(mode="max", factor=0.7, patience=3, threshold=0.01, threshold_mode="abs"),
    "min": dict(factor=0.7, patience=0, threshold=0.01, threshold_mode="abs", eps=0.01),
}.items():
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.7)
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    rates = []
    for metric in metrics:
        schedule.step(metric)
        rates.append(optimizer.param_groups[0]["lr"])
    out[f"plateau.{key}"] = torch.tensor(rates)


def rosenbrock(x, w):
    z = torch.cat([x, w.flatten()])
    return (100 * (z[1:] - z[:-1] ** 2) ** 2 + (1 - z[:-1]) ** 2).sum()


inputs, classes = draw(24, 4), torch.sign(torch.randn(24))
out["lbfgs.inputs"], out["lbfgs.classes"] = inputs, classes


def logistic(x, w):
    scores = inputs @ w.flatten()[:4] + x[0]
    return torch.nn.functional.softplus(-classes * scores).mean() + 0.05 * (x**2).sum() + 0.05 * (w**2).sum()


for key, function, options in [
    ("wolfe", rosenbrock, dict(lr=1, max_iter=6, history_size=3, line_search_fn="strong_wolfe")),
    ("wolfe_logistic", logistic, dict(lr=0.01, max_iter=4, line_search_fn="strong_wolfe")),
    ("plain", logistic, dict(lr=0.8, max_iter=3, history_size=2)),
    ("evaluations", rosenbrock, dict(lr=1, max_iter=20, max_eval=7, line_search_fn="strong_wolfe")),
]:
    x, w = torch.tensor([-1.2, 1.0, 0.5]), torch.tensor([[0.3, -0.5], [0.8, 1.4]])
    x.requires_grad_(), w.requires_grad_()
    optimizer = torch.optim.LBFGS([x, w], **options)
    calls = []

    def closure():
        optimizer.zero_grad()
        loss = function(x, w)
        loss.backward()
        calls.append(loss.item())
        return loss

    losses, points, counts = [], [], []
    for _ in range(8):
        losses.append(optimizer.step(closure).detach())
        points.append(torch.cat([x, w.flatten()]).detach().clone())
        counts.append(len(calls))
    out[f"lbfgs.{key}.loss"], out[f"lbfgs.{key}.point"] = torch.stack(losses), torch.stack(points)
    out[f"lbfgs.{key}.calls"] = torch.tensor(counts, dtype=torch.float64)

lines, blobs = ["ditharos golden 1", f"# torch {torch.__version__}, tests/golden/make_optim_golden.py"], []
for key, value in out.items():
    array = value.detach().numpy()
    blobs.append(np.ascontiguousarray(array, dtype="<f4").tobytes())
    lines.append(" ".join([key, "f32", *map(str, array.shape)]))
path = pathlib.Path(__file__).parent / "optim.golden"
path.write_bytes(("\n".join(lines) + "\nend\n").encode() + b"".join(blobs))
