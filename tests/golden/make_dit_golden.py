"""Makes nn.golden, dit.golden and diffusion.golden: what PyTorch computes for small models and processes.

    python3 tests/golden/make_dit_golden.py        (needs torch and numpy; writes beside itself)

Inputs are rounded to float32, everything is computed in float64 and stored as float32, so that differences found by the
tests are ours. The models are written here from the papers: DiT (Peebles and Xie 2023), DDPM (Ho et al. 2020), improved
DDPM (Nichol and Dhariwal 2021), DDIM (Song et al. 2021), SiT (Ma et al. 2024).
"""
import math
import pathlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(20240607)
HERE = pathlib.Path(__file__).parent


def draw(*shape, scale=1.0):
    """Normal values that float32 holds exactly."""
    return (torch.randn(*shape) * scale).float().double()


def write(name, tensors):
    """A text header, one line a tensor (name, dtype, sizes), then 'end' and all values, little-endian."""
    lines, blobs = ["ditharos golden 1", f"# torch {torch.__version__}, tests/golden/make_dit_golden.py"], []
    for key, value in tensors.items():
        array = value.detach().numpy()
        kind = "i64" if array.dtype == np.int64 else "f32"
        blobs.append(np.ascontiguousarray(array, dtype="<i8" if kind == "i64" else "<f4").tobytes())
        lines.append(" ".join([key, kind, *map(str, array.shape)]))
    (HERE / name).write_bytes(("\n".join(lines) + "\nend\n").encode() + b"".join(blobs))


# --- the network ---

def modulate(x, shift, scale):
    return x * (1 + scale[:, None]) + shift[:, None]


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-1, -2) / math.sqrt(d // self.heads)).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(b, t, d))


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


def ada_ln(width, chunks):
    return nn.Sequential(nn.SiLU(), nn.Linear(width, chunks * width))


class Block(nn.Module):
    def __init__(self, width, heads, ratio):
        super().__init__()
        self.attn, self.mlp = Attention(width, heads), Mlp(width, int(width * ratio))
        self.adaLN_modulation = ada_ln(width, 6)

    def forward(self, x, c):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.adaLN_modulation(c).chunk(6, 1)
        norm = lambda h: F.layer_norm(h, h.shape[-1:], eps=1e-6)
        x = x + gate1[:, None] * self.attn(modulate(norm(x), shift1, scale1))
        return x + gate2[:, None] * self.mlp(modulate(norm(x), shift2, scale2))


class FinalLayer(nn.Module):
    def __init__(self, width, outputs):
        super().__init__()
        self.linear, self.adaLN_modulation = nn.Linear(width, outputs), ada_ln(width, 2)

    def forward(self, x, c):
        shift, scale = self.adaLN_modulation(c).chunk(2, 1)
        return self.linear(modulate(F.layer_norm(x, x.shape[-1:], eps=1e-6), shift, scale))


class TimeEmbedder(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))

    @staticmethod
    def features(t):
        angles = t[:, None] * torch.exp(-math.log(10000) * torch.arange(128) / 128)
        return torch.cat([angles.cos(), angles.sin()], 1)

    def forward(self, t):
        return self.mlp(self.features(t))


class LabelEmbedder(nn.Module):
    def __init__(self, classes, width):
        super().__init__()
        self.embedding_table = nn.Embedding(classes + 1, width)

    def forward(self, y):
        return self.embedding_table(y)


class PatchEmbedder(nn.Module):
    def __init__(self, channels, patch, width):
        super().__init__()
        self.proj = nn.Conv2d(channels, width, patch, patch)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


