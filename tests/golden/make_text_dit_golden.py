"""Makes pixart.safetensors, latte_text.safetensors, sd3.safetensors and sd35.safetensors: what diffusers computes for
small transformers that text features condition.

    python3 tests/golden/make_text_dit_golden.py        (needs torch and diffusers; writes beside itself)

Each file has the parameters "state.NAME", the inputs x, t, text and so on, out, a cotangent, the gradients of
sum(out * cotangent): "grad.NAME" of parameters, "grad_x", "grad_text" of inputs; and "out.CASE" of other inputs with
the same parameters. Clips are stored as [B, F, C, H, W]. Inputs are rounded to float32, everything is computed in
float64 and stored as float32.
"""
import pathlib

import diffusers
import torch
from diffusers import LatteTransformer3DModel, PixArtTransformer2DModel, SD3Transformer2DModel
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent


def draw(*shape, scale=1.0):
    return (torch.randn(*shape, dtype=torch.float64) * scale).float().double()


def build(model):
    """The model in float64, with parameters that hide no mistake: none is zero, and they are not small."""
    model = model.double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            fan_in = parameter[0].numel() if parameter.dim() > 1 else 1
            scale = 1.2 / fan_in**0.5 if parameter.dim() > 1 else 0.3
            parameter.copy_(draw(*parameter.shape, scale=scale))
        for name, parameter in model.named_parameters():
            if ".norm_" in name:
                parameter.add_(1).copy_(parameter.float().double())
    return model


def record(file, model, run, inputs, cases):
    for x in inputs.values():
        if x.is_floating_point():
            x.requires_grad_()
    out = run(**inputs)
    cotangent = draw(*out.shape)
    (out * cotangent).sum().backward()
    tensors = dict(inputs, out=out, cotangent=cotangent)
    for key, x in inputs.items():
        if x.grad is not None and key in ("x", "text", "pooled"):
            tensors["grad_" + key] = x.grad
    for key, value in model.state_dict().items():
        tensors["state." + key] = value
    for key, parameter in model.named_parameters():
        tensors["grad." + key] = parameter.grad if parameter.grad is not None else torch.zeros_like(parameter)
    with torch.no_grad():
        for name, (case, changed) in cases.items():
            case_out = case(**{**inputs, **changed})
            tensors["out." + name] = case_out
            for key, value in changed.items():
                tensors[f"{key}.{name}"] = value
    save_file({key: (value.float() if value.is_floating_point() else value).detach().contiguous().clone()
               for key, value in tensors.items()},
              HERE / file, {"made with": f"torch {torch.__version__}, diffusers {diffusers.__version__}"})


def text_mask():
    mask = torch.ones(2, 5, dtype=torch.bool)
    mask[1, 3:] = False
    return mask


def pixart():
    model = build(PixArtTransformer2DModel(
        num_attention_heads=2, attention_head_dim=6, in_channels=3, out_channels=6, num_layers=2,
        cross_attention_dim=12, sample_size=8, patch_size=2, interpolation_scale=2, use_additional_conditions=True,
        caption_channels=7))

    def run(x, t, text, mask, resolution, aspect_ratio):
        sizes = {"resolution": resolution, "aspect_ratio": aspect_ratio}
        return model(x, text, t, sizes, encoder_attention_mask=mask, return_dict=False)[0]

    inputs = dict(x=draw(2, 3, 8, 8), t=torch.tensor([3.0, 41.0], dtype=torch.float64), text=draw(2, 5, 7),
                  mask=text_mask(), resolution=torch.tensor([[16.0, 24.0], [8.0, 8.0]], dtype=torch.float64),
                  aspect_ratio=torch.tensor([[0.75], [1.0]], dtype=torch.float64).float().double())
    record("pixart.safetensors", model, run, inputs,
           {"wide": (run, {"x": draw(2, 3, 4, 12)}),
            "unmasked": (lambda mask, **given: run(mask=None, **given), {})})


def latte():
    model = build(LatteTransformer3DModel(
        num_attention_heads=2, attention_head_dim=4, in_channels=3, out_channels=6, num_layers=2,
        cross_attention_dim=8, attention_bias=True, sample_size=4, patch_size=2, activation_fn="gelu-approximate",
        num_embeds_ada_norm=1000, norm_type="ada_norm_single", norm_elementwise_affine=False, norm_eps=1e-6,
        caption_channels=7, video_length=3))

    def run(x, t, text):
        return model(x.transpose(1, 2), t, text, return_dict=False)[0].transpose(1, 2)

    inputs = dict(x=draw(2, 3, 3, 4, 4), t=torch.tensor([3.0, 41.0], dtype=torch.float64), text=draw(2, 5, 7))
    record("latte_text.safetensors", model, run, inputs, {})


def sd3(file, heads, head_size, **options):
    model = build(SD3Transformer2DModel(
        sample_size=8, patch_size=2, in_channels=3, out_channels=3, num_layers=2, attention_head_dim=head_size,
        num_attention_heads=heads, joint_attention_dim=7, caption_projection_dim=heads * head_size,
        pooled_projection_dim=5, pos_embed_max_size=6, **options))

    def run(x, t, text, pooled):
        return model(x, text, pooled, t, return_dict=False)[0]

    inputs = dict(x=draw(2, 3, 6, 8), t=torch.tensor([3.0, 41.0], dtype=torch.float64), text=draw(2, 5, 7),
                  pooled=draw(2, 5))
    record(file, model, run, inputs, {"wide": (run, {"x": draw(2, 3, 4, 12)})})


torch.manual_seed(20261129)
pixart()
latte()
sd3("sd3.safetensors", 2, 4)
sd3("sd35.safetensors", 2, 4, dual_attention_layers=(0,), qk_norm="rms_norm")
