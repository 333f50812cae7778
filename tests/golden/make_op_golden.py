"""Results and gradients of PyTorch for every operation, tests/golden/op.safetensors; tests/op_table/test_op_golden.cpp reads it.

  python make_op_golden.py op.safetensors          (made with PyTorch 2.13.0, CPU)

An entry "name" or "name#variant" has tensors in0, in1, ... (float64 inputs get gradients), out, w (a random cotangent)
and grad0, grad1, ... of sum(w * out). Values are rounded to float32 before PyTorch sees them as float64, so that the
file says exactly what was computed.
"""

import json
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

import op_golden_coverage
import op_golden_edges
import op_golden_layers
import op_golden_losses
import op_golden_windows
import op_golden_special

rng = np.random.default_rng(7)
tensors = {}


def uniform(*shape, low=-2.0, high=2.0):
    values = (low + (high - low) * rng.random(shape)).astype(np.float32).astype(np.float64)
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def positive(*shape, low=0.3, high=3.0):
    return uniform(*shape, low=low, high=high)


def index(*shape, below):
    return torch.tensor(rng.integers(0, below, shape), dtype=torch.int64)


def flags(*shape):
    return torch.tensor(rng.random(shape) < 0.6)


def entry(name, f, *inputs):
    out = f(*inputs)
    assert name + "/out" not in tensors, name
    for i, x in enumerate(inputs):
        tensors[f"{name}/in{i}"] = x.detach()
    tensors[name + "/out"] = out.detach()
    variables = [(i, x) for i, x in enumerate(inputs) if x.requires_grad]
    if not variables or not out.requires_grad:
        return
    w = torch.tensor(rng.uniform(-1, 1, out.shape).astype(np.float32).astype(np.float64))
    tensors[name + "/w"] = w
    grads = torch.autograd.grad((w * out).sum(), [x for _, x in variables], allow_unused=True)
    for (i, x), g in zip(variables, grads):
        tensors[f"{name}/grad{i}"] = torch.zeros_like(x) if g is None else g


def arithmetic():
    entry("+", torch.add, uniform(2, 3), uniform(3))
    entry("-", torch.sub, uniform(2, 3), uniform(2, 1))
    entry("*", torch.mul, uniform(2, 3), uniform(3))
    entry("/", torch.div, uniform(2, 3), positive(3))
    entry("pow", torch.pow, positive(2, 3), uniform(3))
    entry("pow#zeros", lambda a, b: a**b, torch.tensor([0.0, 0, 2, 3], dtype=torch.float64, requires_grad=True),
          torch.tensor([2.0, 1, 0, 1], dtype=torch.float64, requires_grad=True))
    entry("pow#number", lambda x: x**2.5, positive(2, 3))
    entry("maximum", torch.maximum, uniform(2, 3), uniform(3))
    entry("minimum", torch.minimum, uniform(2, 3), uniform(3))
    tie = torch.tensor([1.0, 2, 3], dtype=torch.float64)
    entry("maximum#ties", torch.maximum, tie.clone().requires_grad_(), tie.clone().requires_grad_())
    entry("tensor + number", lambda x: x + 3.0, uniform(2, 3))
    entry("tensor - number", lambda x: x - 3.0, uniform(2, 3))
    entry("tensor * number", lambda x: x * -3.0, uniform(2, 3))
    entry("tensor / number", lambda x: x / 1.5, uniform(2, 3))
    entry("number + tensor", lambda x: 3.0 + x, uniform(2, 3))
    entry("number - tensor", lambda x: 3.0 - x, uniform(2, 3))
    entry("number * tensor", lambda x: -3.0 * x, uniform(2, 3))
    entry("number / tensor", lambda x: 1.5 / x, positive(2, 3))
    entry("-tensor", torch.neg, uniform(2, 3))


