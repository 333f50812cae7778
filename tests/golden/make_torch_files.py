"""Makes torch/*.pt: files of torch.save, and torch/*.safetensors: what PyTorch reads from them.

    python3 tests/golden/make_torch_files.py        (needs torch 2.13, numpy and safetensors; writes beside itself)
"""
import argparse
import collections
import os
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent / "torch"
HERE.mkdir(exist_ok=True)
torch.manual_seed(20240812)


def save(name, value, expected=None, **options):
    torch.save(value, HERE / f"{name}.pt", **options)
    if expected is not None:
        save_file({key: tensor.detach().contiguous().clone() for key, tensor in expected.items()},
                  HERE / f"{name}.safetensors")


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = torch.nn.Conv2d(3, 4, 2)
        self.norm = torch.nn.BatchNorm1d(5)  # num_batches_tracked is an int64 scalar
        self.register_buffer("mask", torch.tensor([True, False, True]))


model = Block()
for protocol in (2, 3, 4, 5):
    state = model.state_dict()  # an OrderedDict with the attribute _metadata
    save(f"protocol{protocol}", state, state if protocol == 2 else None, pickle_protocol=protocol)

dtypes = {str(dtype)[6:]: (torch.arange(6) - 2).abs().to(dtype).reshape(2, 3)
          for dtype in (torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int64, torch.int32,
                        torch.uint8, torch.bool)}
dtypes["nan"] = torch.tensor([float("nan"), float("inf"), -0.0, 1e-42])
save("dtypes", dtypes, dtypes)

base = torch.randn(4, 6)
views = {"whole": base, "transposed": base.T, "row": base[2], "steps": base[1:, 1::2], "stretched": base[:1, 3].expand(1),
         "scalar": base[3, 5], "empty": torch.zeros(0, 3), "parameter": torch.nn.Parameter(torch.randn(3)),
         "diagonal": base.diagonal(), "four": torch.randn(1, 2, 1, 3).permute(3, 0, 2, 1)}
save("views", views, views)

optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
(model.proj(torch.randn(1, 3, 2, 2)).sum() + model.norm(torch.randn(4, 5)).square().sum()).backward()
optimizer.step()
ema = collections.OrderedDict((name, tensor.detach() / 2 if tensor.is_floating_point() else tensor)
                              for name, tensor in model.state_dict().items())
arguments = argparse.Namespace(model="DiT-XL/2", image_size=256, results_dir=pathlib.PurePosixPath("results/x"),
                               seed=2 ** 80, rate=1e-4, tags={"a", "b"}, device=torch.device("cpu"), none=None)
checkpoint = {"model": model.state_dict(), "ema": ema, "opt": optimizer.state_dict(), "args": arguments, "epoch": 7,
              "best": np.float64(0.5), "counts": collections.defaultdict(int, {"steps": 3}),
              "shape": torch.Size([2, 3]), "dtype": torch.float32}
save("checkpoint", checkpoint, ema)
save("checkpoint4", checkpoint, pickle_protocol=4)
save("nested", {"state_dict": {"ema": {"a": torch.ones(2), "step": 5, "b": [torch.ones(1)]}}, "step": 3})

save("legacy", model.state_dict(), _use_new_zipfile_serialization=False)
save("float8", {"a": torch.ones(4).to(torch.float8_e4m3fn)})
save("int16", {"a": torch.ones(4, dtype=torch.int16), "b": torch.ones(1)})
save("list", [torch.ones(2)])
save("no_tensors", {"epoch": 3, "name": "x"})


class Command:
    """Its unpickling would call os.system."""

    def __reduce__(self):
        return os.system, ("echo executed",)


save("command", {"a": torch.ones(2), "b": Command()})
save("command4", {"a": torch.ones(2), "b": Command()}, pickle_protocol=4)
torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), str(HERE / "script.pt"))
