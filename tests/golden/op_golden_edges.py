"""Entries of op.safetensors for arguments at the edges of what PyTorch takes: factors that keep or double a size,
images without a batch, output padding beyond the stride, ties of margins, and an empty interval. make_op_golden.py
calls families(). The random numbers are this file's own."""

import numpy as np
import torch
import torch.nn.functional as F

DOUBLE = torch.float64


def families(entry):
    rng = np.random.default_rng(20262)

    def uniform(*shape):
        values = (4 * rng.random(shape) - 2).astype(np.float32).astype(np.float64)
        return torch.tensor(values, dtype=DOUBLE, requires_grad=True)

    def whole(*shape):
        return torch.tensor(rng.integers(-1, 2, shape), dtype=DOUBLE, requires_grad=True)

    def factors():
        for mode, shape in [("linear", (1, 2, 5)), ("bilinear", (1, 2, 5, 4)), ("trilinear", (1, 1, 5, 3, 2))]:
            entry(f"interpolate#{mode} of one size", lambda x: F.interpolate(x, scale_factor=1.15, mode=mode),
                  uniform(*shape))
        entry("interpolate#bilinear of one height",
              lambda x: F.interpolate(x, scale_factor=(1.1, 1.7), mode="bilinear"), uniform(1, 2, 5, 4))
        entry("interpolate#nearest of one size", lambda x: F.interpolate(x, scale_factor=1.1), uniform(1, 2, 5, 7))
        entry("interpolate#nearest doubled", lambda x: F.interpolate(x, scale_factor=(2.3, 2.2)), uniform(1, 2, 3, 4))
        # PyTorch's backward passes of these differ from its forward passes.
        entry("interpolate#bicubic of one size", lambda x: F.interpolate(x, scale_factor=1.15, mode="bicubic"),
              uniform(1, 2, 5, 4).detach())
        entry("interpolate#nearest sequence", lambda x: F.interpolate(x, scale_factor=2.3), uniform(1, 2, 3).detach())
        entry("interpolate#nearest volume", lambda x: F.interpolate(x, scale_factor=1.3),
              uniform(1, 1, 3, 2, 3).detach())
        entry("interpolate#nearest-exact doubled", lambda x: F.interpolate(x, scale_factor=2.3, mode="nearest-exact"),
              uniform(1, 2, 3, 4))

    def convolutions():
        for n in (1, 2, 3):
            conv, transposed = getattr(F, f"conv{n}d"), getattr(F, f"conv_transpose{n}d")
            sides, kernel = [5, 4, 4][:n], [3, 2, 2][:n]
            entry(f"conv{n}d#no batch", lambda x, w, b: conv(x, w, b, 2, 1), uniform(2, *sides), uniform(4, 2, *kernel),
                  uniform(4))
            entry(f"conv{n}d#no batch, same", lambda x, w: conv(x, w, None, 1, "same"), uniform(2, *sides),
                  uniform(4, 2, *kernel))
            entry(f"conv_transpose{n}d#no batch", lambda x, w, b: transposed(x, w, b, 2, 1), uniform(2, *sides),
                  uniform(2, 3, *kernel), uniform(3))
            entry(f"conv_transpose{n}d#long output_padding", lambda x, w, b: transposed(x, w, b, 1, 1, 2, 1, 3),
                  uniform(2, 2, *sides), uniform(2, 3, *kernel), uniform(3))
        entry("conv_transpose2d#long output_padding of groups",
              lambda x, w: F.conv_transpose2d(x, w, None, (1, 3), 0, (2, 1), 2, (3, 1)), uniform(1, 4, 3, 4),
              uniform(4, 1, 2, 3))

    def losses():
        labels = torch.tensor([0, 2, 1])
        for p in (1, 2):
            entry(f"multi_margin_loss#ties {p}", lambda x: F.multi_margin_loss(x, labels, p), whole(3, 4))
        entry("multilabel_margin_loss#ties",
              lambda x: F.multilabel_margin_loss(x, torch.tensor([[1, 2, -1, 0], [3, 3, -1, -1]])), whole(2, 4))

    def counts():
        entry("histc#of one bound", lambda x: torch.histc(x, 4, 1.5, 1.5), uniform(3, 4).detach())
        entry("histc#of one value", lambda x: torch.histc(x, 4, 0, 0), torch.full((5,), 1.5, dtype=DOUBLE))

    for family in [factors, convolutions, losses, counts]:
        family()