def position_table(rows, columns, width):
    def encode(position):
        angles = position.reshape(-1, 1) * 10000.0 ** (-torch.arange(width // 4) / (width / 4))
        return torch.cat([angles.sin(), angles.cos()], 1)

    row, column = torch.meshgrid(torch.arange(rows) * 1.0, torch.arange(columns) * 1.0, indexing="ij")
    return torch.cat([encode(column), encode(row)], 1)[None]


class DiT(nn.Module):
    def __init__(self, height, width, channels, patch, hidden, depth, heads, classes, out_channels):
        super().__init__()
        self.grid, self.patch, self.out_channels = (height // patch, width // patch), patch, out_channels
        self.pos_embed = nn.Parameter(position_table(*self.grid, hidden).float().double(), requires_grad=False)
        self.x_embedder = PatchEmbedder(channels, patch, hidden)
        self.t_embedder = TimeEmbedder(hidden)
        self.y_embedder = LabelEmbedder(classes, hidden)
        self.blocks = nn.ModuleList([Block(hidden, heads, 4) for _ in range(depth)])
        self.final_layer = FinalLayer(hidden, patch * patch * out_channels)

    def forward(self, x, t, y):
        c = self.t_embedder(t) + self.y_embedder(y)
        h = self.x_embedder(x) + self.pos_embed
        for block in self.blocks:
            h = block(h, c)
        (rows, columns), p = self.grid, self.patch
        h = self.final_layer(h, c).view(len(x), rows, columns, p, p, self.out_channels)
        return torch.einsum("nhwpqc->nchpwq", h).reshape(len(x), self.out_channels, rows * p, columns * p)


def randomize(module):
    """Every weight alive: the real starting point has zero gates, which would hide most of the network."""
    for parameter in module.parameters():
        if parameter.requires_grad:
            fan_in = parameter[0].numel() if parameter.dim() > 1 else 1
            parameter.data = draw(*parameter.shape, scale=fan_in**-0.5 if parameter.dim() > 1 else 0.1)
    return module


def with_prefix(prefix, tensors):
    return {prefix + key: value for key, value in tensors.items()}


def gradients(module):
    return {key: p.grad for key, p in module.named_parameters() if p.requires_grad}


# --- nn.golden ---

def module_case(out, name, module, x):
    """Output for x and gradients of sum(output * cotangent) for x and all parameters."""
    randomize(module)
    if x.is_floating_point():
        x.requires_grad_()
    y = module(x)
    cotangent = draw(*y.shape)
    (y * cotangent).sum().backward()
    out |= with_prefix(f"{name}.state.", module.state_dict())
    out |= {f"{name}.x": x, f"{name}.y": y, f"{name}.cotangent": cotangent}
    out |= with_prefix(f"{name}.grad.", gradients(module))
    if x.grad is not None:
        out[f"{name}.grad_x"] = x.grad


def make_nn():
    out = {}
    module_case(out, "layer_norm", nn.LayerNorm(12, eps=1e-5), draw(3, 5, 12, scale=2.0))
    module_case(out, "attention", Attention(16, 4), draw(2, 9, 16))
    module_case(out, "mlp", Mlp(8, 20), draw(2, 3, 8))
    module_case(out, "labels", LabelEmbedder(6, 8), torch.tensor([6, 0, 3, 3]))
    times = torch.tensor([0.0, 0.25, 1.0, 17.0, 500.5, 999.0])
    out["times"], out["time_features"] = times, TimeEmbedder.features(times)
    embedder = TimeEmbedder(8)
    module_case(out, "time", embedder, times.clone())
    del out["time.grad_x"]  # times are data, not variables

    x, shift, scale = draw(2, 5, 12), draw(2, 12), draw(2, 12)
    gate, branch = draw(2, 12), draw(2, 5, 12)
    inputs = [v.requires_grad_() for v in (x, shift, scale, gate, branch)]
    modulated = modulate(F.layer_norm(x, (12,), eps=1e-6), shift, scale)
    gated = x + gate[:, None] * branch
    cotangents = draw(2, 5, 12), draw(2, 5, 12)
    ((modulated * cotangents[0]).sum() + (gated * cotangents[1]).sum()).backward()
    for name, value in zip(("x", "shift", "scale", "gate", "branch"), inputs):
        out |= {f"adaln.{name}": value, f"adaln.grad_{name}": value.grad}
    out |= {"adaln.modulated": modulated, "adaln.gated": gated}
    out |= {"adaln.cotangent_modulated": cotangents[0], "adaln.cotangent_gated": cotangents[1]}
    write("nn.golden", out)


# --- diffusion ---

def betas_of(schedule, steps):
    if schedule == "linear":
        return np.linspace(0.1 / steps, 20 / steps, steps)
    a_bar = lambda u: math.cos((u + 0.008) / 1.008 * math.pi / 2) ** 2
    return np.array([min(1 - a_bar((i + 1) / steps) / a_bar(i / steps), 0.999) for i in range(steps)])


class Gaussian:
    """DDPM that keeps some of 1000 steps; the variance is learned between the posterior's and beta."""

    def __init__(self, schedule, kept):
        self.kept = torch.tensor(kept)
        a_bar = np.cumprod(1 - betas_of(schedule, 1000))[kept]
        previous = np.append(1.0, a_bar[:-1])
        beta = 1 - a_bar / previous
        variance = beta * (1 - previous) / (1 - a_bar)
        tensor = lambda a: torch.tensor(a)[:, None, None, None]
        self.a_bar, self.previous, self.next = tensor(a_bar), tensor(previous), tensor(np.append(a_bar[1:], 0.0))
        self.low, self.high = tensor(np.log(np.append(variance[1], variance[1:]))), tensor(np.log(beta))
        self.coefficient_x0 = tensor(beta * np.sqrt(previous) / (1 - a_bar))
        self.coefficient_xt = tensor((1 - previous) * np.sqrt(1 - beta) / (1 - a_bar))

    def predict(self, model, x, t):
        """Noise, x0, mean and log variance at steps t."""
        noise, v = model(x, self.kept[t].double()).chunk(2, 1)
        x0 = (x - (1 - self.a_bar[t]).sqrt() * noise) / self.a_bar[t].sqrt()
        fraction = (v + 1) / 2
        log_variance = fraction * self.high[t] + (1 - fraction) * self.low[t]
        return noise, x0, self.coefficient_x0[t] * x0 + self.coefficient_xt[t] * x, log_variance

    def losses(self, model, data, t, noise):
        """Squared error and variational bound in bits, one each a sample; the bound trains the variance alone."""
        xt = self.a_bar[t].sqrt() * data + (1 - self.a_bar[t]).sqrt() * noise
        predicted, _, mean, log_variance = self.predict(model, xt, t)
        mean = mean.detach()
        true_mean = self.coefficient_x0[t] * data + self.coefficient_xt[t] * xt
        kl = 0.5 * (log_variance - self.low[t] - 1 + (self.low[t] - log_variance).exp()
                    + (true_mean - mean) ** 2 * (-log_variance).exp())
        cdf = lambda u: 0.5 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (u + 0.044715 * u**3)))
        deviation = (0.5 * log_variance).exp()
        upper, lower = cdf((data - mean + 1 / 255) / deviation), cdf((data - mean - 1 / 255) / deviation)
        upper = torch.where(data > 0.999, torch.ones_like(upper), upper)
        lower = torch.where(data < -0.999, torch.zeros_like(lower), lower)
        nll = -(upper - lower).clamp(min=1e-12).log()
        bound = torch.where(t[:, None, None, None] == 0, nll, kl).mean((1, 2, 3)) / math.log(2)
        return ((predicted - noise) ** 2).mean((1, 2, 3)), bound


def add_trajectories(out, model, labels):
    network = lambda x, t: model(x, t, labels)
    velocity = lambda x, t: network(x, t)[:, :3]
    batch, steps = len(labels), 8
    times = lambda i: torch.full((batch,), i)
    start = draw(batch, 3, 8, 12)
    out |= {"sample.labels": labels, "sample.start": start}

    kept = [0, 143, 285, 428, 571, 714, 856, 999]  # "8": every 999/7-th, rounded
    ddpm, x, noises = Gaussian("linear", kept), start, draw(steps, batch, 3, 8, 12)
    for i in reversed(range(steps)):
        _, _, mean, log_variance = ddpm.predict(network, x, times(i))
        x = mean + (0.5 * log_variance).exp() * noises[i] * (i > 0)
    out |= {"ddpm.noises": noises, "ddpm.end": x}

    ddim = Gaussian("squaredcos_cap_v2", list(range(0, 1000, 125)))  # "ddim8"
    for name, eta in (("ddim", 0.5), ("ddim0", 0.0)):
        x = start
        for i in reversed(range(steps)):
            noise, x0, _, _ = ddim.predict(network, x, times(i))
            a, previous = ddim.a_bar[i], ddim.previous[i]
            sigma = eta * ((1 - previous) / (1 - a)).sqrt() * (1 - a / previous).sqrt()
            x = previous.sqrt() * x0 + (1 - previous - sigma**2).sqrt() * noise + sigma * noises[i] * (i > 0)
        out[f"{name}.end"] = x
    x = (start / 3).clamp(-1, 1).float().double()
    out["inversion.start"] = x
    for i in range(steps):
        noise, x0, _, _ = ddim.predict(network, x, times(i))
        x = ddim.next[i].sqrt() * x0 + (1 - ddim.next[i]).sqrt() * noise
    out["inversion.end"] = x

    x = start
    for i in range(6):
        x = x + velocity(x, times(1000 * i / 6)) / 6
    out["euler.end"] = x
    x = start
    for i in range(4):
        here = velocity(x, times(i / 4))
        x = x + (here + velocity(x + here / 4, times((i + 1) / 4))) / 8
    out["heun.end"] = x


def make_dit():
    model = DiT(height=8, width=12, channels=3, patch=2, hidden=16, depth=2, heads=2, classes=5, out_channels=6)
    randomize(model)
    out = with_prefix("state.", model.state_dict())
    x, t, y = draw(3, 3, 8, 12), torch.tensor([0.0, 321.0, 999.0]), torch.tensor([2, 5, 0])
    prediction = model(x, t, y)
    cotangent = draw(*prediction.shape)
    (prediction * cotangent).sum().backward()
    out |= {"x": x, "t": t, "y": y, "cotangent": cotangent, "prediction": prediction}
    out |= with_prefix("grad.", gradients(model))
    write("dit.golden", {key: value.clone() for key, value in out.items()})

    out, batch = {}, 4
    diffusion = Gaussian("linear", list(range(1000)))
    data = draw(batch, 3, 8, 12, scale=0.5).clamp(-1, 1)
    t, labels, noise = torch.tensor([0, 1, 400, 999]), torch.tensor([1, 5, 3, 0]), draw(*data.shape)
    mse, bound = diffusion.losses(lambda x, t: model(x, t, labels), data, t, noise)
    out |= {"loss.data": data, "loss.t": t, "loss.labels": labels, "loss.noise": noise}
    out |= {"loss.mse": mse, "loss.vb": bound}
    with torch.no_grad():
        add_trajectories(out, model, torch.tensor([4, 1]))

    # Ten steps of AdamW. eps is large enough that gradients which are zero but for rounding (the keys' biases: softmax
    # does not see them) do not turn into steps of the learning rate's size.
    steps = 10
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.99), eps=1e-6, weight_decay=0.05)
    average = {key: value.clone() for key, value in model.state_dict().items()}
    data, noise = draw(steps, batch, 3, 8, 12, scale=0.5).clamp(-1, 1), draw(steps, batch, 3, 8, 12)
    t, labels = torch.randint(0, 1000, (steps, batch)), torch.randint(0, 6, (steps, batch))
    losses, norms = [], []
    for i in range(steps):
        optimiser.zero_grad()
        mse, bound = diffusion.losses(lambda x, t: model(x, t, labels[i]), data[i], t[i], noise[i])
        loss = (mse + bound).mean()
        loss.backward()
        norms.append(nn.utils.clip_grad_norm_(model.parameters(), 1.0))
        optimiser.step()
        losses.append(loss)
        for key, value in model.state_dict().items():
            average[key] += (1 - min(0.4, (1 + i) / (10 + i))) * (value - average[key])
    out |= {"train.data": data, "train.noise": noise, "train.t": t, "train.labels": labels}
    out |= {"train.losses": torch.stack(losses), "train.norms": torch.stack(norms)}
    out |= with_prefix("train.end.", model.state_dict()) | with_prefix("train.ema.", average)
    write("diffusion.golden", out)


make_nn()
make_dit()
