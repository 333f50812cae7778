"""Makes modules.safetensors: what PyTorch's modules compute, for tests/nn/.

    python tests/golden/make_module_golden.py        (needs torch and safetensors; writes beside itself)

A case has the module's state dict before the call (state.KEY), its arguments in0, in1, ..., the results out0, out1,
..., a cotangent for each, the gradients of sum(cotangent * out) with respect to the arguments (grad_in0, ...) and
parameters (grad.KEY), and the buffers after the call (after.KEY). Operands are rounded to float32, everything is
computed in float64 and stored as float32.
"""
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

torch.set_default_dtype(torch.float64)
torch.manual_seed(20240917)
HERE = pathlib.Path(__file__).parent
tensors = {}


def draw(*shape):
    """Normal values that float32 holds exactly."""
    return torch.randn(shape).float().double()


def flatten(result):
    if isinstance(result, torch.Tensor):
        return [result]
    return [] if result is None else [t for part in result for t in flatten(part)]


def case(name, module, *inputs, call=None, keep=False):
    """`keep`: the initial values of the module, not random ones."""
    with torch.no_grad():
        for key, value in module.state_dict().items():
            if value.is_floating_point() and not keep:
                value.copy_(draw(*value.shape) * .5 if "running_var" not in key else draw(*value.shape).abs() + .5)
    for key, value in module.state_dict().items():
        tensors[f"{name}.state.{key}"] = value.clone()
    leaves = [x.clone().requires_grad_() if x.is_floating_point() else x for x in inputs]
    out = flatten((call or (lambda m, *x: m(*x)))(module, *leaves))
    cotangents = [draw(*y.shape) for y in out]
    wanted = [x for x in leaves if x.requires_grad]
    parameters = dict(module.named_parameters())
    loss = sum((y * c).sum() for y, c in zip(out, cotangents))
    grads = list(torch.autograd.grad(loss, wanted + list(parameters.values()), allow_unused=True))
    for i, x in enumerate(leaves):
        tensors[f"{name}.in{i}"] = x
        if x.requires_grad:
            grad = grads.pop(0)
            tensors[f"{name}.grad_in{i}"] = torch.zeros_like(x) if grad is None else grad
    for key, grad in zip(parameters, grads):
        tensors[f"{name}.grad.{key}"] = grad
    for i, (y, c) in enumerate(zip(out, cotangents)):
        tensors[f"{name}.out{i}"], tensors[f"{name}.cotangent{i}"] = y, c
    for key, value in module.named_buffers():
        tensors[f"{name}.after.{key}"] = value.clone()


def activations():
    plain = {"relu": nn.ReLU(), "relu6": nn.ReLU6(), "silu": nn.SiLU(), "mish": nn.Mish(), "selu": nn.SELU(),
             "sigmoid": nn.Sigmoid(), "log_sigmoid": nn.LogSigmoid(), "tanh": nn.Tanh(), "tanhshrink": nn.Tanhshrink(),
             "softsign": nn.Softsign(), "hardswish": nn.Hardswish(), "hardsigmoid": nn.Hardsigmoid(),
             "identity": nn.Identity(), "gelu": nn.GELU(), "gelu_tanh": nn.GELU("tanh"),
             "leaky_relu": nn.LeakyReLU(.2), "elu": nn.ELU(1.5), "celu": nn.CELU(1.5), "softplus": nn.Softplus(),
             "softplus_beta": nn.Softplus(2, 1), "hardtanh": nn.Hardtanh(-.5, 1), "hardshrink": nn.Hardshrink(.4),
             "softshrink": nn.Softshrink(.4), "threshold": nn.Threshold(.3, -2), "softmax": nn.Softmax(1),
             "softmin": nn.Softmin(-1), "log_softmax": nn.LogSoftmax(1), "glu": nn.GLU(-1), "prelu": nn.PReLU(),
             "prelu_channels": nn.PReLU(3)}
    for name, module in plain.items():
        case(name, module, draw(2, 3, 4) * 3, keep=True)


