"""Makes sampler.golden: the trajectories of diffusers' schedulers and of SiT's samplers with a small analytic network.

    git clone https://github.com/willisma/SiT
    python3 tests/golden/make_sampler_golden.py SiT      (needs torch, numpy, diffusers and torchdiffeq)

Network, start and noise are the same for all: the noise of step i is noise[i], wherever a sampler draws some. The file
holds the end of each trajectory under the name of its case; tests/models/test_sampler_golden.cpp has the cases' options.
"""
import math
import pathlib
import sys

import diffusers
import numpy as np
import torch
from diffusers import schedulers

sys.path.insert(0, sys.argv[1])
from transport import create_transport, Sampler  # noqa: E402  (SiT's)
import torchdiffeq  # noqa: E402

SHAPE, NOISES, TRAINED_STEPS = (2, 2, 3, 3), 20, 1000
torch.manual_seed(20240611)
start, noise = torch.randn(SHAPE), torch.randn(NOISES, *SHAPE)
out = {"start": start, "noise": noise}


def network(x, t):
    """t in [0, 1]: a number, or one for each sample."""
    t = torch.as_tensor(t, dtype=torch.float64)
    if t.dim() > 0:
        t = t[0]
    return x * (0.7 * math.sin(1.5 * t.item())) + torch.tanh(x) * (0.3 * math.cos(t.item()))


class GivenNoise:
    """Replaces a function that draws noise; gives that of step 0, 1, ... instead."""

    def __init__(self, module, name):
        self.module, self.name = module, name

    def __enter__(self):
        self.kept, self.drawn = getattr(self.module, self.name), 0
        setattr(self.module, self.name, self)

    def __exit__(self, *_):
        setattr(self.module, self.name, self.kept)

    def __call__(self, *_, **__):
        self.drawn += 1
        return noise[self.drawn - 1].clone()


BETAS = dict(num_train_timesteps=TRAINED_STEPS, beta_start=1e-4, beta_end=0.02, beta_schedule="linear")


def run(name, scheduler, steps, scale=TRAINED_STEPS, **options):
    scheduler.set_timesteps(steps)
    x = start
    for t in scheduler.timesteps:
        x = scheduler.step(network(x, t / scale), t, x, return_dict=False, **options)[0]
    out[name] = x
    return scheduler


for spacing in ("leading", "trailing"):
    for kind in ("epsilon", "v_prediction", "sample"):
        options = dict(BETAS, timestep_spacing=spacing, prediction_type=kind, clip_sample=False)
        with GivenNoise(schedulers.scheduling_ddpm, "randn_tensor"):
            run(f"ddpm.{spacing}.{kind}", schedulers.DDPMScheduler(**options), 10)
        with GivenNoise(schedulers.scheduling_ddim, "randn_tensor"):
            run(f"ddim.{spacing}.{kind}", schedulers.DDIMScheduler(**options), 10, eta=0.5)
run("ddim_inverse", schedulers.DDIMInverseScheduler(**BETAS, timestep_spacing="leading", clip_sample=False), 10)

for spacing in ("linspace", "leading", "trailing"):
    for steps in (8, 20):
        options = dict(BETAS, timestep_spacing=spacing)
        name = f"{spacing}.{steps}"
        run(f"dpmpp_2m.{name}", schedulers.DPMSolverMultistepScheduler(**options), steps)
        with GivenNoise(schedulers.scheduling_dpmsolver_multistep, "randn_tensor"):
            sde = schedulers.DPMSolverMultistepScheduler(**options, algorithm_type="sde-dpmsolver++")
            run(f"dpmpp_2m_sde.{name}", sde, steps)
        for order in (1, 2, 3):
            run(f"unipc.{name}.{order}", schedulers.UniPCMultistepScheduler(**options, solver_order=order), steps)
for order in (1, 2, 3):  # bh1 is not finite at sigma 0, so its last step ends before
    options = dict(BETAS, solver_order=order, solver_type="bh1", final_sigmas_type="sigma_min")
    unipc = run(f"unipc.bh1.{order}", schedulers.UniPCMultistepScheduler(**options), 8)
    out["unipc.bh1.sigmas"], out["unipc.bh1.times"] = unipc.sigmas, unipc.timesteps / TRAINED_STEPS
