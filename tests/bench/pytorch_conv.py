"""Convolutions and the small autoencoder of conv_cases.cpp in PyTorch."""
import torch
import torch.nn.functional as F
from torch import nn

BATCH = 32
LAYOUT = torch.contiguous_format  # on CPUs faster than channels_last here


def layer_of(name):
    """Channels, side and stride of a case such as 64x128_side32_stride2."""
    channels, side, *stride = name.split("_")
    inner, outer = map(int, channels.split("x"))
    return inner, outer, int(side.removeprefix("side")), int(stride[0].removeprefix("stride")) if stride else 1


def conv_case(name, what):
    inner, outer, side, stride = layer_of(name)
    x = torch.randn(BATCH, inner, side, side).to(memory_format=LAYOUT)
    w = torch.randn(outer, inner, 3, 3).to(memory_format=LAYOUT)
    bias, dy = torch.randn(outer), torch.randn(BATCH, outer, side // stride, side // stride).to(memory_format=LAYOUT)
    wanted = {"input_gradient": [True, False, False], "weight_gradient": [False, True, True]}.get(what)

    def run():
        with torch.inference_mode():
            if what == "forward":
                return F.conv2d(x, w, bias, stride, 1)
            return torch.ops.aten.convolution_backward(dy, x, w, [outer], [stride] * 2, [1, 1], [1, 1], False, [0, 0],
                                                       1, wanted)
    return run


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(8, channels), nn.GroupNorm(8, channels)
        self.conv1, self.conv2 = conv(channels, channels), conv(channels, channels)

    def forward(self, x):
        return x + self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))


def conv(inner, outer, stride=1):
    return nn.Conv2d(inner, outer, 3, stride, 1)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(conv(3, 64), Residual(64), conv(64, 128, 2), Residual(128), conv(128, 256, 2),
                                     Residual(256), conv(256, 4))
        double = lambda: nn.Upsample(scale_factor=2.0)
        self.decoder = nn.Sequential(conv(4, 256), Residual(256), double(), conv(256, 128), Residual(128), double(),
                                     conv(128, 64), Residual(64), nn.GroupNorm(8, 64), nn.SiLU(), conv(64, 3))

    def forward(self, x):
        return self.decoder(self.encoder(x))


def autoencoder_step(compiled, bf16=False):
    """Forward, backward and AdamW; the convolutions' arithmetic without the first one's input gradient. `bf16`: under
    autocast."""
    torch.manual_seed(1)
    model = Autoencoder().to(memory_format=LAYOUT)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    network = torch.compile(model) if compiled else model
    images = torch.randn(BATCH, 3, 32, 32).to(memory_format=LAYOUT)
    flops = []
    count = lambda module, _, y: flops.append(2 * y.numel() * module.weight[0].numel())
    hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        model(images)
    for hook in hooks:
        hook.remove()

    def step():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss = F.mse_loss(network(images).float(), images)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step, sum(p.numel() for p in model.parameters()), 3 * sum(flops) - flops[0]
