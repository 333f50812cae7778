"""Entries of op.safetensors for a layer of an LSTM, instance_norm and embedding; make_op_golden.py calls families().
They have random numbers of their own, so they do not depend on other entries."""

import numpy as np
import torch
import torch.nn.functional as F

DOUBLE = torch.float64


def families(tensors):
    rng = np.random.default_rng(20261201)

    def rounded(values):
        return torch.tensor(values.astype(np.float32).astype(np.float64), dtype=DOUBLE)

    def uniform(*shape, low=-2.0, high=2.0):
        return rounded(low + (high - low) * rng.random(shape)).requires_grad_()

    def entry(name, f, *inputs):
        out = f(*inputs)
        assert name + "/out" not in tensors, name
        for i, x in enumerate(inputs):
            tensors[f"{name}/in{i}"] = x.detach().clone()
        tensors[name + "/out"] = out.detach()
        tensors[name + "/w"] = w = rounded(rng.uniform(-1, 1, out.shape))
        variables = [(i, x) for i, x in enumerate(inputs) if x.requires_grad]
        grads = torch.autograd.grad((w * out).sum(), [x for _, x in variables])
        for (i, _), g in zip(variables, grads):
            tensors[f"{name}/grad{i}"] = g

    def lstm(reverse):
        def steps(x, h, c, weight):
            # The weight of the input is the identity.
            x = x.flip(0) if reverse else x
            identity = torch.eye(x.shape[2], dtype=DOUBLE)
            y, _, c_n = torch.lstm(x, (h[None], c[None]), [identity, weight], False, 1, 0.0, False, False, False)
            return torch.cat([y.flip(0) if reverse else y, c_n])
        return steps

    size = [(5, 3, 16), (3, 4), (3, 4), (16, 4)]
    entry("lstm_steps", lstm(False), *[uniform(*s) for s in size])
    entry("lstm_steps#reverse", lstm(True), *[uniform(*s) for s in size])
    entry("lstm_steps#one step", lstm(False), *[uniform(*s) for s in [(1, 2, 12), (2, 3), (2, 3), (12, 3)]])

    def mean_and_variance():
        return rounded(rng.random(3)), rounded(.5 + rng.random(3))

    for name, shape in [("1d", (2, 3, 7)), ("2d", (2, 3, 4, 5)), ("3d", (2, 3, 2, 3, 2))]:
        entry(f"instance_norm#{name}", F.instance_norm, uniform(*shape))
        entry(f"instance_norm#{name} affine", lambda x, w, b: F.instance_norm(x, weight=w, bias=b, eps=1e-3),
              uniform(*shape), uniform(3), uniform(3))
        entry(f"instance_norm#{name} running", lambda x, m, v, w, b: F.instance_norm(x, m, v, w, b, False),
              uniform(*shape), *mean_and_variance(), uniform(3), uniform(3))

    def updated(x, m, v):
        m, v = m.clone(), v.clone()
        y = F.instance_norm(x, m, v, momentum=.3)
        return torch.cat([y.flatten(), m, v])

    entry("instance_norm#updated", updated, uniform(2, 3, 4, 5), *mean_and_variance())

    indices = torch.tensor([[1, 4, 1], [0, 1, 4]])
    for name, options in [("plain", {}), ("padding", {"padding_idx": 1}), ("negative padding", {"padding_idx": -1}),
                          ("frequencies", {"scale_grad_by_freq": True}),
                          ("padding and frequencies", {"padding_idx": 4, "scale_grad_by_freq": True})]:
        entry(f"embedding#{name}", lambda i, w: F.embedding(i, w, **options), indices, uniform(5, 3))
