"""The cases of the benchmark program in PyTorch, under the same names."""
import torch
import torch.nn.functional as F

from pytorch_conv import autoencoder_step, conv_case
from pytorch_dit import Config, attention, layer_norm_modulate, sampling_step, training_step
from pytorch_ops import op_case

S2 = Config()
SMALL_IMAGES = Config(height=28, width=28, channels=1, patch=4, classes=10)
STEPS = {  # as in step_cases.cpp
    "quickstart": (Config(height=28, width=28, channels=1, patch=4, hidden=96, depth=4, heads=4, classes=10), 64),
    "S4_28x28_batch32": (SMALL_IMAGES, 32),
    "S4_28x28_batch64": (SMALL_IMAGES, 64),
    "S2_batch8": (S2, 8),
    "S2_batch32": (S2, 32),
    "B4_batch32": (Config(patch=4, hidden=768, heads=12), 32),
    "video_512_tokens": (Config(height=256, width=32, patch=4, hidden=256, depth=6, heads=4, classes=10), 4),
}
SAMPLES = {"S2_1": (S2, 1), "S2_8": (S2, 8)}
SIZES = {  # batch, tokens, width, heads, as in kernel_cases.cpp and gemm_cases.cpp
    "quickstart": (64, 49, 96, 4),
    "64_tokens": (32, 64, 384, 6),
    "S2_batch8": (8, 256, 384, 6),
    "S2_batch32": (32, 256, 384, 6),
    "S2_batch8_1024_tokens": (8, 1024, 384, 6),
    "250_tokens": (8, 250, 384, 6),
    "video_512_tokens": (4, 512, 256, 4),
    "XL2_batch2": (2, 256, 1152, 16),
}


def forward(function, *inputs):
    def run():
        with torch.inference_mode():
            function(*inputs)
    return run


def backward(function, *inputs):
    """The gradients of all inputs, of a graph that is made once."""
    inputs = [x.requires_grad_() for x in inputs]
    out = function(*inputs)
    gradient = torch.randn_like(out)
    return lambda: torch.autograd.grad(out, inputs, gradient, retain_graph=True)


def linear_case(model, layer, what):
    batch, tokens, d, _ = SIZES[model]
    rows = batch if layer == "adaLN" else batch * tokens
    inner, outer = {"qkv": (d, 3 * d), "proj": (d, d), "fc1": (d, 4 * d), "fc2": (4 * d, d), "adaLN": (d, 6 * d)}[layer]
    x, w, bias, dy = (torch.randn(*s) for s in ((rows, inner), (outer, inner), (outer,), (rows, outer)))
    return {
        "forward": lambda _: forward(F.linear, x, w, bias),
        "input_gradient": lambda _: forward(torch.mm, dy, w),
        "weight_gradient": lambda _: forward(torch.mm, dy.t(), x),
    }[what]


def kernel_case(kind, model, what):
    """A function of `wrap`, which compiles or does nothing; KeyError when PyTorch has no such case."""
    batch, tokens, d, heads = SIZES[model]
    plain, rows, hidden = (batch, tokens, d), (batch, d), (batch, tokens, 4 * d)
    function, shapes = {
        "attention": (lambda qkv: attention(qkv, heads), [(batch, tokens, 3 * d)]),
        "layer_norm_modulate": (layer_norm_modulate, [plain, rows, rows]),
        "gated_residual": (lambda x, y, gate: x + gate.unsqueeze(1) * y, [plain, plain, rows]),
        "gelu_tanh": (lambda x: F.gelu(x, approximate="tanh"), [hidden]),
    }[kind]
    direction = {"forward": forward, "backward": backward}[what]
    return lambda wrap: direction(wrap(function), *(torch.randn(*shape) for shape in shapes))


def masked_attention_case(name, what):
    """As in attention_cases.cpp: projections seen as heads, and masks of booleans."""
    masks = {
        "causal_256": ("causal", 256, 256, 64), "flags_256": ("flags", 256, 256, 64),
        "padding_280": ("padding", 280, 280, 64), "captions_128": ("padding", 128, 24, 32),
        "captions_512": ("padding", 512, 24, 32),
    }
    kind, queries, keys, size = masks[name]
    batch, heads = 8, 6
    mask = None
    if kind == "flags":
        mask = torch.rand(batch, 1, queries, keys) < .75
    if kind == "padding":
        mask = (torch.arange(keys) * batch < (torch.arange(batch)[:, None] + 1) * keys)[:, None, None, :]
    shapes = [(batch, rows, heads, size) for rows in (queries, keys, keys)]
    inputs = [torch.randn(*shape).transpose(1, 2) for shape in shapes]
    direction = {"forward": forward, "backward": backward}[what]
    return lambda wrap: direction(
        wrap(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, mask, is_causal=kind == "causal")), *inputs)


def loss_case(kind, what):
    shape = {"cross_entropy": (8192, 1000), "mse": (256, 4, 32, 32)}[kind]
    labels, target = torch.randint(0, shape[1], (shape[0],)), torch.randn(*shape)
    function = {"cross_entropy": lambda x: F.cross_entropy(x, labels), "mse": lambda x: F.mse_loss(x, target)}[kind]
    if what == "forward":
        return lambda wrap: forward(wrap(function), torch.randn(*shape))

    def both(wrap):
        wrapped, x = wrap(function), torch.randn(*shape, requires_grad=True)

        def run():
            x.grad = None
            wrapped(x).backward()
        return run
    return both


def adam_case(_):
    p, average = torch.randn(33_000_000, requires_grad=True), torch.randn(33_000_000)
    p.grad = torch.randn_like(p)
    optimizer = torch.optim.AdamW([p], lr=1e-4, weight_decay=0, fused=True)

    def run():
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_([average], [p], .001)
    return run


def engine_case(kind, what):
    if kind == "add":
        count, x = 1000, torch.randn(16)
        advance = lambda h: h + x
    else:
        count, x, w = 100, torch.randn(4, 16), torch.randn(16, 16, requires_grad=True)
        advance = lambda h: F.linear(h, w)

    def chain():
        h = x
        for _ in range(count):
            h = advance(h)
        return h

    def both():
        x.grad = None
        chain().sum().backward()
    if what == "no_grad":
        return lambda _: forward(chain)
    x.requires_grad_()
    return lambda _: {"forward": chain, "forward_and_backward": both}[what]


def make_case(name, compiled, bf16=False):
    """(function to time, parameters of the model or None, operations of one run or None); None when there is none."""
    wrap = torch.compile if compiled else lambda function: function
    kind, *rest = name.split("/")
    try:
        if name == "step/conv_autoencoder":
            return autoencoder_step(compiled, bf16)
        if kind == "step":
            return training_step(*STEPS[rest[0]], compiled, bf16)
        if kind == "sample":
            return sampling_step(*SAMPLES[rest[0]], compiled, bf16)
        if kind == "conv":
            return conv_case(*rest), None, None
        make = {"linear": linear_case, "engine": engine_case,
                "scaled_dot_product_attention": masked_attention_case}.get(kind)
        if make:
            return make(*rest)(wrap), None, None
        if kind == "adam":
            return adam_case(wrap), None, None
        if kind == "op":
            return op_case(*rest)(wrap), None, None
        if kind in ("cross_entropy", "mse"):
            return loss_case(kind, rest[-1])(wrap), None, None
        return kernel_case(kind, *rest)(wrap), None, None
    except (KeyError, TypeError):
        return None