def shapes():
    case("flatten", nn.Flatten(), draw(2, 3, 4))
    case("unflatten", nn.Unflatten(1, (2, -1)), draw(2, 6))
    case("pixel_shuffle", nn.PixelShuffle(2), draw(1, 8, 2, 3))
    case("pixel_unshuffle", nn.PixelUnshuffle(2), draw(1, 2, 4, 6))
    case("upsample", nn.Upsample(scale_factor=2), draw(1, 2, 3, 2))
    case("upsample_bilinear", nn.Upsample(size=(5, 4), mode="bilinear"), draw(1, 2, 3, 2))
    case("max_pool2d", nn.MaxPool2d(3, 2, 1), draw(2, 2, 5, 6))
    case("avg_pool2d", nn.AvgPool2d((2, 3)), draw(2, 2, 5, 6))
    case("adaptive_avg_pool2d", nn.AdaptiveAvgPool2d((2, 1)), draw(2, 2, 5, 6))
    case("max_pool1d", nn.MaxPool1d(3, 2, 1), draw(2, 2, 7))
    case("avg_pool1d", nn.AvgPool1d(2), draw(2, 2, 7))
    case("adaptive_avg_pool1d", nn.AdaptiveAvgPool1d(3), draw(2, 2, 7))


def norms():
    case("batch_norm1d", nn.BatchNorm1d(3), draw(5, 3))
    case("batch_norm1d_sequence", nn.BatchNorm1d(3, 1e-3, None), draw(4, 3, 2))
    case("batch_norm1d_eval", nn.BatchNorm1d(3).eval(), draw(5, 3))
    case("batch_norm2d_plain", nn.BatchNorm2d(2, affine=False, track_running_stats=False).eval(), draw(2, 2, 3, 2))
    case("batch_norm3d", nn.BatchNorm3d(2), draw(2, 2, 2, 3, 2))
    case("instance_norm1d", nn.InstanceNorm1d(3), draw(2, 3, 5))
    case("instance_norm2d", nn.InstanceNorm2d(2, affine=True), draw(2, 2, 3, 4))
    case("instance_norm2d_single", nn.InstanceNorm2d(2, affine=True), draw(2, 3, 4))
    case("instance_norm3d_tracked", nn.InstanceNorm3d(2, 1e-4, .3, True, True), draw(3, 2, 2, 2, 3))
    case("instance_norm1d_eval", nn.InstanceNorm1d(3, 1e-5, .1, True, True).eval(), draw(2, 3, 5))
    case("layer_norm", nn.LayerNorm(5, 1e-3, bias=False), draw(3, 5))


def convolutions():
    case("conv_transpose1d", nn.ConvTranspose1d(2, 3, 3, stride=2, padding=1, output_padding=1), draw(2, 2, 4))
    case("conv_transpose3d", nn.ConvTranspose3d(4, 2, (2, 3, 2), stride=2, groups=2, bias=False), draw(1, 4, 2, 2, 3))


def containers():
    inner = nn.Sequential(nn.Linear(5, 5), nn.Tanh())
    case("sequential", nn.Sequential(nn.Linear(3, 5), nn.ReLU(), inner, nn.LayerNorm(5), nn.Linear(5, 2, bias=False)),
         draw(4, 3))
    case("convnet", nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, bias=False), nn.BatchNorm2d(2), nn.PReLU(2),
                                  nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)), draw(2, 1, 4, 4))


def store(file, script):
    stored = {key: (value.detach().float() if value.is_floating_point() else value.detach()).contiguous().clone()
              for key, value in tensors.items()}
    save_file(stored, HERE / file, {"source": f"torch {torch.__version__}, tests/golden/{script}"})


if __name__ == "__main__":
    activations()
    shapes()
    norms()
    convolutions()
    containers()
    store("modules.safetensors", "make_module_golden.py")
