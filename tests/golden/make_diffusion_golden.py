"""Makes processes.safetensors: tables, losses and bounds of the released diffusion code of DiT and SiT.

    python3 tests/golden/make_diffusion_golden.py DIT_CHECKOUT SIT_CHECKOUT      (writes beside itself)

The checkouts are those of github.com/facebookresearch/DiT and github.com/willisma/SiT; torch, numpy, torchdiffeq and
diffusers (for the rescaling to zero terminal SNR and the sigmoid schedule) must be installed. Inputs are rounded to
float32, everything is computed in float64. Both codes draw noise and times from torch.randn_like and torch.rand, which
are replaced here by functions that return given tensors. tests/models/test_released_processes.cpp reads the file.
"""
import json
import pathlib
import struct
import sys
from unittest import mock

import numpy as np
import torch

sys.path[:0] = sys.argv[1:3]
from diffusers import DDPMScheduler
from diffusers.schedulers.scheduling_ddim import rescale_zero_terminal_snr
from diffusion import gaussian_diffusion as gd
from diffusion.respace import SpacedDiffusion, space_timesteps
from transport import create_transport

torch.set_default_dtype(torch.float64)
torch.manual_seed(20240611)
out = {}


def store(name, value):
    array = np.ascontiguousarray(value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value))
    assert name not in out and array.dtype in (np.float64, np.int64), (name, array.dtype)
    out[name] = array


def draw(*shape):
    return torch.randn(*shape).float().double()


def write(path):
    header, blobs, offset = {}, [], 0
    for name, array in out.items():
        blob = array.tobytes()
        kind = "F64" if array.dtype == np.float64 else "I64"
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


# --- schedules and tables; of 1000 steps, every 37th and the last ---

picked = np.append(np.arange(0, 1000, 37), 999)
store("picked", picked)


def zero_terminal(betas):
    return rescale_zero_terminal_snr(torch.tensor(betas)).numpy()


schedules = {
    "linear": gd.get_named_beta_schedule("linear", 1000),
    "squaredcos_cap_v2": gd.get_named_beta_schedule("squaredcos_cap_v2", 1000),
    "scaled_linear": gd.get_beta_schedule("quad", beta_start=0.00085, beta_end=0.012, num_diffusion_timesteps=1000),
}
for name in list(schedules):
    schedules[name + "/zero_terminal"] = zero_terminal(schedules[name])
for name, betas in schedules.items():
    with np.errstate(divide="ignore"):
        tables = gd.GaussianDiffusion(betas=betas, model_mean_type=None, model_var_type=None, loss_type=None)
    store(f"tables/{name}/beta", tables.betas[picked])
    store(f"tables/{name}/a_bar", tables.alphas_cumprod[picked])
    store(f"tables/{name}/posterior_variance", tables.posterior_variance[picked])
    store(f"tables/{name}/posterior_log_variance", tables.posterior_log_variance_clipped[picked])
    store(f"tables/{name}/posterior_x0", tables.posterior_mean_coef1[picked])
    store(f"tables/{name}/posterior_xt", tables.posterior_mean_coef2[picked])
store("float/sigmoid", DDPMScheduler(beta_schedule="sigmoid").betas.double()[picked])

for sections in ("250", "ddim50", "ddim25", "8", "10,15,20", "3,40,7,50"):
    steps = sorted(space_timesteps(1000, sections))
    store(f"respaced/{sections}/steps", np.array(steps))
    spaced = SpacedDiffusion(steps, betas=schedules["linear"], model_mean_type=None, model_var_type=None,
                             loss_type=None)
    store(f"respaced/{sections}/beta", spaced.betas)

# --- Gaussian losses ---

MEANS = {"eps": gd.ModelMeanType.EPSILON, "x0": gd.ModelMeanType.START_X}
VARIANCES = {"learned_range": gd.ModelVarType.LEARNED_RANGE, "fixed_large": gd.ModelVarType.FIXED_LARGE,
             "fixed_small": gd.ModelVarType.FIXED_SMALL}
LOSSES = {"mse": gd.LossType.MSE, "rescaled_mse": gd.LossType.RESCALED_MSE, "kl": gd.LossType.KL,
          "rescaled_kl": gd.LossType.RESCALED_KL}


def network(x, t):
    """A prediction of x's shape that depends on everything."""
    t = t.double().view(-1, *[1] * (x.dim() - 1))
    return 0.8 * torch.tanh(1.3 * x + 0.002 * t) + 0.1 * x


def network_with_variance(x, t):
    return torch.cat([network(x, t), torch.tanh(0.7 - x)], 1)


