"""Makes dit_variants.golden: what PyTorch computes for small diffusion transformers of every configuration.

    python3 tests/golden/make_dit_variants_golden.py        (needs torch and numpy; writes beside itself)

The models are written here from the papers and after the keys of the published code: DiT with its four conditionings
(Peebles and Xie 2023, section 3.2), Latte's four variants (Ma et al. 2024), LightningDiT (Yao et al. 2025), and the DiT
of diffusers, which embeds the condition in every block. Everything is computed in float64.

Parameters and inputs are functions of their names (`fill`), which the tests compute too. So the file holds only the
outputs, and for each gradient g its norm and its product with fill(name + ".direction").
"""
import math
import pathlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).parent


def fill(name, shape):
    """Uniform values in [-1, 1), rounded to float32: splitmix64 of FNV-1a(name) + i."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 % 2**64
    count = int(np.prod(shape, dtype=np.int64))
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    values = (z >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0
    return torch.tensor(values.astype(np.float32).astype(np.float64).reshape(shape))


# --- positions ---

def encode(position, width):
    angles = position.reshape(-1, 1) * 10000.0 ** (-torch.arange(width // 2) / (width / 2))
    return torch.cat([angles.sin(), angles.cos()], 1)


def spatial_table(rows, columns, width, base_size=0, interpolation_scale=1):
    def coordinates(n):  # in float32, as diffusers computes them
        i = torch.arange(n, dtype=torch.float32)
        return (i / (n / base_size) if base_size else i).div(interpolation_scale).double()

    row, column = torch.meshgrid(coordinates(rows), coordinates(columns), indexing="ij")
    return torch.cat([encode(column, width // 2), encode(row, width // 2)], 1).float().double()[None]


def temporal_table(frames, width):
    return encode(torch.arange(frames) * 1.0, width).float().double()[None]


def rotate(x, rows, columns, theta=10000.0):
    """x [B, heads, T, size]: half of a head by rows, half by columns, in neighbouring pairs; the grid's tokens first."""
    size = x.shape[-1]
    frequencies = theta ** (-torch.arange(size // 4) / (size // 4))
    row, column = torch.meshgrid(torch.arange(rows) * 1.0, torch.arange(columns) * 1.0, indexing="ij")
    angles = torch.cat([row.reshape(-1, 1) * frequencies, column.reshape(-1, 1) * frequencies], 1)
    angles = F.pad(angles, (0, 0, 0, x.shape[2] - len(angles)))
    pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], size // 2, 2))
    turned = pairs * torch.polar(torch.ones_like(angles), angles)
    return torch.view_as_real(turned).reshape(x.shape)


# --- layers ---

class RmsNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return self.weight * x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt()


class Attention(nn.Module):
    def __init__(self, width, heads, qk_norm=False, qkv_bias=True):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width, bias=qkv_bias), nn.Linear(width, width)
        if qk_norm:
            self.q_norm, self.k_norm = RmsNorm(width // heads), RmsNorm(width // heads)

    def heads_of(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return (self.q_norm(q), self.k_norm(k), v) if hasattr(self, "q_norm") else (q, k, v)

    def forward(self, x, rope=None):
        q, k, v = self.heads_of(x)
        if rope:
            q, k = rotate(q, *rope), rotate(k, *rope)
        return self.proj(read(q, k, v).transpose(1, 2).flatten(2))


def read(q, k, v):
    return (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1) @ v


class CrossAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q, self.kv, self.proj = nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(width, width)

    def forward(self, x, context):
        q = self.q(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k, v = self.kv(context).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(read(q, k, v).transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


class SwiGlu(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.w12, self.w3 = nn.Linear(width, 2 * hidden), nn.Linear(hidden, width)

    def forward(self, x):
        gate, value = self.w12(x).chunk(2, -1)
        return self.w3(F.silu(gate) * value)


class TimeEmbedder(nn.Module):
    def __init__(self, width, shift):
        super().__init__()
        self.shift = shift
        self.mlp = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, t):
        angles = t[:, None] * torch.exp(-math.log(10000) * torch.arange(128) / (128 - self.shift))
        return self.mlp(torch.cat([angles.cos(), angles.sin()], 1))


def ada_ln(width, chunks):
    return nn.Sequential(nn.SiLU(), nn.Linear(width, chunks * width))


def modulated(x, shift, scale):
    y = x if scale is None else x * (1 + scale[:, None])
    return y if shift is None else y + shift[:, None]


def norm(o, eps=1e-6):
    if o["norm"] == "rms":
        return RmsNorm(o["width"])
    affine = o["conditioning"] in ("cross_attention", "in_context")
    return nn.LayerNorm(o["width"], eps=eps, elementwise_affine=affine)


class Block(nn.Module):
    def __init__(self, o):
        super().__init__()
        width, heads = o["width"], o["heads"]
        self.layout, self.conditioning, self.shift = o["layout"], o["conditioning"], o["shift"]
        self.norm1, self.norm2 = norm(o), norm(o, o["mlp_norm_eps"])
        self.attn = Attention(width, heads, o["qk_norm"], o["qkv_bias"])
        if self.layout == "sequential":
            self.temporal_attn = Attention(width, heads, o["qk_norm"], o["qkv_bias"])
        if self.conditioning == "cross_attention":
            self.norm_cross, self.cross_attn = norm(o), CrossAttention(width, heads)
        if o["swiglu"]:
            self.mlp = SwiGlu(width, int(2 / 3 * int(width * o["ratio"])))
        else:
            self.mlp = Mlp(width, int(width * o["ratio"]))
        if self.conditioning in ("ada_ln", "ada_ln_zero"):
            self.adaLN_modulation = ada_ln(width, 2 * (1 + self.shift + (self.conditioning == "ada_ln_zero")))

    def modulations(self, c):
        if self.conditioning not in ("ada_ln", "ada_ln_zero"):
            return [None] * 6
        width = c.shape[1]
        chunks = iter(self.adaLN_modulation(c).split(width, 1))
        kinds = (self.shift, True, self.conditioning == "ada_ln_zero")
        return [next(chunks) if kind else None for _ in range(2) for kind in kinds]

    def attend(self, x, frames, axis, rope):
        """x [B, T, D], frame by frame."""
        if self.layout == "sequential":
            return along(along(x, frames, "spatial", self.attn), frames, "temporal", self.temporal_attn)
        if self.layout == "split_heads":
            q, k, v = self.attn.heads_of(x)  # [B, heads, T, size]
            half, positions = self.attn.heads // 2, x.shape[1] // frames
            grid = [part.unflatten(2, (frames, positions)) for part in (q, k, v)]
            in_frames = read(*(part[:, :half] for part in grid))
            in_time = read(*(part[:, half:].transpose(2, 3) for part in grid)).transpose(2, 3)
            return self.attn.proj(torch.cat([in_frames, in_time], 1).flatten(2, 3).transpose(1, 2).flatten(2))
        return along(x, frames, axis, lambda h: self.attn(h, rope))

    def forward(self, x, c, tokens, frames, axis, rope):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulations(c)
        gated = lambda gate, y: y if gate is None else gate[:, None] * y
        x = x + gated(gate1, self.attend(modulated(self.norm1(x), shift1, scale1), frames, axis, rope))
        if self.conditioning == "cross_attention":
            x = x + self.cross_attn(self.norm_cross(x), tokens)
        return x + gated(gate2, self.mlp(modulated(self.norm2(x), shift2, scale2)))


def along(x, frames, axis, f):
    """f over the sequences of an axis of x [B, T, D]."""
    if axis == "joint":
        return f(x)
    grid = x.unflatten(1, (frames, -1))
    if axis == "temporal":
        grid = grid.transpose(1, 2)
    out = f(grid.flatten(0, 1)).unflatten(0, grid.shape[:2])
    return (out.transpose(1, 2) if axis == "temporal" else out).flatten(1, 2)


class FinalLayer(nn.Module):
    def __init__(self, o, outputs):
        super().__init__()
        self.norm_final, self.linear = norm(o), nn.Linear(o["width"], outputs)
        if o["conditioning"] in ("ada_ln", "ada_ln_zero"):
            self.adaLN_modulation = ada_ln(o["width"], 2)

    def forward(self, x, c):
        shift, scale = self.adaLN_modulation(c).chunk(2, 1) if hasattr(self, "adaLN_modulation") else (None, None)
        return self.linear(modulated(self.norm_final(x), shift, scale))


class PatchEmbedder(nn.Module):
    def __init__(self, channels, patch, width):
        super().__init__()
        self.proj = nn.Conv2d(channels, width, patch, patch)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class Embedders(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.t_embedder = TimeEmbedder(o["width"], o["downscale_freq_shift"])
        if o["classes"]:
            self.y_embedder = nn.ModuleDict({"embedding_table": nn.Embedding(o["classes"] + 1, o["width"])})
        if o["text_embedding"]:
            self.text_embedding_projection = nn.Sequential(nn.SiLU(), nn.Linear(o["text_embedding"], o["width"]))

    def forward(self, t, y):
        time = self.t_embedder(t)
        if hasattr(self, "y_embedder"):
            return time, self.y_embedder["embedding_table"](y)
        if hasattr(self, "text_embedding_projection"):
            return time, self.text_embedding_projection(y.flatten(1))
        return time, None


DEFAULTS = dict(height=4, width_pixels=6, frames=1, channels=2, patch=2, width=8, depth=2, heads=2, ratio=4, classes=3,
                text_embedding=0, learn_sigma=False, layout="joint", conditioning="ada_ln_zero", norm="layer",
                swiglu=False, shift=True, qk_norm=False, qkv_bias=True, rope=False, downscale_freq_shift=0,
                mlp_norm_eps=1e-6, per_block=False, learned=False)


class DiT(Embedders):
    """The embedders are its own, so that their keys are the published ones; or one for each block."""

    def __init__(self, **options):
        o = self.o = DEFAULTS | options
        super().__init__(o)
        width = o["width"]
        if o["per_block"]:
            del self.t_embedder, self.y_embedder
            self.embedders = nn.ModuleList([Embedders(o) for _ in range(o["depth"])])
        self.grid = o["height"] // o["patch"], o["width_pixels"] // o["patch"]
        self.pos_embed = nn.Parameter(spatial_table(*self.grid, width), requires_grad=o["learned"])
        if o["frames"] > 1:
            self.temp_embed = nn.Parameter(temporal_table(o["frames"], width), requires_grad=o["learned"])
        self.x_embedder = PatchEmbedder(o["channels"], o["patch"], width)
        self.out_channels = o["channels"] * (2 if o["learn_sigma"] else 1)
        self.blocks = nn.ModuleList([Block(o) for _ in range(o["depth"])])
        self.final_layer = FinalLayer(o, o["patch"] ** 2 * self.out_channels)

    def axis(self, i):
        if self.o["layout"] == "factorised":
            return "temporal" if i % 2 else "spatial"
        if self.o["layout"] == "late_fusion":
            return "spatial" if 2 * i < self.o["depth"] else "temporal"
        return "joint"

    def forward(self, x, t, y=None):
        o, frames = self.o, self.o["frames"]
        clips = x if x.dim() == 5 else x[:, None]
        batch = len(x)
        embedded = [e(t, y) for e in self.embedders] if o["per_block"] else [Embedders.forward(self, t, y)]
        conditions = [a if b is None else a + b for a, b in embedded]
        time, other = embedded[0]
        tokens = torch.stack([time] if other is None else [time, other], 1)
        h = self.x_embedder(clips.flatten(0, 1)) + self.pos_embed
        h = h.unflatten(0, (batch, frames))  # [B, F, positions, D]
        add_frames = lambda h: h + self.temp_embed[:, :, None] if frames > 1 else h
        alternating = o["layout"] in ("factorised", "late_fusion")
        h = (h if alternating else add_frames(h)).flatten(1, 2)
        if o["conditioning"] == "in_context":
            h = torch.cat([h, tokens], 1)
        first_temporal = next((i for i in range(o["depth"]) if self.axis(i) == "temporal"), None)
        for i, block in enumerate(self.blocks):
            if i == first_temporal:
                h = add_frames(h.unflatten(1, (frames, -1))).flatten(1, 2)
            condition, rope = conditions[i if o["per_block"] else 0], self.grid if o["rope"] else None
            h = block(h, condition, tokens, frames, self.axis(i), rope)
        h = h[:, : frames * self.grid[0] * self.grid[1]]
        h = self.final_layer(h, time if o["text_embedding"] else conditions[0])
        p = o["patch"]
        h = h.reshape(batch, frames, *self.grid, p, p, self.out_channels)
        out = torch.einsum("bfhwpqc->bfchpwq", h).flatten(5, 6).flatten(3, 4)
        return out if x.dim() == 5 else out[:, 0]


def fill_parameters(model):
    """Matrices with a variance of 1 / fan_in, vectors around 0, weights of norms around 1."""
    for name, p in model.named_parameters():
        if not p.requires_grad:
            continue
        if p.dim() > 1:
            value = fill(name, p.shape) * math.sqrt(3.0 / (p.numel() // p.shape[0]))
        else:
            value = fill(name, p.shape) * 0.2 + (1.0 if "norm" in name and name.endswith("weight") else 0.0)
        p.data = value.float().double()
    return model


CASES = {
    "in_context": dict(conditioning="in_context"),
    "in_context_unconditional": dict(conditioning="in_context", classes=0, rope=True),
    "cross_attention": dict(conditioning="cross_attention"),
    "cross_attention_unconditional": dict(conditioning="cross_attention", classes=0),
    "ada_ln": dict(conditioning="ada_ln"),
    "lightning": dict(width=16, norm="rms", swiglu=True, rope=True),
    "lightning_without_shift": dict(width=16, norm="rms", rope=True, qk_norm=True, shift=False),
    "diffusers": dict(per_block=True, downscale_freq_shift=1, mlp_norm_eps=1e-5, learn_sigma=True),
    "diffusers_without_bias": dict(per_block=True, downscale_freq_shift=1, mlp_norm_eps=1e-5, qkv_bias=False),
    "learned_positions": dict(learned=True, frames=3),
    "latte": dict(frames=3, layout="factorised", classes=0, depth=4, learn_sigma=True),
    "latte_labels": dict(frames=3, layout="factorised"),
    "latte_text": dict(frames=3, layout="factorised", classes=0, text_embedding=10),
    "latte_late_fusion": dict(frames=3, layout="late_fusion", depth=4),
    "latte_sequential": dict(frames=3, layout="sequential"),
    "latte_split_heads": dict(frames=3, layout="split_heads"),
    "clips_in_context": dict(frames=3, conditioning="in_context"),
    "clips_cross_attention": dict(frames=3, conditioning="cross_attention", layout="factorised"),
}


def inputs(o):
    frames = (o["frames"],) if o["frames"] > 1 else ()
    x = fill("x", (2, *frames, o["channels"], o["height"], o["width_pixels"]))
    t = torch.tensor([17.0, 803.0])
    if o["text_embedding"]:
        return x, t, fill("text", (2, 2, o["text_embedding"] // 2))
    return x, t, torch.tensor([1, 3]) if o["classes"] else None


def write(name, tensors):
    """As make_dit_golden.py does."""
    lines, blobs = ["ditharos golden 1", f"# torch {torch.__version__}, tests/golden/make_dit_variants_golden.py"], []
    for key, value in tensors.items():
        array = value.detach().numpy()
        blobs.append(np.ascontiguousarray(array, dtype="<f4").tobytes())
        lines.append(" ".join([key, "f32", *map(str, array.shape)]))
    (HERE / name).write_bytes(("\n".join(lines) + "\nend\n").encode() + b"".join(blobs))


def main():
    out = {}
    for case, options in CASES.items():
        model = fill_parameters(DiT(**options))
        x, t, y = inputs(model.o)
        x.requires_grad_()
        prediction = model(x, t, y)
        (prediction * fill("cotangent", prediction.shape)).sum().backward()
        out[f"{case}.out"] = prediction
        grads = {"x": x.grad} | {name: p.grad for name, p in model.named_parameters() if p.requires_grad}
        for name, grad in grads.items():
            along_direction = (grad * fill(name + ".direction", grad.shape)).sum()
            out[f"{case}.grad.{name}"] = torch.stack([along_direction, grad.norm()])
    # Tables of other grids than the model's.
    out["table.base"] = spatial_table(3, 5, 8, base_size=2, interpolation_scale=2)
    out["table.crop"] = spatial_table(6, 6, 8, base_size=4).reshape(6, 6, 8)[1:5, 2:4].reshape(1, 8, 8)
    out["table.scale"] = spatial_table(2, 3, 8, interpolation_scale=1.5)
    out["table.frames"] = temporal_table(5, 8)
    write("dit_variants.golden", out)


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    main()