for name, make in (("dpmpp_2m", schedulers.DPMSolverMultistepScheduler), ("unipc", schedulers.UniPCMultistepScheduler)):
    run(f"{name}.karras", make(**BETAS, use_karras_sigmas=True), 12)
    run(f"{name}.v", make(**BETAS, prediction_type="v_prediction"), 12)
    high = run(f"{name}.high", make(**BETAS, lower_order_final=False, final_sigmas_type="sigma_min"), 12)
    out[f"{name}.high.sigmas"], out[f"{name}.high.times"] = high.sigmas, high.timesteps / TRAINED_STEPS
    flow = run(f"{name}.flow", make(use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=3.0), 10)
    out[f"{name}.flow.sigmas"] = flow.sigmas
    out[f"{name}.flow.times"] = flow.timesteps / TRAINED_STEPS

for name, make in (("euler", schedulers.FlowMatchEulerDiscreteScheduler),
                   ("heun", schedulers.FlowMatchHeunDiscreteScheduler)):
    for shift in (1.0, 3.0):
        flow = run(f"flow_{name}.{shift:.0f}", make(shift=shift), 8)
        sigmas = flow.sigmas if name == "euler" else torch.cat([flow.sigmas[:1], flow.sigmas[1::2]])
        out[f"flow_{name}.{shift:.0f}.sigmas"] = sigmas

# SiT: the time counts from noise (0) to data (1).
def model(x, t):
    return network(x, t)


PATHS = {"linear": "Linear", "gvp": "GVP", "vp": "VP"}


def sampler_of(path, prediction="velocity"):
    eps = 1e-3 if path == "vp" or prediction != "velocity" else None
    return Sampler(create_transport(PATHS[path], prediction, None, eps, eps))


for method in ("euler", "heun2", "dopri5"):
    for path in PATHS:
        solve = sampler_of(path).sample_ode(sampling_method=method, num_steps=11, atol=1e-6, rtol=1e-6)
        out[f"ode.{method}.{path}"] = solve(start, model)[-1]
    for prediction in ("noise", "score"):
        solve = sampler_of("gvp", prediction).sample_ode(sampling_method=method, num_steps=11, atol=1e-6, rtol=1e-6)
        out[f"ode.{method}.gvp.{prediction}"] = solve(start, model)[-1]

# torchdiffeq's dopri5 with steps that end at the last time, as ours do: the counts agree as well.
for rtol in (1e-3, 1e-5):
    calls = []

    def velocity(t, x):
        calls.append(float(t))
        return network(x, 4 * t) * 3 * torch.cos(12 * t)

    end = torchdiffeq.odeint(velocity, start, torch.tensor([0.0, 1.0]), method="dopri5", rtol=rtol, atol=1e-6,
                             options=dict(step_t=torch.tensor([1.0])))
    out[f"dopri5.{rtol:.0e}"] = end[-1]
    out[f"dopri5.{rtol:.0e}.evaluations"] = torch.tensor([float(len(calls))])

FORMS = {"constant": "constant", "sbdm": "SBDM", "sigma": "sigma", "linear": "linear", "decreasing": "decreasing",
         "increasing_decreasing": "inccreasing-decreasing"}  # so spelt there
LASTS = {"none": None, "mean": "Mean", "tweedie": "Tweedie", "euler": "Euler"}


def run_sde(name, path, form="sigma", last="mean", method="Euler", norm=1.0):
    transport = create_transport(PATHS[path], "velocity", None, 1e-3, 1e-3)
    transport.sample_eps = 1e-3  # which create_transport replaces by 0
    solve = Sampler(transport).sample_sde(sampling_method=method, diffusion_form=FORMS[form], diffusion_norm=torch.tensor(norm),
                                          last_step=LASTS[last], last_step_size=0.04, num_steps=12)
    with GivenNoise(torch, "randn"):
        out[name] = solve(start, model)[-1]


for path in PATHS:
    for form in FORMS:
        run_sde(f"sde.{path}.{form}", path, form=form, norm=0.7)
    for last in LASTS:
        run_sde(f"sde.{path}.last.{last}", path, last=last)
    run_sde(f"sde_heun.{path}", path, method="Heun")
    run_sde(f"sde_heun.{path}.none", path, method="Heun", last="none")

lines, blobs = ["ditharos golden 1"], []
lines.append(f"# torch {torch.__version__}, diffusers {diffusers.__version__}, tests/golden/make_sampler_golden.py")
for key, value in out.items():
    array = value.detach().double().numpy()
    assert np.isfinite(array).all(), key
    blobs.append(np.ascontiguousarray(array, dtype="<f4").tobytes())
    lines.append(" ".join([key, "f32", *map(str, array.shape)]))
path = pathlib.Path(__file__).parent / "sampler.golden"
path.write_bytes(("\n".join(lines) + "\nend\n").encode() + b"".join(blobs))
