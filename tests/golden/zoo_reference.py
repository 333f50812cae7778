"""What make_zoo_golden.py needs around the models: their source, random weights, and the files."""
import importlib.machinery
import json
import os
import pathlib
import shutil
import sys
import types
import zlib

os.environ["TORCHDYNAMO_DISABLE"] = "1"  # LightningDiT compiles its layers
import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent / "zoo"


# --- the papers' code ---

class AnyName(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return name


class Absent(types.ModuleType):
    """A package that the reference code imports and whose parts it does not use for the models here."""
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return AnyName(name, (), {})


class AbsentFinder:
    names = ("torchvision", "fairscale")

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.names:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return Absent(spec.name)

    def exec_module(self, module):
        pass


def import_reference(checkout, module):
    """A module of a checkout; its folders have the same names as those of the other checkouts."""
    if not any(isinstance(finder, AbsentFinder) for finder in sys.meta_path):
        sys.meta_path.append(AbsentFinder())
    for name in [name for name in sys.modules if name.split(".")[0] == "models"]:
        del sys.modules[name]
    sys.path.insert(0, str(pathlib.Path(checkout).resolve()))
    try:
        if "." in module:  # without models/__init__.py, which imports the whole project
            package = types.ModuleType("models")
            package.__path__ = [str(pathlib.Path(checkout).resolve() / "models")]
            sys.modules["models"] = package
        return importlib.import_module(module)
    finally:
        sys.path.pop(0)


# --- random weights and inputs ---

class Random:
    """Normal values of one golden case; half precision holds them exactly."""

    def __init__(self, name):
        self.generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))

    def normal(self, *shape, scale=1.0):
        return (torch.randn(*shape, generator=self.generator) * scale).half().float()

    def weights(self, module):
        """All parameters, also those that start at zero and would hide most of the network."""
        for name, p in module.named_parameters():
            if not p.requires_grad:
                continue
            kind = name.split(".")[-2:]
            if p.dim() == 1 and "norm" in kind[0] and kind[-1] == "weight":
                p.data = 1 + self.normal(*p.shape, scale=0.2)
            elif p.dim() == 1:
                p.data = self.normal(*p.shape, scale=0.1)
            elif "table" in name or "embed_tokens" in name or "shared" in name or "relative" in name:
                p.data = self.normal(*p.shape, scale=0.5)
            else:
                p.data = self.normal(*p.shape, scale=p[0].numel() ** -0.5)
        return module.eval()


def is_computed(name):
    """Tables that the models compute, and read from no file."""
    return name.startswith("feat_rope.")


def round_to_half(module):
    """All that a file in half precision holds."""
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point() and not is_computed(name):
                tensor.copy_(tensor.half())


# --- the files ---

def gradients(module, out, cotangent):
    """grad.NAME of sum(out * cotangent) for every parameter that is trained."""
    module.zero_grad()
    (out * cotangent).sum().backward()
    result = {}
    for name, p in module.named_parameters():
        if p.requires_grad:
            assert p.grad is not None, name
            result["grad." + name] = p.grad
    return result


def write(name, state, io, config, half=False, formats=("safetensors",)):
    """zoo/NAME/{weights.*, io.safetensors, config.json}."""
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    plain = lambda tensors: {key: value.detach().clone().contiguous() for key, value in tensors.items()}
    state = plain(state)
    if half:
        for key, value in state.items():
            if value.is_floating_point() and not is_computed(key):
                assert torch.equal(value.half().float(), value), key
                state[key] = value.half()
    if "safetensors" in formats:
        save_file(state, folder / "weights.safetensors")
    if "pt" in formats:
        torch.save(state, folder / "weights.pt")
    if "ema.pt" in formats:  # as the training programs of DiT, SiT and Latte write checkpoints
        torch.save({"ema": state}, folder / "weights.pt")
    save_file(plain(io), folder / "io.safetensors")
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{name:28} {len(state):4} tensors {sum(v.numel() for v in state.values()):7} numbers {size / 1024:7.1f} KB")


def config_of(model):
    """diffusers' and transformers' config.json, without what depends on the installation."""
    config = {key: value for key, value in dict(model.config).items() if not key.startswith("_")}
    return {"_class_name": type(model).__name__, **config}
