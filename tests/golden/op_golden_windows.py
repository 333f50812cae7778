"""Entries of make_op_golden.py for pooling, padding, interpolation, sampling, windows and norms over several axes.

They have random numbers of their own, so they do not depend on other entries.
"""

import numpy as np
import torch
import torch.nn.functional as F

DOUBLE = torch.float64
SIZES = {1: (1, 2, 9), 2: (1, 2, 7, 9), 3: (1, 1, 5, 6, 7)}


def families(tensors):
    rng = np.random.default_rng(20261130)

    def uniform(*shape, low=-2.0, high=2.0):
        values = (low + (high - low) * rng.random(shape)).astype(np.float32).astype(np.float64)
        return torch.tensor(values, dtype=DOUBLE, requires_grad=True)

    def ties(*shape):
        return torch.tensor(rng.integers(0, 3, shape), dtype=DOUBLE, requires_grad=True)

    def entry(name, f, *inputs):
        out = f(*inputs)
        assert name + "/out" not in tensors, name
        for i, x in enumerate(inputs):
            tensors[f"{name}/in{i}"] = x.detach()
        tensors[name + "/out"] = out.detach()
        variables = [(i, x) for i, x in enumerate(inputs) if x.requires_grad]
        if not variables or not out.requires_grad:
            for i, _ in variables:
                tensors[f"{name}/in{i}"] = inputs[i].detach()
            return
        w = torch.tensor(rng.uniform(-1, 1, out.shape).astype(np.float32).astype(np.float64))
        tensors[name + "/w"] = w
        grads = torch.autograd.grad((w * out).sum(), [x for _, x in variables])
        for (i, _), g in zip(variables, grads):
            tensors[f"{name}/grad{i}"] = g

    def pooling():
        for n, size in SIZES.items():
            largest, average = getattr(F, f"max_pool{n}d"), getattr(F, f"avg_pool{n}d")
            unpool = getattr(F, f"max_unpool{n}d")
            name = f"max_pool{n}d"
            entry(f"{name}#plain", lambda x: largest(x, 2), uniform(*size))
            entry(f"{name}#ceil", lambda x: largest(x, 2, 3, 1, ceil_mode=True), uniform(*size))
            entry(f"{name}#dilation", lambda x: largest(x, 3, 1, 1, 2), uniform(*size))
            entry(f"{name}#ties", lambda x: largest(x, 3, 2, 1), ties(*size))
            entry(f"{name}#no batch", lambda x: largest(x, 3, 2), uniform(*size[1:]))
            entry(f"{name}_with_indices#ties", lambda x: largest(x, 3, 2, 1, 1, True, True)[1], ties(*size))
            entry(f"{name}_with_indices#dilation", lambda x: largest(x, 2, 2, 1, 2, True, True)[1], uniform(*size))
            even = largest(uniform(1, 1, *[4, 6, 4][:n]), 2, return_indices=True)
            entry(f"max_unpool{n}d", lambda x, i: unpool(x, i, 2), even[0].detach().requires_grad_(), even[1])
            pooled, index = largest(uniform(*size), 2, return_indices=True)
            entry(f"max_unpool{n}d#size", lambda x, i: unpool(x, i, 2, output_size=size[2:]),
                  pooled.detach().requires_grad_(), index)
            name = f"avg_pool{n}d"
            entry(f"{name}#plain", lambda x: average(x, 3, 2, 1), uniform(*size))
            entry(f"{name}#ceil", lambda x: average(x, 2, 3, 1, True), uniform(*size))
            entry(f"{name}#ceil, without padding", lambda x: average(x, 4, 3, 2, True, False), uniform(*size))
            entry(f"{name}#without padding", lambda x: average(x, 3, 2, 1, False, False), uniform(*size))
            if n > 1:
                entry(f"{name}#divisor", lambda x: average(x, 3, 2, 1, True, divisor_override=5), uniform(*size))
            for out in (3, 4):
                entry(f"adaptive_avg_pool{n}d#{out}", lambda x: getattr(F, f"adaptive_avg_pool{n}d")(x, out),
                      uniform(*size))
                entry(f"adaptive_max_pool{n}d#{out}", lambda x: getattr(F, f"adaptive_max_pool{n}d")(x, out),
                      uniform(*size))
            entry(f"adaptive_max_pool{n}d_with_indices#ties",
                  lambda x: getattr(F, f"adaptive_max_pool{n}d")(x, 3, return_indices=True)[1], ties(*size))
        entry("max_pool2d#rectangle", lambda x: F.max_pool2d(x, (3, 2), (1, 2), (1, 0), (2, 3), True), uniform(1, 2, 7, 9))
        entry("avg_pool2d#rectangle", lambda x: F.avg_pool2d(x, (3, 2), (1, 3), (1, 0), True), uniform(1, 2, 7, 9))
        entry("avg_pool3d#rectangle", lambda x: F.avg_pool3d(x, (1, 3, 2), (2, 1, 3), (0, 1, 1), True, False),
              uniform(1, 1, 4, 5, 6))
        entry("adaptive_max_pool2d#rectangle", lambda x: F.adaptive_max_pool2d(x, (9, 2)), uniform(1, 2, 7, 9))

    def padding():
        entry("pad#circular", lambda x: F.pad(x, (1, 2, 3, 0), "circular"), uniform(1, 2, 3, 4))
        entry("pad#circular 3d", lambda x: F.pad(x, (1, 2, 2, 0, 0, 1), "circular"), uniform(1, 2, 2, 3, 4))
        entry("pad#negative", lambda x: F.pad(x, (-1, 2, 1, -2), value=0.5), uniform(2, 3, 4))
        entry("pad#reflect negative", lambda x: F.pad(x, (-1, 2, 1, -1), "reflect"), uniform(1, 2, 4, 5))
        entry("pad#replicate negative", lambda x: F.pad(x, (3, -2, -1, 1), "replicate"), uniform(1, 2, 4, 5))
        entry("pad#circular negative", lambda x: F.pad(x, (2, -1, -1, 1), "circular"), uniform(1, 2, 4, 5))
        entry("conv1d#same", lambda x, w, b: F.conv1d(x, w, b, padding="same"), uniform(2, 2, 7), uniform(3, 2, 4),
              uniform(3))
        entry("conv2d#same", lambda x, w, b: F.conv2d(x, w, b, padding="same", dilation=(1, 3), groups=2),
              uniform(2, 2, 5, 7), uniform(4, 1, 3, 2), uniform(4))
        entry("conv2d#valid", lambda x, w, b: F.conv2d(x, w, b, padding="valid"), uniform(2, 2, 5, 7),
              uniform(3, 2, 3, 2), uniform(3))
        entry("conv3d#same", lambda x, w, b: F.conv3d(x, w, b, padding="same"), uniform(1, 2, 3, 4, 3),
              uniform(2, 2, 2, 3, 1), uniform(2))

    def interpolation():
        def resized(x, **options):
            return F.interpolate(x, **options)

        def variant(name, shape, **options):
            entry(f"interpolate#{name}", lambda x: resized(x, **options), uniform(*shape))

        line, image, volume = (2, 2, 5), (1, 1, 5, 7), (1, 1, 3, 4, 5)
        for mode in ["nearest", "nearest-exact", "area"]:
            variant(f"{mode} 1d", line, size=8, mode=mode)
            variant(f"{mode} 2d", image, size=(8, 3), mode=mode)
            variant(f"{mode} 3d", volume, size=(4, 2, 7), mode=mode)
            variant(f"{mode} scaled", image, scale_factor=(1.7, 0.6), mode=mode)
            variant(f"{mode} recomputed", image, scale_factor=(1.7, 0.6), mode=mode, recompute_scale_factor=True)
        variant("nearest tripled", image, scale_factor=3, mode="nearest")
        for mode, size, out in [("linear", line, 8), ("bilinear", image, (8, 3)), ("bicubic", image, (8, 3)),
                                ("trilinear", volume, (4, 2, 7))]:
            for corners in [False, True]:
                word = "aligned" if corners else "plain"
                variant(f"{mode} {word}", size, size=out, mode=mode, align_corners=corners)
                variant(f"{mode} {word} scaled", size, scale_factor=1.7, mode=mode, align_corners=corners)
                variant(f"{mode} {word} one", size, size=1, mode=mode, align_corners=corners)
            variant(f"{mode} recomputed", size, scale_factor=0.7, mode=mode, align_corners=False,
                    recompute_scale_factor=True)
        for mode in ["bilinear", "bicubic"]:
            for corners in [False, True]:
                word = "aligned" if corners else "plain"
                variant(f"{mode} {word} antialias", (1, 1, 9, 8), size=(4, 11), mode=mode, antialias=True,
                        align_corners=corners)
            variant(f"{mode} antialias scaled", (1, 1, 9, 8), scale_factor=(0.4, 1.3), mode=mode, antialias=True)

    def sampling():
        for mode in ["bilinear", "nearest", "bicubic"]:
            for border in ["zeros", "border", "reflection"]:
                for corners in [False, True]:
                    grid = uniform(1, 3, 4, 2, low=-2.9, high=2.9)
                    entry(f"grid_sample#{mode} {border} {'aligned' if corners else 'plain'}",
                          lambda x, g: F.grid_sample(x, g, mode, border, corners), uniform(1, 2, 4, 5),
                          grid.detach() if mode == "nearest" else grid)
        for mode in ["bilinear", "nearest"]:
            for border in ["zeros", "border", "reflection"]:
                grid = uniform(1, 2, 3, 2, 3, low=-1.9, high=1.9)
                entry(f"grid_sample#{mode} {border} 3d", lambda x, g: F.grid_sample(x, g, mode, border, True),
                      uniform(1, 1, 3, 4, 5), grid.detach() if mode == "nearest" else grid)

    def others():
        entry("layer_norm#axes", lambda x, w, b: F.layer_norm(x, (3, 4), w, b), uniform(2, 2, 3, 4), uniform(3, 4),
              uniform(3, 4))
        entry("layer_norm#axes, plain", lambda x: F.layer_norm(x, (2, 3, 4)), uniform(2, 2, 3, 4))
        entry("rms_norm#axes", lambda x, w: F.rms_norm(x, (3, 4), w, 1e-3), uniform(2, 2, 3, 4), uniform(3, 4))
        entry("unfold#rectangle",
              lambda x: F.unfold(x, (3, 2), (2, 1), (1, 2), (1, 3)).transpose(1, 2), uniform(1, 2, 6, 7))
        entry("fold#rectangle", lambda c: F.fold(c.transpose(1, 2), (6, 7), (3, 2), (2, 1), (1, 2), (1, 3)),
              uniform(1, 16, 12))

    for family in [pooling, padding, interpolation, sampling, others]:
        family()
