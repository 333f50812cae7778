"""Makes kl.golden: what diffusers computes for two small autoencoders.

    python3 tests/golden/make_kl_golden.py        (needs torch, diffusers and numpy; writes beside itself)

Weights and inputs are not stored: both sides compute them from hashed() of their names' positions, exactly in float32.
Everything is computed in float64 and stored as float32, so that differences found by the tests are ours. Of each
parameter's gradient the file holds the norm and elements at equal distances.
"""
import pathlib

import diffusers
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
HERE = pathlib.Path(__file__).parent
STORED = 16  # elements of each gradient


def hashed(shape, salt):
    """Multiples of 2^-23 in [-1, 1), a function of position and salt."""
    x = np.arange(int(np.prod(shape)), dtype=np.uint32)
    x = x * np.uint32(2654435761) + np.uint32(salt * 40503 + 12345)
    for factor in (0x85EBCA6B, 0xC2B2AE35):
        x ^= x >> np.uint32(15)
        x = x * np.uint32(factor)
    x ^= x >> np.uint32(16)
    return torch.from_numpy((x >> np.uint32(8)).astype(np.float64) / 2.0**23 - 1).reshape(shape)


def fill(model):
    """Weights uniform in +-1.5 / sqrt(fan_in), biases and the norms' bias in +-.25, the norms' factors in 1 +- .25."""
    with torch.no_grad():
        for salt, (name, p) in enumerate(sorted(model.named_parameters())):
            values = hashed(p.shape, salt)
            if p.dim() > 1:
                bound = np.float64(np.float32(1.5 / np.sqrt(p[0].numel())))
                p.copy_((values * bound).float().double())
            else:
                p.copy_(values * .25 + (1 if "norm" in name and name.endswith("weight") else 0))


def case(name, config, image, tile, tensors):
    model = diffusers.AutoencoderKL(act_fn="silu", down_block_types=["DownEncoderBlock2D"] * len(
        config["block_out_channels"]), up_block_types=["UpDecoderBlock2D"] * len(config["block_out_channels"]),
        sample_size=tile, **config).double()
    fill(model)
    x = hashed(image, 1000)
    posterior = model.encode(x).latent_dist
    mean, logvar = posterior.mean, posterior.logvar
    decoded = model.decode(mean + torch.exp(.5 * logvar) * hashed(mean.shape, 1001)).sample
    total = (decoded * hashed(decoded.shape, 1002)).sum() + (mean * hashed(mean.shape, 1003)).sum() + (
        logvar * hashed(logvar.shape, 1004)).sum()
    parameters = dict(sorted(model.named_parameters()))
    gradients = torch.autograd.grad(total, list(parameters.values()))
    tensors[f"{name}.mean"], tensors[f"{name}.logvar"], tensors[f"{name}.decoded"] = mean, logvar, decoded
    with torch.no_grad():
        tensors[f"{name}.decoded_mode"] = model.decode(mean).sample
        model.enable_tiling()
        tiled = model.encode(x).latent_dist
        tensors[f"{name}.tiled_mean"], tensors[f"{name}.tiled_logvar"] = tiled.mean, tiled.logvar
        tensors[f"{name}.tiled_decoded"] = model.decode(mean).sample
    for parameter, gradient in zip(parameters, gradients):
        flat = gradient.flatten()
        step = max(1, flat.numel() // STORED)
        tensors[f"{name}.grad.{parameter}"] = torch.cat([flat.norm().reshape(1), flat[::step][:STORED]])


tensors = {}
case("sd", {"block_out_channels": [32, 64], "layers_per_block": 1, "norm_num_groups": 8}, (2, 3, 16, 16), 8, tensors)
case("sd3", {"block_out_channels": [8, 16, 24, 32], "layers_per_block": 1, "norm_num_groups": 4, "latent_channels": 5,
             "use_quant_conv": False, "use_post_quant_conv": False}, (1, 3, 40, 32), 32, tensors)

versions = f"diffusers {diffusers.__version__}, torch {torch.__version__}"
lines, blobs = ["ditharos golden 1", f"# {versions}, tests/golden/make_kl_golden.py"], []
for key, value in tensors.items():
    array = value.detach().numpy()
    blobs.append(np.ascontiguousarray(array, dtype="<f4").tobytes())
    lines.append(" ".join([key, "f32", *map(str, array.shape)]))
(HERE / "kl.golden").write_bytes(("\n".join(lines) + "\nend\n").encode() + b"".join(blobs))
