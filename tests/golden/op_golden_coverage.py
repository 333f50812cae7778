"""The entries of op.safetensors for the operations in autograd/ops/*/; make_op_golden.py calls families()."""

import operator

import torch
import torch.nn.functional as F

DOUBLE = torch.float64


def families(entry, uniform, positive, index, flags):
    def doubles(values):
        return torch.tensor(values, dtype=DOUBLE)

    def parameter(values):
        return doubles(values).requires_grad_()

    def functions():
        for name in ["exp2", "asinh", "erfc", "trunc", "frac"]:
            entry(name, getattr(torch, name), uniform(3, 4))
        for name in ["log2", "log10"]:
            entry(name, getattr(torch, name), positive(3, 4))
        entry("acosh", torch.acosh, uniform(3, 4, low=1.2, high=4))
        entry("atanh", torch.atanh, uniform(3, 4, low=-0.9, high=0.9))
        for name in ["relu6", "hardsigmoid", "hardswish"]:
            entry(name, getattr(F, name), uniform(4, 5, low=-7, high=7))
        for name in ["mish", "selu", "logsigmoid", "softsign", "tanhshrink"]:
            entry(name, getattr(F, name), uniform(3, 4))
        entry("hardtanh", lambda x: F.hardtanh(x, -1, 1.5), uniform(3, 4))
        entry("hardtanh#bounds", F.hardtanh, parameter([-1, 1, 0]))
        entry("celu", lambda x: F.celu(x, 1.5), uniform(3, 4))
        entry("threshold", lambda x: F.threshold(x, 0.5, 1), uniform(3, 4))
        entry("prelu", F.prelu, uniform(2, 3, 4), uniform(3))
        entry("glu", F.glu, uniform(3, 4))

    def arithmetic():
        a, b = parameter([7, -7, 7, -7, 5.5]), parameter([3, 3, -3, -3, 1.5])
        for name in ["fmod", "remainder"]:
            entry(name, getattr(torch, name), a, b)
            entry(name + "#number", lambda x, f=getattr(torch, name): f(x, 3), uniform(3, 4, low=-9, high=9))
        entry("remainder#whole", torch.remainder, torch.tensor([7, -7, 7, -7]), torch.tensor([3, 3, -3, -3]))
        entry("floor_divide", torch.floor_divide, a.detach(), b.detach())
        entry("floor_divide#whole", torch.floor_divide, torch.tensor([7, -7, 7, -7]), torch.tensor([3, 3, -3, -3]))
        for name in ["atan2", "hypot", "logaddexp"]:
            entry(name, getattr(torch, name), uniform(2, 3), uniform(3))
        entry("lerp", torch.lerp, uniform(2, 3), uniform(2, 3), uniform(2, 3, low=0, high=1))
        entry("lerp#number", lambda a, b: torch.lerp(a, b, 0.7), uniform(2, 3), uniform(2, 3))
        entry("addcmul", lambda x, a, b: torch.addcmul(x, a, b, value=1.5), uniform(2, 3), uniform(3), uniform(2, 1))
        entry("addcdiv", lambda x, a, b: torch.addcdiv(x, a, b, value=1.5), uniform(2, 3), uniform(3), positive(2, 1))
        entry("clamp#tensors", torch.clamp, uniform(2, 3), uniform(3, low=-1, high=0), uniform(2, 1, low=0, high=1))
        entry("clamp_min", lambda x: x.clamp_min(0.5), uniform(3, 4))
        entry("clamp_max", lambda x: x.clamp_max(0.5), uniform(3, 4))
        entry("pow#base", lambda x: 2 ** x, uniform(3, 4))
        entry("where#number", lambda c, x: torch.where(c, x, 1.5), flags(3, 4), uniform(3, 4))
        special = parameter([float("nan"), float("inf"), -float("inf"), 2])
        entry("nan_to_num", lambda x: torch.nan_to_num(x, 1, 2, 3), special)

    def comparisons():
        a, b = index(3, 4, below=3).double(), index(3, 4, below=3).double()
        for sign, f in {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
                        ">=": operator.ge}.items():
            entry(sign, f, a, b)
            entry(f"tensor {sign} number", lambda x, f=f: f(x, 1), a)
            entry(f"number {sign} tensor", lambda x, f=f: f(1, x), a)
        for name, sign in {"bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^"}.items():
            entry(name, getattr(torch, name), index(3, 4, below=16), index(4, below=16))
            entry(sign, getattr(torch, name), flags(3, 4), flags(3, 4))
        entry("bitwise_not", torch.bitwise_not, index(3, 4, below=16))
        entry("~tensor", torch.bitwise_not, flags(3, 4))
        special = doubles([float("nan"), float("inf"), -float("inf"), 0, 1e300])
        for name in ["isnan", "isinf", "isfinite"]:
            entry(name, getattr(torch, name), special)
        other = doubles([float("nan"), float("inf"), float("inf"), 1e-9, 1.000001e300])
        entry("isclose", torch.isclose, special, other)
        entry("isclose#nan", lambda a, b: torch.isclose(a, b, equal_nan=True), special, other)

    def layouts():
        entry("clone", torch.clone, uniform(2, 3))
        entry("flatten", lambda x: x.flatten(1, 2), uniform(2, 3, 2, 2))
        entry("unflatten", lambda x: x.unflatten(1, (2, -1)), uniform(2, 6))
        entry("movedim", lambda x: x.movedim((0, 1), (2, 0)), uniform(2, 3, 4))
        entry("unbind", lambda x: x.unbind(1)[2], uniform(2, 3, 4))
        entry("squeeze#all", torch.squeeze, uniform(1, 3, 1))
        entry("rot90", lambda x: torch.rot90(x, 3, [0, 2]), uniform(2, 3, 4))
        entry("broadcast_to", lambda x: x.broadcast_to(4, 2, 3), uniform(2, 1))
        entry("broadcast_tensors", lambda a, b: torch.broadcast_tensors(a, b)[0], uniform(2, 1), uniform(3))
        entry("hstack", lambda *x: torch.hstack(x), uniform(2, 3), uniform(2, 1))
        entry("vstack", lambda *x: torch.vstack(x), uniform(3), uniform(2, 3))
        entry("diag", lambda x: torch.diag(x, 1), uniform(3))
        entry("diag#matrix", lambda x: torch.diag(x, -1), uniform(3, 4))
        entry("diag_embed", lambda x: torch.diag_embed(x, -2), uniform(2, 3))
        entry("diagonal#offset", lambda x: x.diagonal(-1, 2, 0), uniform(3, 2, 4))
        entry("trace", torch.trace, uniform(3, 4))
        entry("tile", lambda x: x.tile(2, 1, 2), uniform(2, 3))
        entry("repeat_interleave", lambda x: x.repeat_interleave(3, 1), uniform(2, 3))
        entry("repeat_interleave#counts", lambda x, n: x.repeat_interleave(n, 1), uniform(2, 3),
              torch.tensor([2, 0, 1]))
        entry("repeat_interleave#flat", lambda x: x.repeat_interleave(2), uniform(2, 3))
        entry("meshgrid", lambda a, b: torch.meshgrid(a, b, indexing="ij")[0], uniform(2), uniform(3))
        entry("meshgrid#xy", lambda a, b: torch.meshgrid(a, b, indexing="xy")[0], uniform(2), uniform(3))
        entry("one_hot", lambda x: F.one_hot(x, 5), index(2, 3, below=5))
        entry("one_hot#largest", F.one_hot, torch.tensor([0, 3, 1]))
        entry("pixel_shuffle", lambda x: F.pixel_shuffle(x, 2), uniform(1, 8, 2, 3))
        entry("pixel_unshuffle", lambda x: F.pixel_unshuffle(x, 2), uniform(1, 2, 4, 6))

    def indexing():
        rows, columns = torch.tensor([2, 0, -1]), torch.tensor([1])
        mask = torch.tensor([[True, False, True], [False, True, True]])
        entry("index", lambda x: x[1, ..., None, 1:-1], uniform(3, 2, 5))
        entry("index#rows", lambda x, i: x[i], uniform(3, 4), rows)
        entry("index#adjacent", lambda x, i, j: x[:, i, j], uniform(2, 3, 4, 2), rows, columns)
        entry("index#apart", lambda x, i, j: x[i, :, j], uniform(3, 4, 5), rows, columns)
        entry("index#mask", lambda x, m: x[m], uniform(2, 3, 4), mask)
        entry("index#mask and slice", lambda x, m: x[..., m, 1:], uniform(4, 2, 3, 3), mask)

        def put(x, v, *i, accumulate=False):
            return x.clone().index_put(i, v, accumulate)

        entry("index_put", lambda x, v, i: put(x, v, i), uniform(3, 4), uniform(2, 4), torch.tensor([2, 0]))
        entry("index_put#add", lambda x, v, i: put(x, v, i, accumulate=True), uniform(3, 4), uniform(4, 1),
              torch.tensor([2, 0, 2, -1]))
        entry("nonzero", torch.nonzero, index(3, 4, below=2))
        entry("take", torch.take, uniform(3, 4), torch.tensor([[0, 11], [-1, 5]]))
        entry("take_along_dim", lambda x, i: torch.take_along_dim(x, i, 1), uniform(3, 5), index(1, 4, below=5))
        once = torch.tensor([[3, 0, 4], [1, 2, 0]])
        entry("scatter", lambda x, i, s: x.scatter(1, i, s), uniform(3, 5), once, uniform(2, 3))
        entry("scatter#number", lambda x, i: x.scatter(1, i, 1.5), uniform(3, 5), once)
        entry("scatter_add#onto", lambda x, i, s: x.scatter_add(1, i, s), uniform(3, 5), index(3, 4, below=5),
              uniform(3, 4))
        entry("index_add#onto", lambda x, i, s: x.index_add(1, i, s, alpha=2), uniform(2, 5), index(4, below=5),
              uniform(2, 4))
        entry("index_copy", lambda x, i, s: x.index_copy(1, i, s), uniform(2, 5), torch.tensor([3, 0]), uniform(2, 2))
        entry("index_fill", lambda x, i: x.index_fill(1, i, 1.5), uniform(2, 5), torch.tensor([3, 0]))
        entry("masked_scatter", torch.masked_scatter, uniform(2, 3), mask, uniform(5))

    def orders():
        entry("sort", lambda x: x.sort(1).values, uniform(3, 5))
        entry("sort#indices", lambda x: torch.sort(x, dim=0, descending=True, stable=True).indices, uniform(3, 5))
        entry("argsort", lambda x: torch.argsort(x, dim=1, stable=True), index(3, 6, below=3).double())
        entry("topk", lambda x: x.topk(2, 1).values, uniform(3, 5))
        entry("topk#smallest", lambda x: x.topk(3, 0, largest=False).indices, uniform(5, 3))
        entry("kthvalue", lambda x: x.kthvalue(2, 1).values, uniform(3, 5))
        entry("median", lambda x: x.median(1).values, uniform(3, 6))
        entry("median#all", torch.median, uniform(3, 4))
        entry("quantile", lambda x: x.quantile(0.3, 1), uniform(3, 5))
        entry("quantile#all", lambda x: x.quantile(0.75), uniform(3, 4))
        repeated = index(3, 5, below=4)
        entry("unique", torch.unique, repeated.double())
        entry("unique#inverse", lambda x: torch.unique(x, return_inverse=True)[1], repeated)
        entry("unique#counts", lambda x: torch.unique(x, return_counts=True)[1], repeated)
        entry("bincount", lambda x: torch.bincount(x, minlength=6), index(7, below=5))
        entry("bincount#weights", lambda x, w: torch.bincount(x, w, 6), index(7, below=5), uniform(7).detach())
        entry("histc", lambda x: torch.histc(x, 4, -1, 1), uniform(20).detach())
        boundaries, values = doubles([-1, 0, 0, 1]), doubles([[-2, -1, 0], [0.5, 1, 3]])
        entry("searchsorted", torch.searchsorted, boundaries, values)
        entry("searchsorted#right", lambda b, v: torch.searchsorted(b, v, right=True), boundaries, values)
        entry("searchsorted#rows", torch.searchsorted, doubles([[0, 1, 2], [1, 2, 3]]), values)
        entry("bucketize", torch.bucketize, values, boundaries)

    def reductions():
        truth = index(2, 3, 4, below=2)
        entry("any", lambda x: x.any(1), truth)
        entry("all", lambda x: x.all(2, keepdim=True), truth)
        entry("count_nonzero", lambda x: torch.count_nonzero(x, (0, 2)), truth)
        entry("var", lambda x: x.var((0, 2)), uniform(2, 3, 4))
        entry("std", lambda x: x.std(1, keepdim=True), uniform(2, 3, 4))
        entry("max#all", torch.max, uniform(2, 3))
        entry("min#all", torch.min, uniform(2, 3))
        entry("argmax#all", torch.argmax, uniform(2, 3))
        entry("argmin#all", torch.argmin, uniform(2, 3))
        entry("cumprod", lambda x: x.cumprod(1), uniform(3, 5))
        entry("cumprod#zeros", lambda x: x.cumprod(0), parameter([2, 0, 3, 0, 5]))
        entry("logcumsumexp", lambda x: x.logcumsumexp(1), uniform(3, 5, low=-9, high=9))
        entry("cummax", lambda x: x.cummax(1).values, uniform(3, 5))
        entry("cummax#indices", lambda x: x.cummax(1).indices, index(3, 6, below=4).double())
        entry("cummin", lambda x: x.cummin(1).values, uniform(3, 5))
        entry("diff", lambda x: x.diff(2, 0), uniform(5, 3))

    def products():
        entry("mm", torch.mm, uniform(2, 3), uniform(3, 4))
        entry("bmm", torch.bmm, uniform(2, 2, 3), uniform(2, 3, 4))
        entry("mv", torch.mv, uniform(2, 3), uniform(3))
        entry("dot", torch.dot, uniform(5), uniform(5))
        entry("addmm", lambda x, a, b: torch.addmm(x, a, b, beta=0.5, alpha=2), uniform(4), uniform(2, 3),
              uniform(3, 4))
        entry("baddbmm", lambda x, a, b: torch.baddbmm(x, a, b, beta=0.5, alpha=2), uniform(1, 4), uniform(2, 2, 3),
              uniform(2, 3, 4))
        entry("tensordot", lambda a, b: torch.tensordot(a, b, ([0, 2], [1, 0])), uniform(2, 3, 4), uniform(4, 2, 5))
        entry("kron", torch.kron, uniform(2, 3), uniform(3, 2))
        entry("cross", lambda a, b: torch.cross(a, b, dim=-1), uniform(2, 3), uniform(2, 3))
        entry("cdist", torch.cdist, uniform(2, 3, 4), uniform(2, 5, 4))
        entry("cosine_similarity", F.cosine_similarity, uniform(2, 3), uniform(2, 3))
        entry("normalize", F.normalize, uniform(2, 3))
        for padding in ["zeros", "border"]:
            for corners in [False, True]:
                entry(f"grid_sample#{padding} {corners}".replace("#zeros False", ""),
                      lambda x, g, p=padding, c=corners: F.grid_sample(x, g, padding_mode=p, align_corners=c),
                      uniform(1, 2, 4, 5), uniform(1, 3, 2, 2, low=-1.4, high=1.4))
        entry("grid_sample#nearest", lambda x, g: F.grid_sample(x, g, "nearest", align_corners=False),
              uniform(1, 2, 4, 5), uniform(1, 3, 2, 2, low=-1.4, high=1.4).detach())

    def linalg():
        la = torch.linalg

        def regular(*shape):
            x = uniform(*shape, low=-1, high=1).detach()
            return (x + torch.diag_embed(2.0 * torch.arange(shape[-1], dtype=DOUBLE) + 3)[: shape[-2]]).requires_grad_()

        def symmetric(x):
            return x + x.mT

        entry("linalg.solve", la.solve, regular(2, 3, 3), uniform(2, 3, 2))
        entry("linalg.solve#vector", la.solve, regular(3, 3), uniform(3))
        entry("linalg.solve_triangular", lambda a, b: la.solve_triangular(a, b, upper=True), regular(3, 3),
              uniform(3, 2))
        entry("linalg.inv", la.inv, regular(2, 3, 3))
        entry("linalg.pinv", la.pinv, uniform(4, 3))
        entry("linalg.lstsq", lambda a, b: la.lstsq(a, b).solution, uniform(4, 3), uniform(4, 2))
        entry("linalg.matrix_power", lambda a: la.matrix_power(a, -2), regular(3, 3))
        entry("linalg.det", la.det, uniform(2, 3, 3))
        entry("linalg.slogdet", lambda a: la.slogdet(a).logabsdet, uniform(2, 3, 3))
        entry("linalg.cholesky", lambda a: la.cholesky(a @ a.mT), regular(2, 3, 3))
        entry("linalg.qr", lambda a: la.qr(a).Q, uniform(4, 3))
        entry("linalg.qr#R", lambda a: la.qr(a).R, uniform(4, 3))
        entry("linalg.qr#wide", lambda a: la.qr(a).R, uniform(2, 3))
        entry("linalg.svd", lambda a: la.svd(a, full_matrices=False).U ** 2, uniform(4, 3))
        entry("linalg.svd#Vh", lambda a: la.svd(a, full_matrices=False).Vh ** 2, uniform(3, 4))
        entry("linalg.svdvals", la.svdvals, uniform(2, 4, 3))
        entry("linalg.eigh", lambda a: la.eigh(symmetric(a)).eigenvectors ** 2, uniform(3, 3))
        entry("linalg.eigvalsh", lambda a: la.eigvalsh(symmetric(a)), uniform(3, 3))

    for family in [functions, arithmetic, comparisons, layouts, indexing, orders, reductions, products, linalg]:
        family()
