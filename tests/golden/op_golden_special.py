"""Entries of op.safetensors for special functions, reductions by index, reductions without NaN, and functions that make
tensors; make_op_golden.py calls families(). The random numbers are this file's own, so that those of other entries do
not depend on it."""

import numpy as np
import torch

DOUBLE = torch.float64
NAN = float("nan")


def families(entry):
    rng = np.random.default_rng(20261)

    def uniform(*shape, low=-2.0, high=2.0):
        values = (low + (high - low) * rng.random(shape)).astype(np.float32).astype(np.float64)
        return torch.tensor(values, dtype=DOUBLE, requires_grad=True)

    def index(*shape, below):
        return torch.tensor(rng.integers(0, below, shape), dtype=torch.int64)

    def parameter(values):
        return torch.tensor(values, dtype=DOUBLE, requires_grad=True)

    def special():
        entry("erfinv", torch.erfinv, uniform(3, 4, low=-0.95, high=0.95))
        entry("erfinv#tails", torch.erfinv, parameter([1 - 1e-7, -1 + 1e-12, 1e-20]))
        for name in ["lgamma", "digamma"]:
            entry(name, getattr(torch, name), uniform(3, 4, low=0.1, high=12))
            entry(name + "#negative", getattr(torch, name), uniform(4, low=-2.8, high=-2.2))
        for n in range(4):
            variant = {1: ""}.get(n, f"#{n}")
            entry("polygamma" + variant, lambda x, n=n: torch.polygamma(n, x), uniform(3, 4, low=0.1, high=12))
        entry("float_power", lambda x: torch.float_power(x, 2.5), uniform(3, 4, low=0.3, high=3))
        entry("float_power#tensor", torch.float_power, uniform(2, 3, low=0.3, high=3), uniform(3))
        entry("float_power#whole", lambda x: torch.float_power(x, 2), index(3, 4, below=9))

    def by_index():
        for include_self in [True, False]:
            variant = "" if include_self else " without self"
            for reduction in ["sum", "prod", "mean", "amax", "amin"]:
                entry(f"scatter_reduce#{reduction}{variant}",
                      lambda x, i, s, r=reduction, w=include_self: x.scatter_reduce(1, i, s, r, include_self=w),
                      uniform(3, 5), index(2, 7, below=5), uniform(2, 7))
                if reduction == "sum":
                    continue
                entry(f"index_reduce#{reduction}{variant}",
                      lambda x, i, s, r=reduction, w=include_self: x.index_reduce(1, i, s, r, include_self=w),
                      uniform(2, 5), index(4, below=5), uniform(2, 4))
        i, ties = torch.tensor([0, 0, 1, 1]), [3.0, 3, 2, 2]
        entry("scatter_reduce#ties", lambda x, i, s: x.scatter_reduce(0, i, s, "amax"), parameter([3, 0, 7]), i,
              parameter(ties))
        entry("scatter_reduce#zero", lambda x, i, s: x.scatter_reduce(0, i, s, "prod"), parameter([2, 3, 7]), i,
              parameter([0, 3, 4, 5]))
        entry("scatter_reduce#whole", lambda x, i, s: x.scatter_reduce(0, i, s, "mean"), torch.tensor([1, 2, 3]), i,
              torch.tensor([-4, -4, 7, 7]))

    def without_nan():
        holes = [[NAN, 3, 1, 2], [5, NAN, NAN, 4], [NAN, NAN, NAN, NAN]]
        entry("nansum", lambda x: torch.nansum(x, 1), parameter(holes))
        entry("nansum#all", torch.nansum, parameter(holes))
        entry("nanmean", lambda x: torch.nanmean(x, 1), parameter(holes[:2]))
        entry("nanmean#keepdim", lambda x: torch.nanmean(x, 0, keepdim=True), parameter(holes))
        entry("nanmedian", lambda x: torch.nanmedian(x, 1).values, parameter(holes[:2]))
        entry("nanmedian#indices", lambda x: torch.nanmedian(x, 1).indices, parameter(holes[:2]))
        entry("nanmedian#all", torch.nanmedian, parameter(holes))
        repeated = index(4, 9, below=4)
        entry("mode", lambda x: torch.mode(x, 1).values, repeated.double().requires_grad_())
        entry("mode#indices", lambda x: torch.mode(x, 1).indices, repeated)
        entry("mode#keepdim", lambda x: torch.mode(x, 0, keepdim=True).values, repeated)

    def parts():
        for i, n in enumerate([7, 4, 2]):
            entry(f"chunk#{n}", lambda x: x.chunk(3, 1)[1], uniform(2, n))
        entry("chunk#last", lambda x: x.chunk(4, 1)[-1], uniform(2, 9))

    def factories():
        entry("zeros", lambda: torch.zeros(2, 3, dtype=DOUBLE))
        entry("ones", lambda: torch.ones(2, 3, dtype=DOUBLE))
        entry("full", lambda: torch.full((2, 3), 1.5, dtype=DOUBLE))
        entry("eye", lambda: torch.eye(3, dtype=DOUBLE))
        entry("linspace", lambda: torch.linspace(-1, 2, 7, dtype=DOUBLE))
        entry("arange", lambda: torch.arange(5))
        entry("arange#step", lambda: torch.arange(-1, 2, 0.75, dtype=DOUBLE))
        x = uniform(2, 3).detach()
        entry("zeros_like", torch.zeros_like, x)
        entry("ones_like", torch.ones_like, x)
        entry("full_like", lambda x: torch.full_like(x, 1.5), x)
        entry("allclose", lambda a, b: torch.tensor(torch.allclose(a, b)), x, x * (1 + 1e-6))
        entry("allclose#not", lambda a, b: torch.tensor(torch.allclose(a, b)), x, x * (1 + 1e-4))

    for family in [special, by_index, without_nan, parts, factories]:
        family()
