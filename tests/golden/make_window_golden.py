"""Makes windows.safetensors: what PyTorch's modules for pooling, padding, resizing and norms over several axes compute,
for tests/nn/.

    python tests/golden/make_window_golden.py        (needs torch and safetensors; writes beside itself)

The cases are stored as those of make_module_golden.py, whose functions it uses.
"""
import pathlib
import sys

import torch
from torch import nn

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
import make_module_golden as golden  # noqa: E402

case, draw = golden.case, golden.draw
torch.manual_seed(20261130)
LINE, IMAGE, VOLUME = (2, 2, 7), (1, 2, 5, 6), (1, 2, 4, 5, 3)


def pooling():
    case("max_pool1d", nn.MaxPool1d(3, 2, 1, 2, ceil_mode=True), draw(*LINE))
    case("max_pool2d", nn.MaxPool2d((3, 2), (1, 2), (1, 0), (1, 2), ceil_mode=True), draw(*IMAGE))
    case("max_pool3d", nn.MaxPool3d(2, 2, 1), draw(*VOLUME))
    case("avg_pool1d", nn.AvgPool1d(3, 2, 1, True, False), draw(*LINE))
    case("avg_pool2d", nn.AvgPool2d(3, 2, 1, True, True, 7), draw(*IMAGE))
    case("avg_pool3d", nn.AvgPool3d((2, 3, 2), 1), draw(*VOLUME))
    case("adaptive_avg_pool3d", nn.AdaptiveAvgPool3d((2, 3, 1)), draw(*VOLUME))
    case("adaptive_max_pool1d", nn.AdaptiveMaxPool1d(3), draw(*LINE))
    case("adaptive_max_pool2d", nn.AdaptiveMaxPool2d((2, 4)), draw(*IMAGE))
    case("adaptive_max_pool3d", nn.AdaptiveMaxPool3d(2), draw(*VOLUME))


def padding():
    for name in ["Zero", "Reflection", "Replication", "Circular"]:
        case(f"{name}1d", getattr(nn, f"{name}Pad1d")((2, 1)), draw(*LINE))
        case(f"{name}2d", getattr(nn, f"{name}Pad2d")(2), draw(*IMAGE))
        case(f"{name}3d", getattr(nn, f"{name}Pad3d")((1, 2, 0, 2, 3, 1)), draw(*VOLUME))
    case("Constant1d", nn.ConstantPad1d(2, .5), draw(*LINE))
    case("Constant2d", nn.ConstantPad2d((1, -1, 0, 2), .5), draw(*IMAGE))
    case("Constant3d", nn.ConstantPad3d(1, -.5), draw(*VOLUME))


def convolutions():
    for mode in ["zeros", "reflect", "replicate", "circular"]:
        case(f"conv1d_{mode}", nn.Conv1d(2, 3, 4, padding="same", dilation=1, padding_mode=mode), draw(*LINE))
        case(f"conv2d_{mode}", nn.Conv2d(2, 4, (3, 2), (1, 2), (2, 1), groups=2, padding_mode=mode), draw(*IMAGE))
        case(f"conv3d_{mode}", nn.Conv3d(2, 2, (2, 3, 2), padding="same", bias=False, padding_mode=mode), draw(*VOLUME))
    case("conv2d_valid", nn.Conv2d(2, 2, 3, padding="valid"), draw(*IMAGE))


def resizing():
    case("upsample_linear", nn.Upsample(scale_factor=1.7, mode="linear"), draw(*LINE))
    case("upsample_bicubic", nn.Upsample((7, 4), mode="bicubic", align_corners=True), draw(*IMAGE))
    case("upsample_trilinear", nn.Upsample(scale_factor=(1, 2, 1.5), mode="trilinear"), draw(*VOLUME))
    case("upsample_exact", nn.Upsample(scale_factor=.6, mode="nearest-exact", recompute_scale_factor=True), draw(*IMAGE))


def others():
    case("layer_norm_axes", nn.LayerNorm((3, 4), 1e-3), draw(2, 3, 4))
    case("layer_norm_no_bias", nn.LayerNorm([3, 4], bias=False), draw(2, 3, 4))
    case("rms_norm_axes", nn.RMSNorm((3, 4), 1e-3), draw(2, 3, 4))
    case("rms_norm_plain", nn.RMSNorm((3, 4), 1e-3, elementwise_affine=False), draw(2, 3, 4))
    case("embedding", nn.Embedding(5, 3, padding_idx=-2), torch.tensor([[0, 3, 1], [3, 4, 0]]))


if __name__ == "__main__":
    pooling()
    padding()
    convolutions()
    resizing()
    others()
    golden.store("windows.safetensors", "make_window_golden.py")