def functions():
    for name in ["abs", "square", "exp", "expm1", "sin", "cos", "atan", "sinh", "cosh", "erf", "sign", "floor", "ceil",
                 "round", "tanh", "sigmoid", "relu"]:
        entry(name, getattr(torch, name), uniform(3, 4))
    for name in ["sqrt", "rsqrt", "reciprocal", "log"]:
        entry(name, getattr(torch, name), positive(3, 4))
    entry("log1p", torch.log1p, uniform(3, 4, low=-0.6))
    entry("tan", torch.tan, uniform(3, 4, low=-1.2, high=1.2))
    entry("asin", torch.asin, uniform(3, 4, low=-0.9, high=0.9))
    entry("acos", torch.acos, uniform(3, 4, low=-0.9, high=0.9))
    entry("clamp", lambda x: x.clamp(-1, 1), uniform(3, 4))
    entry("clamp#bounds", lambda x: x.clamp(-1, 1), torch.tensor([-1.0, 1.0], dtype=torch.float64, requires_grad=True))
    entry("softplus", F.softplus, uniform(3, 4))
    entry("silu", F.silu, uniform(3, 4))
    entry("gelu", F.gelu, uniform(3, 4))
    entry("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), uniform(3, 4))
    entry("leaky_relu", lambda x: F.leaky_relu(x, 0.2), uniform(3, 4))
    entry("elu", lambda x: F.elu(x, 1.5), uniform(3, 4))


def logic():
    entry("where", torch.where, flags(2, 3), uniform(2, 3), uniform(3))
    a, b = index(3, 4, below=3).double(), index(3, 4, below=3).double()
    for name, f in {"equal": torch.eq, "not_equal": torch.ne, "less": torch.lt, "less_equal": torch.le,
                    "greater": torch.gt, "greater_equal": torch.ge}.items():
        entry(name, f, a, b)
    for name in ["logical_and", "logical_or", "logical_xor"]:
        entry(name, getattr(torch, name), flags(3, 4), flags(4))
    entry("logical_not", torch.logical_not, flags(3, 4))
    entry("masked_fill", lambda x, m: x.masked_fill(m, 1.0), uniform(3, 4), flags(4))
    entry("masked_select", torch.masked_select, uniform(3, 4), flags(3, 4))
    entry("tril", lambda x: x.tril(1), uniform(2, 3, 4))
    entry("triu", lambda x: x.triu(-1), uniform(2, 3, 4))


def reductions():
    entry("sum", lambda x: x.sum((0, 2)), uniform(2, 3, 4))
    entry("mean", lambda x: x.mean((0, 2), keepdim=True), uniform(2, 3, 4))
    entry("variance", lambda x: x.var((0, 2), correction=0), uniform(2, 3, 4))
    entry("variance#unbiased", lambda x: x.var(1), uniform(2, 3, 4))
    entry("standard_deviation", lambda x: x.std((0, 2), correction=0), uniform(2, 3, 4))
    entry("standard_deviation#zero", lambda x: x.std(correction=0),
          torch.ones(4, dtype=torch.float64, requires_grad=True))
    entry("norm", lambda x: torch.linalg.vector_norm(x, 2, (0, 2)), uniform(2, 3, 4))
    entry("norm#3", lambda x: torch.linalg.vector_norm(x, 3, 1), uniform(2, 3, 4))
    entry("norm#zero", lambda x: torch.linalg.vector_norm(x), torch.zeros(4, dtype=torch.float64, requires_grad=True))
    entry("norm#infinity", lambda x: torch.linalg.vector_norm(x, float("inf")), uniform(2, 3))
    entry("logsumexp", lambda x: torch.logsumexp(x, (0, 2)), uniform(2, 3, 4))
    entry("prod", lambda x: x.prod(1), uniform(2, 3, 4))
    entry("prod#zeros", lambda x: x.prod(0), torch.tensor([[2.0, 0, 0], [3, 4, 0], [5, 6, 7]], dtype=torch.float64,
                                                          requires_grad=True))
    ties = torch.tensor([[1.0, 3, 3], [2, 2, 1]], dtype=torch.float64)
    entry("amax", lambda x: x.amax((0, 2)), uniform(2, 3, 4))
    entry("amax#ties", lambda x: x.amax(1), ties.clone().requires_grad_())
    entry("amin", lambda x: x.amin((0, 2)), uniform(2, 3, 4))
    entry("max", lambda x: x.max(1).values, uniform(2, 3, 4))
    entry("max#indices", lambda x: x.max(1).indices, uniform(2, 3, 4))
    entry("min", lambda x: x.min(1).values, uniform(2, 3, 4))
    entry("argmax", lambda x: x.argmax(1), uniform(2, 3, 4))
    entry("argmin", lambda x: x.argmin(1), uniform(2, 3, 4))
    entry("cumsum", lambda x: x.cumsum(1), uniform(2, 3, 4))
    entry("sum_to", lambda x: x.sum_to_size(3, 1), uniform(2, 3, 4))


def shapes():
    entry("reshape", lambda x: x.reshape(4, -1), uniform(2, 3, 4))
    entry("permute", lambda x: x.permute(2, 0, 1), uniform(2, 3, 4))
    entry("transpose", lambda x: x.transpose(0, 2), uniform(2, 3, 4))
    entry("expand", lambda x: x.expand(4, 2, 3), uniform(2, 1))
    entry("slice", lambda x: x[:, 1:6:2], uniform(2, 7))
    entry("select", lambda x: x.select(1, -2), uniform(2, 3, 4))
    entry("unsqueeze", lambda x: x.unsqueeze(1), uniform(2, 3))
    entry("squeeze", lambda x: x.squeeze(1), uniform(2, 1, 3))
    entry("chunk", lambda x: x.chunk(3, 1)[1], uniform(2, 6))
    entry("cat", lambda *x: torch.cat(x, 1), uniform(2, 3), uniform(2, 1), uniform(2, 2))
    entry("stack", lambda *x: torch.stack(x, 1), uniform(2, 3), uniform(2, 3))
    entry("narrow", lambda x: x.narrow(1, 2, 3), uniform(2, 6))
    entry("split", lambda x: x.split(4, 1)[1], uniform(2, 6))
    entry("split_with_sizes", lambda x: x.split([1, 3, 2], 1)[1], uniform(2, 6))
    entry("diagonal", lambda x: x.diagonal(0, 2, 0), uniform(3, 2, 4))
    entry("contiguous", lambda x: x.transpose(0, 1).contiguous(), uniform(2, 3))
    entry("to", lambda x: x.float().double(), uniform(2, 3))
    entry("pad", lambda x: F.pad(x, (1, 2, 2, 0), value=1.0), uniform(1, 2, 3, 4))
    entry("pad#reflect", lambda x: F.pad(x, (1, 2, 2, 0), mode="reflect"), uniform(1, 2, 3, 4))
    entry("pad#replicate", lambda x: F.pad(x, (1, 2, 2, 0), mode="replicate"), uniform(1, 2, 3, 4))
    entry("flip", lambda x: x.flip(0, 2), uniform(2, 3, 4))
    entry("roll", lambda x: x.roll(-2, 1), uniform(2, 5))
    entry("repeat", lambda x: x.repeat(2, 1, 3), uniform(2, 3))
    entry("index_select", lambda x, i: F.embedding(i, x), uniform(5, 3), index(2, 4, below=5))
    entry("index_select#axis", lambda x, i: x.index_select(1, i), uniform(3, 5), index(4, below=5))
    entry("index_add", lambda v, i: torch.zeros(5, 3, dtype=torch.float64).index_add(0, i, v), uniform(4, 3),
          index(4, below=5))
    entry("gather", lambda x, i: x.gather(1, i), uniform(3, 5), index(3, 4, below=5))
    entry("scatter_add", lambda v, i: torch.zeros(3, 5, dtype=torch.float64).scatter_add(1, i, v), uniform(3, 4),
          index(3, 4, below=5))


def products():
    entry("matmul", torch.matmul, uniform(2, 1, 3, 4), uniform(5, 4, 2))
    entry("matmul#vector", torch.matmul, uniform(2, 3, 4), uniform(4))
    entry("outer", torch.outer, uniform(3), uniform(4))
    entry("linear", F.linear, uniform(2, 5, 3), uniform(4, 3), uniform(4))
    for i, (equation, *sizes) in enumerate([
            ("bhid,bhjd->bhij", (2, 2, 3, 4), (2, 2, 5, 4)), ("iij->j", (3, 3, 2)), ("ba,bc", (3, 2), (3, 4)),
            ("ai,bi,ci->abc", (2, 3), (4, 3), (2, 3)), ("...ij,...jk->...ik", (2, 1, 2, 3), (3, 3, 4))]):
        entry(f"einsum#{equation}", lambda *x, e=equation: torch.einsum(e, *x), *[uniform(*s) for s in sizes])
    entry("unfold", lambda x: F.unfold(x, 3, padding=1, stride=2).transpose(1, 2), uniform(2, 2, 4, 5))
    entry("fold", lambda c: F.fold(c.transpose(1, 2), (4, 6), 2, stride=2), uniform(2, 6, 8))
    entry("conv2d", lambda x, w, b: F.conv2d(x, w, b, 2, 1), uniform(2, 3, 4, 5), uniform(2, 3, 3, 3), uniform(2))


def losses():
    entry("softmax", lambda x: F.softmax(x, 1), uniform(2, 3, 4))
    entry("log_softmax", lambda x: F.log_softmax(x, 1), uniform(2, 3, 4))
    y, weight = torch.tensor([0, 2, 1, 3, 1]), positive(4).detach()
    entry("cross_entropy", F.cross_entropy, uniform(5, 4), y)
    entry("cross_entropy#all", lambda x, l, w: F.cross_entropy(x, l, w, ignore_index=1, label_smoothing=0.1),
          uniform(5, 4), y, weight)
    entry("cross_entropy#none", lambda x, l, w: F.cross_entropy(x, l, w, ignore_index=1, label_smoothing=0.1,
                                                                reduction="none"), uniform(5, 4), y, weight)
    entry("nll_loss", lambda x, l, w: F.nll_loss(x, l, w, ignore_index=1), uniform(5, 4), y, weight)
    entry("mse_loss", F.mse_loss, uniform(2, 3), uniform(2, 3))
    entry("l1_loss", lambda a, b: F.l1_loss(a, b, reduction="sum"), uniform(2, 3), uniform(2, 3))
    entry("huber_loss", lambda a, b: F.huber_loss(a, b, delta=1.5), uniform(4, 3), uniform(4, 3))
    entry("smooth_l1_loss", lambda a, b: F.smooth_l1_loss(a, b, beta=0.5, reduction="none"), uniform(4, 3),
          uniform(4, 3))
    entry("binary_cross_entropy_with_logits", lambda x, t, w: F.binary_cross_entropy_with_logits(x, t, pos_weight=w),
          uniform(4, 3, low=-9, high=9), uniform(4, 3, low=0, high=1).detach(), positive(3).detach())
    entry("kl_div", lambda p, t: F.kl_div(p, t, reduction="sum"), uniform(2, 4, low=-3, high=0),
          torch.tensor([[0.0, 0.2, 0.3, 0.5], [0.1, 0.0, 0.6, 0.3]], dtype=torch.float64))


def transformer():
    entry("layer_norm", lambda x, w, b: F.layer_norm(x, (4,), w, b), uniform(2, 3, 4), uniform(4), uniform(4))
    entry("layer_norm_modulate",
          lambda x, shift, scale: F.layer_norm(x, (4,), eps=1e-6) * (1 + scale[:, None]) + shift[:, None],
          uniform(2, 3, 4), uniform(2, 4), uniform(2, 4))
    entry("gated_residual", lambda x, g, y: x + g[:, None] * y, uniform(2, 3, 4), uniform(2, 4), uniform(2, 3, 4))

    def packed(qkv):
        q, k, v = qkv.reshape(2, 5, 3, 2, 4).permute(2, 0, 3, 1, 4)
        return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(2, 5, 8)

    entry("attention", packed, uniform(2, 5, 24))
    sdpa = F.scaled_dot_product_attention
    sizes = [(2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4)]
    mask = flags(2, 1, 3, 5)
    mask[..., 0] = True
    entry("scaled_dot_product_attention", sdpa, *[uniform(*s) for s in sizes])
    entry("scaled_dot_product_attention#flags", sdpa, *[uniform(*s) for s in sizes], mask)
    entry("scaled_dot_product_attention#numbers", sdpa, *[uniform(*s) for s in sizes], uniform(3, 5))
    entry("scaled_dot_product_attention#causal", lambda q, k, v: sdpa(q, k, v, is_causal=True),
          *[uniform(*s) for s in sizes])


def images():
    entry("conv1d", lambda x, w, b: F.conv1d(x, w, b, 2, 1), uniform(2, 3, 7), uniform(4, 3, 3), uniform(4))
    entry("conv2d#groups", lambda x, w, b: F.conv2d(x, w, b, (2, 1), 1, (1, 2), 2), uniform(2, 4, 5, 6),
          uniform(4, 2, 3, 3), uniform(4))
    entry("conv3d", lambda x, w, b: F.conv3d(x, w, b, 1, 1), uniform(1, 2, 3, 4, 3), uniform(2, 2, 3, 3, 3), uniform(2))
    entry("conv_transpose1d", lambda x, w, b: F.conv_transpose1d(x, w, b, 2, 1, 1), uniform(2, 3, 4), uniform(3, 2, 3),
          uniform(2))
    entry("conv_transpose2d", lambda x, w, b: F.conv_transpose2d(x, w, b, (2, 1), 1, (1, 0), 2), uniform(2, 4, 3, 4),
          uniform(4, 2, 3, 3), uniform(4))
    entry("conv_transpose3d", lambda x, w, b: F.conv_transpose3d(x, w, b, 2), uniform(1, 2, 2, 3, 2),
          uniform(2, 2, 2, 2, 2), uniform(2))
    entry("group_norm", lambda x, w, b: F.group_norm(x, 2, w, b), uniform(2, 4, 3, 2), uniform(4), uniform(4))
    entry("group_norm_silu", lambda x, w, b: F.silu(F.group_norm(x, 2, w, b)), uniform(2, 4, 3, 2), uniform(4),
          uniform(4))
    entry("batch_norm", lambda x, m, v, w, b: F.batch_norm(x, m.clone(), v.clone(), w, b, True), uniform(3, 2, 2, 2),
          uniform(2).detach(), positive(2).detach(), uniform(2), uniform(2))
    entry("batch_norm#running", lambda x, m, v, w, b: F.batch_norm(x, m, v, w, b), uniform(3, 2, 2, 2),
          uniform(2).detach(), positive(2).detach(), uniform(2), uniform(2))
    entry("rms_norm", lambda x, w: F.rms_norm(x, (4,), w, 1e-6), uniform(2, 3, 4), uniform(4))
    entry("max_pool2d", lambda x: F.max_pool2d(x, 3, 2, 1), uniform(2, 2, 5, 6))
    entry("avg_pool2d", lambda x: F.avg_pool2d(x, 3, 2, 1), uniform(2, 2, 5, 6))
    entry("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, (2, 4)), uniform(2, 2, 5, 6))
    entry("interpolate", lambda x: F.interpolate(x, (5, 3)), uniform(1, 2, 3, 4))
    entry("interpolate#bilinear", lambda x: F.interpolate(x, (5, 3), mode="bilinear"), uniform(1, 2, 3, 4))


def fused():
    entry("linear_gelu_tanh", lambda x, w, b: F.gelu(F.linear(x, w, b), approximate="tanh"), uniform(2, 5, 3),
          uniform(4, 3), uniform(4))


def save(path):
    header, data = {"__metadata__": {"pytorch": torch.__version__}}, b""
    kinds = {torch.float64: "F64", torch.float32: "F32", torch.int64: "I64", torch.bool: "BOOL"}
    for name, x in sorted(tensors.items()):
        raw = x.contiguous().numpy().tobytes()
        header[name] = {"dtype": kinds[x.dtype], "shape": list(x.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    for family in [arithmetic, functions, logic, reductions, shapes, products, losses, transformer, images,
                   fused]:
        family()
    op_golden_coverage.families(entry, uniform, positive, index, flags)
    op_golden_losses.families(tensors)
    op_golden_windows.families(tensors)
    op_golden_special.families(entry)
    op_golden_edges.families(entry)
    op_golden_layers.families(tensors)
    save(sys.argv[1])
    print(len([n for n in tensors if n.endswith("/out")]), "entries,", len(tensors), "tensors, PyTorch", torch.__version__)
