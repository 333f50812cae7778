"""The diffusion transformer in PyTorch, as compare_pytorch.py measures it, its training step and its sampling step.

Written from "Scalable diffusion models with transformers" (Peebles and Xie 2023): adaLN-Zero blocks, fixed sine and
cosine positions, and PyTorch's own fused attention. The same shapes and parameters as models/dit of this repository.
"""
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Config:
    height: int = 32
    width: int = 32
    channels: int = 4
    patch: int = 2
    hidden: int = 384
    depth: int = 12
    heads: int = 6
    classes: int = 1000

    @property
    def tokens(self):
        return (self.height // self.patch) * (self.width // self.patch)

    def forward_flops(self):
        """Operations of the matrix products for one sample; the formula of training.cpp."""
        tokens, d, pixels = self.tokens, self.hidden, self.patch ** 2
        block = 2 * tokens * d * (4 * d + 2 * 4 * d) + 4 * tokens ** 2 * d + 2 * 6 * d * d
        time = 2 * (256 * d + d * d)
        ends = 2 * tokens * d * pixels * 2 * self.channels + 2 * 2 * d * d
        return self.depth * block + time + ends


def modulate(x, shift, scale):
    return x * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1)


def layer_norm_modulate(x, shift, scale):
    return modulate(F.layer_norm(x, x.shape[-1:], eps=1e-6), shift, scale)


def attention(qkv, heads):
    """Of packed projections [B, T, 3 D]."""
    batch, tokens, packed = qkv.shape
    q, k, v = qkv.view(batch, tokens, 3, heads, packed // 3 // heads).permute(2, 0, 3, 1, 4).unbind(0)
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, tokens, packed // 3)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads = c.heads
        self.qkv = nn.Linear(c.hidden, 3 * c.hidden)
        self.proj = nn.Linear(c.hidden, c.hidden)
        self.fc1 = nn.Linear(c.hidden, 4 * c.hidden)
        self.fc2 = nn.Linear(4 * c.hidden, c.hidden)
        self.adaLN = nn.Linear(c.hidden, 6 * c.hidden)

    def forward(self, x, silu_condition):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.adaLN(silu_condition).chunk(6, dim=1)
        attended = self.proj(attention(self.qkv(layer_norm_modulate(x, shift1, scale1)), self.heads))
        x = x + gate1.unsqueeze(1) * attended
        hidden = F.gelu(self.fc1(layer_norm_modulate(x, shift2, scale2)), approximate="tanh")
        return x + gate2.unsqueeze(1) * self.fc2(hidden)


class DiT(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.config = c
        self.x_embedder = nn.Conv2d(c.channels, c.hidden, c.patch, stride=c.patch)
        self.t_embedder = nn.Sequential(nn.Linear(256, c.hidden), nn.SiLU(), nn.Linear(c.hidden, c.hidden))
        self.y_embedder = nn.Embedding(c.classes + 1, c.hidden)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c.depth))
        self.final_adaLN = nn.Linear(c.hidden, 2 * c.hidden)
        self.final = nn.Linear(c.hidden, c.patch ** 2 * c.channels)
        self.register_buffer("pos_embed", torch.randn(1, c.tokens, c.hidden))  # its values do not matter for the time
        frequencies = torch.exp(-math.log(10000) * torch.arange(128) / 128)
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, x, t, labels):
        c = self.config
        angles = t[:, None] * self.frequencies
        condition = self.t_embedder(torch.cat([angles.cos(), angles.sin()], 1)) + self.y_embedder(labels)
        silu_condition = F.silu(condition)
        h = self.x_embedder(x).flatten(2).transpose(1, 2) + self.pos_embed
        for block in self.blocks:
            h = block(h, silu_condition)
        h = self.final(layer_norm_modulate(h, *self.final_adaLN(silu_condition).chunk(2, dim=1)))
        rows, columns = c.height // c.patch, c.width // c.patch
        h = h.view(x.shape[0], rows, columns, c.patch, c.patch, c.channels)
        return h.permute(0, 5, 1, 3, 2, 4).reshape(x.shape)


def count_parameters(model):
    return sum(p.numel() for p in model.parameters())


def training_step(config, batch, compiled, bf16=False):
    """Rectified flow's loss, gradient clipping, fused AdamW and a moving average, as the Trainer does a step. `bf16`:
    under autocast."""
    torch.manual_seed(1)
    model = DiT(config)
    parameters = list(model.parameters())
    averages = [p.detach().clone() for p in parameters]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=0, fused=True)
    network = torch.compile(model) if compiled else model
    data = torch.randn(batch, config.channels, config.height, config.width)
    labels = torch.randint(0, config.classes, (batch,))

    def step():
        optimizer.zero_grad(set_to_none=True)
        seen = torch.where(torch.rand(batch) < .1, config.classes, labels)
        t = torch.rand(batch)
        noise = torch.randn_like(data)
        noisy = torch.lerp(noise, data, t.view(-1, 1, 1, 1))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss = F.mse_loss(network(noisy, t, seen).float(), data - noise)
        loss.item()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(averages, parameters, .005)

    return step, count_parameters(model), 3 * batch * config.forward_flops()


def sampling_step(config, images, compiled, bf16=False):
    """One Euler step with guidance: the batch doubled, one evaluation of the network, the update. `bf16`: the weights
    are converted once, which is faster than autocast."""
    torch.manual_seed(1)
    dtype = torch.bfloat16 if bf16 else torch.float32
    model = DiT(config).eval().to(dtype)
    network = torch.compile(model) if compiled else model
    x = torch.randn(images, config.channels, config.height, config.width)
    labels = torch.cat([torch.randint(0, config.classes, (images,)), torch.full((images,), config.classes)])
    t = torch.full((2 * images,), .5)

    def step():
        with torch.inference_mode():
            both = network(torch.cat([x, x]).to(dtype), t.to(dtype), labels).float()
            conditional, unconditional = both.chunk(2)
            return x + .01 * (unconditional + 4.0 * (conditional - unconditional))

    return step, count_parameters(model), 2 * images * config.forward_flops()
