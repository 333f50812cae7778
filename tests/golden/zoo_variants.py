"""Models for make_zoo_golden.py of which no code was published, composed from their papers: the other conditionings of
DiT (Peebles and Xie 2023, section 3.2), the other variants of Latte (Ma et al. 2024, section 3.2), and joint attention
over all patches of a clip (Brooks et al. 2024). Their names follow those of the released models."""
import math

import torch
from torch import nn
from torch.nn import functional as F

from zoo_reference import Random, gradients, round_to_half, write

SIZE, PATCH, CHANNELS, WIDTH, HEADS, CLASSES, FRAMES = 6, 2, 4, 16, 2, 5, 3
GRID = SIZE // PATCH


class Attention(nn.Module):
    """From x to a context, or among x. `spread` tells the heads over the axes they attend along."""

    def __init__(self, context=False):
        super().__init__()
        if context:
            self.q, self.kv = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 2 * WIDTH)
        else:
            self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x, context=None, axes=("all",)):
        """x [B, F, S, D]; one axis for all heads, or one for each half of them: all, space, time."""
        heads = lambda h: h.unflatten(-1, (HEADS, WIDTH // HEADS))
        if context is not None:
            q, (k, v) = heads(self.q(x)).flatten(1, 2), (heads(h) for h in self.kv(context).chunk(2, -1))
            return self.proj(attend(q, k, v).flatten(2).view_as(x))
        q, k, v = (heads(h) for h in self.qkv(x).chunk(3, -1))
        parts = [torch.chunk(h, len(axes), 3) for h in (q, k, v)]
        results = [along(axis, *(part[i] for part in parts)) for i, axis in enumerate(axes)]
        return self.proj(torch.cat(results, 3).flatten(3))


def attend(q, k, v):
    """[..., T, heads, head size]"""
    weights = torch.einsum("...qhd,...khd->...hqk", q, k) / math.sqrt(WIDTH // HEADS)
    return torch.einsum("...hqk,...khd->...qhd", weights.softmax(-1), v)


def along(axis, q, k, v):
    """[B, F, S, heads, head size], tokens attend to those of their frame, of their place, or to all."""
    if axis == "space":
        return attend(q, k, v)
    if axis == "time":
        return attend(*(h.transpose(1, 2) for h in (q, k, v))).transpose(1, 2)
    return attend(*(h.flatten(1, 2) for h in (q, k, v))).view_as(q)


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


def norm(x):
    return F.layer_norm(x, x.shape[-1:], eps=1e-6)


def modulated(x, shift, scale):
    return norm(x) * (1 + scale[:, None, None]) + shift[:, None, None]


def ada_ln(chunks):
    return nn.Sequential(nn.SiLU(), nn.Linear(WIDTH, chunks * WIDTH))


class ZeroBlock(nn.Module):
    """adaLN-Zero, as released."""

    def __init__(self, axes):
        super().__init__()
        self.axes, self.attn, self.mlp, self.adaLN_modulation = axes, Attention(), Mlp(), ada_ln(6)

    def attend(self, h):
        return self.attn(h, axes=self.axes)

    def forward(self, x, c, tokens):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.adaLN_modulation(c).chunk(6, 1)
        x = x + gate1[:, None, None] * self.attend(modulated(x, shift1, scale1))
        return x + gate2[:, None, None] * self.mlp(modulated(x, shift2, scale2))


class SequentialBlock(ZeroBlock):
    """The attention is a spatial one, and a temporal one of its result."""

    def __init__(self):
        super().__init__(["space"])
        self.temporal_attn = Attention()

    def attend(self, h):
        return self.temporal_attn(super().attend(h), axes=["time"])


class AdaLNBlock(nn.Module):
    """Shifts and scales without gates."""

    def __init__(self):
        super().__init__()
        self.attn, self.mlp, self.adaLN_modulation = Attention(), Mlp(), ada_ln(4)

    def forward(self, x, c, tokens):
        shift1, scale1, shift2, scale2 = self.adaLN_modulation(c).chunk(4, 1)
        x = x + self.attn(modulated(x, shift1, scale1))
        return x + self.mlp(modulated(x, shift2, scale2))


class TokenBlock(nn.Module):
    """A standard block, with cross-attention to the condition's tokens if `cross`."""

    def __init__(self, cross):
        super().__init__()
        layer_norm = lambda: nn.LayerNorm(WIDTH, eps=1e-6)
        self.norm1, self.attn = layer_norm(), Attention()
        if cross:
            self.norm_cross, self.cross_attn = layer_norm(), Attention(context=True)
        self.norm2, self.mlp, self.cross = layer_norm(), Mlp(), cross

    def forward(self, x, c, tokens):
        x = x + self.attn(self.norm1(x))
        if self.cross:
            x = x + self.cross_attn(self.norm_cross(x), tokens)
        return x + self.mlp(self.norm2(x))


class FinalLayer(nn.Module):
    def __init__(self, modulates):
        super().__init__()
        self.linear = nn.Linear(WIDTH, 2 * CHANNELS * PATCH * PATCH)
        if modulates:
            self.adaLN_modulation = ada_ln(2)
        else:
            self.norm_final = nn.LayerNorm(WIDTH, eps=1e-6)

    def forward(self, x, c):
        if hasattr(self, "norm_final"):
            return self.linear(self.norm_final(x))
        return self.linear(modulated(x, *self.adaLN_modulation(c).chunk(2, 1)))


class Named(nn.Module):
    """A module under one more name: x_embedder.proj, y_embedder.embedding_table, t_embedder.mlp."""

    def __init__(self, name, module):
        super().__init__()
        setattr(self, name, module)


def sin_cos(positions, width):
    angles = positions.double()[:, None] * 10000.0 ** (-torch.arange(width // 2).double() / (width / 2))
    return torch.cat([angles.sin(), angles.cos()], 1)


class Transformer(nn.Module):
    """The frame of all variants. Images have one frame, clips [B, F, C, H, W] have FRAMES."""

    def __init__(self, blocks, frames=1, labels=True, modulates=True, in_context=False, first_temporal=0):
        super().__init__()
        self.frames, self.in_context, self.first_temporal = frames, in_context, first_temporal
        places = torch.arange(GRID * GRID)
        table = torch.cat([sin_cos(places % GRID, WIDTH // 2), sin_cos(places // GRID, WIDTH // 2)], 1)
        self.register_buffer("pos_embed", table.float()[None])
        if frames > 1:
            self.register_buffer("temp_embed", sin_cos(torch.arange(frames), WIDTH).float()[None])
        self.x_embedder = Named("proj", nn.Conv2d(CHANNELS, WIDTH, PATCH, PATCH))
        self.t_embedder = Named("mlp", nn.Sequential(nn.Linear(256, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH)))
        if labels:
            self.y_embedder = Named("embedding_table", nn.Embedding(CLASSES + 1, WIDTH))
        self.blocks = nn.ModuleList(blocks)
        self.final_layer = FinalLayer(modulates)

    def forward(self, x, t, y=None):
        batch = len(x)
        angles = t[:, None].float() * torch.exp(-math.log(10000) * torch.arange(128) / 128)
        tokens = [self.t_embedder.mlp(torch.cat([angles.cos(), angles.sin()], 1))]
        if y is not None:
            tokens.append(self.y_embedder.embedding_table(y))
        c, tokens = sum(tokens), torch.stack(tokens, 1)
        h = self.x_embedder.proj(x.reshape(-1, CHANNELS, SIZE, SIZE)).flatten(2).transpose(1, 2) + self.pos_embed
        h = h.unflatten(0, (batch, self.frames))
        if self.in_context:
            h = torch.cat([h, tokens[:, None]], 2)
        for i, block in enumerate(self.blocks):
            if self.frames > 1 and i == self.first_temporal:
                h = h + self.temp_embed[0, :, None]
            h = block(h, c, tokens)
        if self.in_context:
            h = h[:, :, :-tokens.shape[1]]
        out = self.final_layer(h, c).view(-1, GRID, GRID, PATCH, PATCH, 2 * CHANNELS)
        return torch.einsum("nhwpqc->nchpwq", out).reshape(*x.shape[:-3], 2 * CHANNELS, SIZE, SIZE)


def make(name, model, extra):
    rng = Random(name)
    round_to_half(rng.weights(model))
    clip, labels = model.frames > 1, hasattr(model, "y_embedder")
    io = {"x": rng.normal(2, FRAMES, CHANNELS, SIZE, SIZE) if clip else rng.normal(2, CHANNELS, SIZE, SIZE),
          "t": torch.tensor([31, 908])}
    if labels:
        io["y"] = torch.tensor([3, CLASSES])
    out = model(**io)
    io |= {"out": out, "cotangent": rng.normal(*out.shape)}
    io |= gradients(model, out, io["cotangent"])
    config = {"input_size": SIZE, "patch_size": PATCH, "in_channels": CHANNELS, "hidden_size": WIDTH,
              "depth": len(model.blocks), "num_heads": HEADS, "learn_sigma": True, **extra}
    config |= {"num_classes": CLASSES} if labels else {"num_classes": 0}
    write(name, model.state_dict(), io, config | ({"num_frames": FRAMES} if clip else {}), half=True)


def dit(conditioning, block, **options):
    extra = {"_class_name": "DiT", "conditioning": conditioning}
    return lambda name: make(name, Transformer([block() for _ in range(2)], **options), extra)


def latte(attention, blocks, **options):
    extra = {"_class_name": "Latte", "attention": attention}
    return lambda name: make(name, Transformer(blocks(), frames=FRAMES, labels=False, **options), extra)


MAKERS = {
    "dit_ada_ln": dit("adaLN", AdaLNBlock),
    "dit_cross_attention": dit("cross-attention", lambda: TokenBlock(True), modulates=False),
    "dit_in_context": dit("in-context", lambda: TokenBlock(False), modulates=False, in_context=True),
    "latte_joint": latte("joint", lambda: [ZeroBlock(["all"]) for _ in range(2)]),
    "latte_late_fusion": latte("late_fusion", lambda: [ZeroBlock(["space"]), ZeroBlock(["time"])], first_temporal=1),
    "latte_sequential": latte("sequential", lambda: [SequentialBlock() for _ in range(2)]),
    "latte_split_heads": latte("split_heads", lambda: [ZeroBlock(["space", "time"]) for _ in range(2)]),
}
