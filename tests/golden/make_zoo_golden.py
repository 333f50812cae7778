"""Makes zoo/: small models of the zoo with random weights, and what their reference implementations compute.

    python3 make_zoo_golden.py --dit DiT --sit SiT --latte Latte --lightningdit LightningDiT [NAME...]

The four folders are checkouts of facebookresearch/DiT, willisma/SiT, Vchitect/Latte and hustvl/LightningDiT, of which
nothing is copied here. Needs torch 2.13, diffusers 0.42.1, transformers, timm, einops and safetensors; made on a CPU.
Models of which no code was published are composed in zoo_variants.py from their papers.

Each folder of zoo/ has
  weights.safetensors or weights.pt   the model's state dict under its published names; F16 or F32
  config.json                         diffusers' own, or the constructor arguments of the paper's code
  io.safetensors                      the inputs x, t, y, text, mask, pooled that the model has; `out`; `cotangent`, and
                                      `grad.NAME`, the gradient of sum(out * cotangent) for each parameter. Autoencoders
                                      have mean, logvar and decoded in place of out: the decoded mode of the encoded x,
                                      and gradients of sum(decoded * cotangent), through the mode into the encoder.
The references run unmodified, in float32.
"""
import argparse

import torch

from zoo_reference import Random, gradients, import_reference, round_to_half, write
import zoo_diffusers
import zoo_variants

torch.set_num_threads(1)


def official(name, model, args, rng, shape, t, y=None, **files):
    """A model of a paper's own code, called with x, t and labels."""
    rng.weights(model)
    if files.pop("shift_positions", False):  # tables of a file need not be the computed ones
        model.pos_embed.data += rng.normal(*model.pos_embed.shape, scale=0.1)
    if files.get("half"):
        round_to_half(model)
    io = {"x": rng.normal(*shape), "t": torch.tensor(t)}
    if y is not None:
        io["y"] = torch.tensor(y)
    out = model(io["x"], io["t"]) if y is None else model(io["x"], io["t"], io["y"])
    io |= {"out": out, "cotangent": rng.normal(*out.shape)}
    io |= gradients(model, out, io["cotangent"])
    write(name, model.state_dict(), io, args, **files)


SMALL = {"input_size": 8, "patch_size": 2, "in_channels": 4, "hidden_size": 16, "depth": 2, "num_heads": 2}


def dit(name, checkout):
    args = SMALL | {"num_classes": 5, "learn_sigma": True}
    model = import_reference(checkout, "models").DiT(**args)
    official(name, model, {"_class_name": "DiT"} | args, Random(name), (3, 4, 8, 8), [0, 321, 999], [2, 5, 0],
             formats=("safetensors", "pt"))


def dit_pixels(name, checkout):
    """Pixels in place of latents, no learned variance, larger patches, times that are no integers."""
    args = {"input_size": 12, "patch_size": 4, "in_channels": 3, "hidden_size": 16, "depth": 1, "num_heads": 1,
            "num_classes": 3, "learn_sigma": False}
    model = import_reference(checkout, "models").DiT(**args)
    official(name, model, {"_class_name": "DiT"} | args, Random(name), (2, 3, 12, 12), [17.25, 804.5], [3, 1],
             shift_positions=True, half=True)


def sit(name, checkout):
    args = SMALL | {"num_classes": 5, "learn_sigma": True}
    model = import_reference(checkout, "models").SiT(**args)
    official(name, model, {"_class_name": "SiT"} | args, Random(name), (2, 4, 8, 8), [0.0625, 0.84375], [5, 3],
             formats=("ema.pt",))


def latte(name, checkout, extras):
    args = SMALL | {"input_size": 4, "num_frames": 3, "num_classes": 4, "learn_sigma": True, "extras": extras}
    model = import_reference(checkout, "models.latte").Latte(**args)
    official(name, model, {"_class_name": "Latte"} | args, Random(name), (2, 3, 4, 4, 4), [12, 703],
             [1, 4] if extras == 2 else None, half=True,
             formats=("ema.pt",) if extras == 1 else ("safetensors",))


def lightningdit(name, checkout, **parts):
    args = {"input_size": 4, "patch_size": 1, "in_channels": 6, "hidden_size": 16, "depth": 2, "num_heads": 2,
            "num_classes": 4, **parts}
    model = import_reference(checkout, "models.lightningdit").LightningDiT(**args)
    official(name, model, {"_class_name": "LightningDiT"} | args, Random(name), (2, 6, 4, 4), [0.125, 0.71875], [4, 1],
             half=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for checkout in ("dit", "sit", "latte", "lightningdit"):
        parser.add_argument("--" + checkout, required=True)
    parser.add_argument("names", nargs="*", help="only these models")
    args = parser.parse_args()
    released = {"use_swiglu": True, "use_rope": True, "use_rmsnorm": True}
    makers = {
        "dit": lambda name: dit(name, args.dit),
        "dit_pixels": lambda name: dit_pixels(name, args.dit),
        "sit": lambda name: sit(name, args.sit),
        "latte": lambda name: latte(name, args.latte, 1),
        "latte_class": lambda name: latte(name, args.latte, 2),
        "lightningdit": lambda name: lightningdit(name, args.lightningdit, **released),
        "lightningdit_qk_norm": lambda name: lightningdit(name, args.lightningdit, **released, use_qknorm=True,
                                                          wo_shift=True),
        **zoo_diffusers.MAKERS,
        **zoo_variants.MAKERS,
    }
    for name in args.names or makers:
        makers[name](name)


main()
