"""Makes mean_flow.safetensors: losses of MeanFlow and their gradients for a small network, by torch.func.jvp.

    python tests/golden/make_mean_flow_golden.py

The objective is written in the paper's terms (Geng et al. 2025): time 0 is data, u_tgt = v - (t - r) du/dt. The network
takes the library's times, t and r from noise (0) to data (1), and gives the library's velocity, the negative of the
paper's: network_paper(z, r, t) = -network(z, 1 - t, 1 - r).
"""
import os

import torch
from safetensors.torch import save_file
from torch.func import functional_call, jvp

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
WIDTH, BATCH = 16, 8


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two, self.three = (torch.nn.Linear(a, b) for a, b in ((5, WIDTH), (WIDTH, WIDTH), (WIDTH, 2)))

    def forward(self, x, times, label):  # x [B, 2], times [B, 2], label [B, 1]
        h = torch.nn.functional.silu(self.one(torch.cat([x, times, label], 1)))
        return self.three(torch.tanh(self.two(h)))


network = Network()
parameters = dict(network.named_parameters())
data, noise = torch.randn(BATCH, 2), torch.randn(BATCH, 2)
low, high = torch.rand(BATCH), torch.rand(BATCH)
begin, end = torch.minimum(low, high), torch.maximum(low, high)  # the library's t and r
end = torch.where(torch.arange(BATCH) < BATCH // 2, end, begin)
label = torch.tensor([0., 1., 2., 2., 1., 0., 2., 1.])[:, None]  # 2: none


def u_paper(p, z, r, t, y):
    return -functional_call(network, p, (z, torch.cat([1 - t, 1 - r], 1), y))


def loss(p, power, offset, omega, kappa):
    t, r = (1 - begin)[:, None], (1 - end)[:, None]
    z, v = (1 - t) * data + t * noise, noise - data
    if (omega, kappa) != (1, 0):
        with torch.no_grad():
            at = lambda y: u_paper(p, z, t, t, y)
            guided = omega * v + kappa * at(label) + (1 - omega - kappa) * at(torch.full_like(label, 2))
            v = torch.where(label == 2, v, guided)
    u, du_dt = jvp(lambda z, r, t: u_paper(p, z, r, t, label), (z, r, t), (v, torch.zeros_like(r), torch.ones_like(t)))
    target = (v - (t - r) * du_dt).detach()
    error = ((u - target) ** 2).sum(1)
    return error / (error.detach() + offset) ** power


out = {"data": data, "noise": noise, "begin": begin, "end": end, "label": label}
out.update({f"network.{name}": value.detach() for name, value in parameters.items()})
for case, settings in {"plain": (0., 1., 1., 0.), "adaptive": (1., 1e-3, 1., 0.), "half": (.5, 1e-2, 1., 0.),
                       "guided": (0., 1., 2., .5), "guided_adaptive": (.75, 1e-3, 3., 0.)}.items():
    losses = loss(parameters, *settings)
    grads = torch.autograd.grad(losses.mean(), list(parameters.values()))
    out[f"{case}.settings"] = torch.tensor(settings)
    out[f"{case}.loss"] = losses.detach()
    out.update({f"{case}.grad.{name}": g for name, g in zip(parameters, grads)})
save_file({name: value.contiguous() for name, value in out.items()},
          os.path.join(os.path.dirname(__file__), "mean_flow.safetensors"))
