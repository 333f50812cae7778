"""Entries of make_op_golden.py for the losses of autograd/ops/losses/ and the options of attention, with random numbers
of their own."""

import itertools

import numpy as np
import torch
import torch.nn.functional as F

DOUBLE = torch.float64


def families(tensors):
    rng = np.random.default_rng(20261)

    def uniform(*shape, low=-2.0, high=2.0):
        values = (low + (high - low) * rng.random(shape)).astype(np.float32).astype(np.float64)
        return torch.tensor(values, dtype=DOUBLE, requires_grad=True)

    def index(*shape, below, least=0):
        return torch.tensor(rng.integers(least, below, shape), dtype=torch.int64)

    def signs(*shape):
        return 2 * index(*shape, below=2) - 1

    def entry(name, f, *inputs):
        out = f(*inputs)
        assert name + "/out" not in tensors, name
        for i, x in enumerate(inputs):
            tensors[f"{name}/in{i}"] = x.detach()
        tensors[name + "/out"] = out.detach()
        w = torch.tensor(rng.uniform(-1, 1, out.shape).astype(np.float32).astype(np.float64))
        tensors[name + "/w"] = w
        variables = [(i, x) for i, x in enumerate(inputs) if x.requires_grad]
        grads = torch.autograd.grad((w * out).sum(), [x for _, x in variables], allow_unused=True)
        for (i, x), g in zip(variables, grads):
            tensors[f"{name}/grad{i}"] = torch.zeros_like(x) if g is None else g

    reductions = ["none", "mean", "sum"]

    def errors():
        for r in reductions:
            for name in ["mse_loss", "l1_loss", "huber_loss"]:
                entry(f"{name}#weight {r}", lambda a, b, w, f=getattr(F, name), r=r: f(a, b, reduction=r, weight=w),
                      uniform(2, 3), uniform(2, 3), uniform(2, 3, low=.5))
            entry(f"smooth_l1_loss#l1 {r}", lambda a, b, r=r: F.smooth_l1_loss(a, b, beta=0, reduction=r),
                  uniform(2, 3), uniform(2, 3))
        for r, log in itertools.product(reductions + ["batchmean"], [False, True]):
            target = uniform(2, 4, low=-3, high=0) if log else uniform(2, 4, low=.1, high=1)
            entry(f"kl_div#{r}{' log' if log else ''}",
                  lambda p, t, r=r, log=log: F.kl_div(p, t, reduction=r, log_target=log),
                  uniform(2, 4, low=-3, high=0), target)

    def binary():
        for r in reductions:
            for weight in [False, True]:
                more = [uniform(3, low=.5)] if weight else []
                suffix = f"{'weight ' if weight else ''}{r}"
                entry(f"binary_cross_entropy#{suffix}",
                      lambda p, t, *w, r=r: F.binary_cross_entropy(p, t, *w, reduction=r),
                      uniform(2, 3, low=.05, high=.95), uniform(2, 3, low=0, high=1), *[w.detach() for w in more])
                entry(f"multilabel_soft_margin_loss#{suffix}",
                      lambda x, t, *w, r=r: F.multilabel_soft_margin_loss(x, t, *w, reduction=r),
                      uniform(2, 3), uniform(2, 3, low=0, high=1), *more)
            entry(f"binary_cross_entropy_with_logits#both {r}",
                  lambda x, t, w, p, r=r: F.binary_cross_entropy_with_logits(x, t, w, pos_weight=p, reduction=r),
                  uniform(2, 3), uniform(2, 3, low=0, high=1), uniform(2, 1, low=.5).detach(),
                  uniform(3, low=.5).detach())
            entry(f"soft_margin_loss#{r}", lambda x, y, r=r: F.soft_margin_loss(x, y.double(), reduction=r),
                  uniform(2, 3), signs(2, 3))
        entry("multilabel_soft_margin_loss#one", F.multilabel_soft_margin_loss, uniform(4), uniform(4, low=0, high=1))

    def likelihoods():
        for r, logs, full in itertools.product(reductions, [True, False], [True, False]):
            entry(f"poisson_nll_loss#{r} {'log' if logs else 'rate'}{' full' if full else ''}",
                  lambda x, t, r=r, logs=logs, full=full: F.poisson_nll_loss(x, t, logs, full, eps=1e-3, reduction=r),
                  uniform(2, 3) if logs else uniform(2, 3, low=.5), uniform(2, 3, low=0, high=4).detach())
        for r, full in itertools.product(reductions, [True, False]):
            for shape, kind in [((2, 3), "each"), ((2,), "row"), ((2, 1), "column")]:
                entry(f"gaussian_nll_loss#{r} {kind}{' full' if full else ''}",
                      lambda x, t, v, r=r, full=full: F.gaussian_nll_loss(x, t, v, full, .4, r),
                      uniform(2, 3), uniform(2, 3), uniform(*shape, low=.1, high=2))
        entry("gaussian_nll_loss#number", lambda x, t: F.gaussian_nll_loss(x, t, .7), uniform(2, 3), uniform(2, 3))

    def embeddings():
        for r in reductions:
            entry(f"hinge_embedding_loss#{r}", lambda x, y, r=r: F.hinge_embedding_loss(x, y, .5, reduction=r),
                  uniform(3, 4), signs(3, 4))
            entry(f"margin_ranking_loss#{r}", lambda a, b, y, r=r: F.margin_ranking_loss(a, b, y, .3, reduction=r),
                  uniform(3, 4), uniform(3, 4), signs(3, 4))
            entry(f"cosine_embedding_loss#{r}",
                  lambda a, b, y, r=r: F.cosine_embedding_loss(a, b, y, .1, reduction=r),
                  uniform(5, 3), uniform(5, 3), signs(5))
            for p, swap in [(2, False), (1, True), (3, True)]:
                entry(f"triplet_margin_loss#{r} {p}",
                      lambda a, b, c, r=r, p=p, s=swap: F.triplet_margin_loss(a, b, c, 1.5, p, swap=s, reduction=r),
                      uniform(4, 3), uniform(4, 3), uniform(4, 3))
            entry(f"triplet_margin_with_distance_loss#{r}",
                  lambda a, b, c, r=r: F.triplet_margin_with_distance_loss(
                      a, b, c, distance_function=lambda u, v: ((u - v) ** 2).sum(-1), margin=2, swap=True,
                      reduction=r),
                  uniform(4, 3), uniform(4, 3), uniform(4, 3))
        entry("hinge_embedding_loss#default", F.hinge_embedding_loss, uniform(3, 4), signs(3, 4))
        entry("margin_ranking_loss#default", F.margin_ranking_loss, uniform(5), uniform(5), signs(5))
        entry("cosine_embedding_loss#one", F.cosine_embedding_loss, uniform(3), uniform(3), signs())
        entry("triplet_margin_loss#default", F.triplet_margin_loss, uniform(3), uniform(3), uniform(3))
        entry("pairwise_distance", F.pairwise_distance, uniform(4, 3), uniform(4, 3))
        entry("pairwise_distance#p", lambda a, b: F.pairwise_distance(a, b, 3, .01, True), uniform(4, 3), uniform(3))

    def margins():
        for r, p, weight in itertools.product(reductions, [1, 2], [False, True]):
            entry(f"multi_margin_loss#{r} {p}{' weight' if weight else ''}",
                  lambda x, y, *w, r=r, p=p: F.multi_margin_loss(x, y, p, .7, *w, reduction=r),
                  uniform(4, 3), index(4, below=3), *([uniform(3, low=.5).detach()] if weight else []))
        entry("multi_margin_loss#one", F.multi_margin_loss, uniform(4), index(below=4))
        labels = torch.tensor([[2, 0, -1, 1], [3, -1, -1, 2], [-1, 0, 0, 0], [1, 1, 2, -1]])
        for r in reductions:
            entry(f"multilabel_margin_loss#{r}", lambda x, y, r=r: F.multilabel_margin_loss(x, y, reduction=r),
                  uniform(4, 4), labels)
        entry("multilabel_margin_loss#one", F.multilabel_margin_loss, uniform(4), torch.tensor([3, 0, -1, 1]))

    def classes():
        for r in reductions:
            for shape, name in [((2, 4, 3), "1d"), ((2, 4, 2, 3), "2d"), ((4,), "one")]:
                y = index(*(shape[:1] + shape[2:] if len(shape) > 1 else ()), below=4)
                weight = uniform(4, low=.5).detach()
                if len(shape) > 1:
                    y.view(-1)[0] = 9
                entry(f"cross_entropy#{name} {r}",
                      lambda x, y, w, r=r: F.cross_entropy(x, y, w, ignore_index=9, label_smoothing=.2, reduction=r),
                      uniform(*shape), y, weight)
                entry(f"nll_loss#{name} {r}", lambda x, y, w, r=r: F.nll_loss(x, y, w, ignore_index=9, reduction=r),
                      uniform(*shape), y, weight)
                for smoothing in [0, .2]:
                    entry(f"cross_entropy#soft {name} {r}{' smooth' if smoothing else ''}",
                          lambda x, t, w, r=r, s=smoothing: F.cross_entropy(x, t, w, label_smoothing=s, reduction=r),
                          uniform(*shape), uniform(*shape, low=0, high=1), weight)
        entry("cross_entropy#soft", F.cross_entropy, uniform(3, 4), uniform(3, 4, low=0, high=1))

    def ctc():
        inputs, lengths = torch.tensor([7, 5, 6]), torch.tensor([3, 2, 0])
        padded = torch.tensor([[1, 1, 4], [3, 2, 1], [1, 1, 1]])
        joined = torch.tensor([1, 1, 4, 3, 2])
        for r in reductions:
            entry(f"ctc_loss#{r}", lambda x, y, r=r: F.ctc_loss(x, y, inputs, lengths, reduction=r),
                  uniform(7, 3, 5).log_softmax(2).detach().requires_grad_(), padded)
            entry(f"ctc_loss#{r} joined logits",
                  lambda x, y, r=r: F.ctc_loss(x.log_softmax(2), y, inputs, lengths, reduction=r), uniform(7, 3, 5),
                  joined)
            # The blank is the last class. The second target needs five steps and has four.
            entry(f"ctc_loss#{r} zero_infinity",
                  lambda x, y, r=r: F.ctc_loss(x.log_softmax(2), y, torch.tensor([6, 4]), torch.tensor([3, 3]), 4, r,
                                               True),
                  uniform(6, 2, 5), torch.tensor([[0, 1, 0], [2, 2, 2]]))
        entry("ctc_loss#one", lambda x, y: F.ctc_loss(x.log_softmax(1), y, torch.tensor(6), torch.tensor(2)),
              uniform(6, 4), torch.tensor([2, 3]))

    def attention():
        def run(**options):
            return lambda q, k, v, *m: F.scaled_dot_product_attention(q, k, v, *m, **options)

        def qkv(heads=2, groups=2):
            return uniform(2, heads, 3, 4), uniform(2, groups, 5, 4), uniform(2, groups, 5, 3)

        name = "scaled_dot_product_attention"
        entry(f"{name}#scale", run(scale=.3), *qkv())
        entry(f"{name}#causal scale", run(scale=.3, is_causal=True), *qkv())
        entry(f"{name}#gqa", run(enable_gqa=True), *qkv(6, 2))
        entry(f"{name}#gqa causal", run(enable_gqa=True, is_causal=True), *qkv(4, 1))
        seen = torch.tensor(rng.random((3, 5)) < .7)
        seen[:, 0] = True
        entry(f"{name}#bool gqa", run(enable_gqa=True, scale=.8), *qkv(4, 2), seen)
        entry(f"{name}#added scale", run(scale=.8), *qkv(), uniform(2, 1, 3, 5))
        entry(f"{name}#added constant", run(scale=.8), *qkv(), uniform(3, 5).detach())
        entry(f"{name}#three axes", run(), uniform(2, 3, 4), uniform(2, 5, 4), uniform(2, 5, 3))
        entry(f"{name}#two axes", run(), uniform(3, 4), uniform(5, 4), uniform(5, 3))
        entry(f"{name}#five axes", run(scale=.5), uniform(2, 1, 2, 3, 4), uniform(2, 1, 2, 5, 4),
              uniform(2, 1, 2, 5, 3), uniform(2, 1, 1, 3, 5).detach())

    for family in [errors, binary, likelihoods, embeddings, margins, classes, ctc, attention]:
        family()