def process(mean, variance, loss, respacing):
    kept = space_timesteps(1000, respacing) if respacing else range(1000)
    return SpacedDiffusion(kept, betas=schedules["linear"], model_mean_type=MEANS[mean],
                           model_var_type=VARIANCES[variance], loss_type=LOSSES[loss])


data, noise = (draw(6, 2, 3, 3) * 0.6).clamp(-1, 1), draw(6, 2, 3, 3)
data = (data * 127.5).round() / 127.5  # pixels
data = data.float().double()
store("gaussian/data", data)
store("gaussian/noise", noise)
for respacing, steps in (("", [0, 1, 10, 300, 700, 999]), ("50", [0, 1, 5, 20, 40, 49])):
    t = torch.tensor(steps)
    store(f"gaussian/t/{respacing}", t)
    for mean in MEANS:
        for variance in VARIANCES:
            for loss in LOSSES:
                net = network_with_variance if variance == "learned_range" else network
                terms = process(mean, variance, loss, respacing).training_losses(net, data, t, noise=noise)
                store(f"gaussian/{mean}/{variance}/{loss}/{respacing}", terms["loss"])

# --- the variational bound over all steps of a process of 20 ---

pixels, noises = data[:2], draw(20, 2, 2, 3, 3)
store("bound/noise", noises)  # from the last step to the first
for mean, variance, clip in (("eps", "learned_range", True), ("x0", "fixed_small", False),
                             ("eps", "fixed_large", True)):
    net = network_with_variance if variance == "learned_range" else network
    with mock.patch.object(gd.th, "randn_like", side_effect=list(noises)):
        bound = process(mean, variance, "mse", "20").calc_bpd_loop(net, pixels, clip_denoised=clip)
    for key in ("total_bpd", "prior_bpd", "vb", "xstart_mse", "mse"):
        store(f"bound/{mean}/{variance}/{key}", bound[key])

# --- SiT's paths, conversions and losses ---

PATHS = {"linear": "Linear", "gvp": "GVP", "vp": "VP"}
t, u = torch.linspace(0.02, 0.98, 13), torch.tensor([0.0, 0.125, 0.5, 0.75, 1.0, 0.3])
x, prediction = draw(6, 2, 3), draw(6, 2, 3)
path_times = torch.tensor([0.05, 0.2, 0.4, 0.6, 0.8, 0.95])
store("path/t", t)
store("path/u", u)
store("path/x", x)
store("path/prediction", prediction)
store("path/times", path_times)
sit_data, sit_noise = draw(6, 2, 3, 3), draw(6, 2, 3, 3)
store("path/data", sit_data)
store("path/noise", sit_noise)
for name, released in PATHS.items():
    plan = create_transport(released).path_sampler
    (alpha, d_alpha), (sigma, d_sigma) = plan.compute_alpha_t(t), plan.compute_sigma_t(t)
    drift, coefficient = plan.compute_drift(torch.ones_like(t), t)
    ones = torch.ones_like(t)
    for key, value in (("alpha", alpha), ("d_alpha", d_alpha * ones), ("sigma", sigma), ("d_sigma", d_sigma * ones),
                       ("d_log_alpha", -drift), ("score_coefficient", coefficient)):
        store(f"path/{name}/{key}", value)
    store(f"path/{name}/score_from_velocity", plan.get_score_from_velocity(prediction, x, path_times))
    store(f"path/{name}/noise_from_velocity", plan.get_noise_from_velocity(prediction, x, path_times))
    store(f"path/{name}/velocity_from_score", plan.get_velocity_from_score(prediction, x, path_times))
    for kind in ("velocity", "noise", "score"):
        for weighting in (None, "velocity", "likelihood"):
            if kind == "velocity" and weighting:
                continue
            transport = create_transport(released, kind, weighting)
            with mock.patch.object(torch, "rand", return_value=u), \
                 mock.patch.object(torch, "randn_like", return_value=sit_noise):
                times, _, _ = transport.sample(sit_data)
                if not weighting:
                    store(f"path/{name}/{kind}/times", times)
                    store(f"path/{name}/{kind}/sampling_interval",
                          np.array(transport.check_interval(transport.train_eps, transport.sample_eps, eval=True),
                                   dtype=np.float64))
            with mock.patch.object(transport, "sample", return_value=(path_times, sit_noise, sit_data)):
                loss = transport.training_losses(lambda x, t: network(x, 1000 * t), sit_data)["loss"]
            store(f"path/{name}/{kind}/{weighting or 'none'}", loss)

write(pathlib.Path(__file__).with_name("processes.safetensors"))
