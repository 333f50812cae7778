"""Makes conv.golden: what PyTorch computes for convolutions, normalisations, pooling and interpolation of images.

    python3 tests/golden/make_conv_golden.py        (needs torch and numpy; writes beside itself)

Each case stores its operands, the result y, a cotangent and the gradients of sum(y * cotangent). Operands are rounded
to float32, everything is computed in float64 and stored as float32, so that differences found by the tests are ours.
"""
import pathlib

import numpy as np
import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(20240811)
HERE = pathlib.Path(__file__).parent
tensors = {}


def draw(*shape):
    """Normal values that float32 holds exactly."""
    return torch.randn(*shape).float().double()


def case(name, function, *operands):
    leaves = [x.clone().requires_grad_() for x in operands]
    y = function(*leaves)
    cotangent = draw(*y.shape)
    grads = torch.autograd.grad(y, leaves, cotangent)
    for i, (x, g) in enumerate(zip(operands, grads)):
        tensors[f"{name}.in{i}"], tensors[f"{name}.grad{i}"] = x, g
    tensors[f"{name}.y"], tensors[f"{name}.cotangent"] = y, cotangent


case("conv1d", lambda x, w, b: F.conv1d(x, w, b, 2, 3, 2), draw(2, 3, 13), draw(4, 3, 4), draw(4))
case("conv2d", lambda x, w, b: F.conv2d(x, w, b, 1, 1), draw(2, 16, 6, 5), draw(16, 16, 3, 3), draw(16))
case("conv2d_groups", lambda x, w, b: F.conv2d(x, w, b, (2, 1), (1, 2), (1, 2), 2), draw(3, 4, 7, 6), draw(6, 2, 3, 2),
     draw(6))
case("conv3d", lambda x, w, b: F.conv3d(x, w, b, (1, 2, 1), (1, 0, 1)), draw(2, 3, 4, 5, 4), draw(4, 3, 3, 2, 3),
     draw(4))
case("conv_transpose1d", lambda x, w, b: F.conv_transpose1d(x, w, b, 3, 1, 2), draw(2, 4, 5), draw(4, 3, 4), draw(3))
case("conv_transpose2d", lambda x, w, b: F.conv_transpose2d(x, w, b, 2, 1, 1, 2, 1), draw(2, 4, 3, 4),
     draw(4, 3, 3, 3), draw(6))
case("conv_transpose3d", lambda x, w, b: F.conv_transpose3d(x, w, b, (2, 1, 2), (0, 1, 0), (1, 0, 0)),
     draw(1, 3, 2, 4, 3), draw(3, 2, 2, 3, 2), draw(2))
case("group_norm", lambda x, w, b: F.group_norm(x, 3, w, b, 1e-5), draw(2, 6, 3, 5), draw(6), draw(6))
case("group_norm_silu", lambda x, w, b: F.silu(F.group_norm(x, 2, w, b, 1e-6)), draw(2, 4, 5, 7), draw(4), draw(4))
case("rms_norm", lambda x, w: F.rms_norm(x, (7,), w, 1e-6), draw(3, 4, 7), draw(7))
case("max_pool2d", lambda x: F.max_pool2d(x, 3, 2, 1), draw(2, 3, 7, 6))
case("avg_pool2d", lambda x: F.avg_pool2d(x, (2, 3), (1, 2), (1, 0)), draw(2, 3, 5, 8))
case("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, (3, 2)), draw(2, 3, 7, 5))
case("nearest", lambda x: F.interpolate(x, (7, 4)), draw(2, 3, 3, 5))
case("bilinear", lambda x: F.interpolate(x, (7, 4), mode="bilinear", align_corners=False), draw(2, 3, 3, 5))

# Training moves the running statistics; evaluation uses them.
mean, variance = torch.zeros(3), torch.ones(3)
case("batch_norm", lambda x, w, b: F.batch_norm(x, mean, variance, w, b, True, .1, 1e-5), draw(4, 3, 3, 2),
     draw(3), draw(3))
tensors["batch_norm.mean"], tensors["batch_norm.variance"] = mean.clone(), variance.clone()
case("batch_norm_eval", lambda x, w, b: F.batch_norm(x, mean, variance, w, b, False, .1, 1e-5), draw(2, 3, 3, 2),
     draw(3), draw(3))

lines, blobs = ["ditharos golden 1", f"# torch {torch.__version__}, tests/golden/make_conv_golden.py"], []
for key, value in tensors.items():
    array = value.detach().numpy()
    blobs.append(np.ascontiguousarray(array, dtype="<f4").tobytes())
    lines.append(" ".join([key, "f32", *map(str, array.shape)]))
(HERE / "conv.golden").write_bytes(("\n".join(lines) + "\nend\n").encode() + b"".join(blobs))
