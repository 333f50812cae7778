"""The single operations of op_cases.cpp in PyTorch."""
import torch
import torch.nn.functional as F
from torch import nn

SQUARE, IMAGES = (1024, 1024), (32, 64, 32, 32)


def operations():
    """Name: (shape of the input, function)."""
    rows, places, vector = torch.randint(0, 1024, (1024,)), torch.randint(0, 1024, SQUARE), torch.randn(1024, 1)
    lstm, gru = (kind(128, 256, batch_first=True) for kind in (nn.LSTM, nn.GRU))
    return {
        "normal": (SQUARE, torch.randn_like),
        "uniform": (SQUARE, torch.rand_like),
        "flip": (SQUARE, lambda x: x.flip(1)),
        "pow_3": (SQUARE, lambda x: x ** 3),
        "sin": (SQUARE, torch.sin),
        "amax_axis_0": (SQUARE, lambda x: x.amax(0)),
        "cumsum": (SQUARE, lambda x: x.cumsum(1)),
        "dropout": (SQUARE, lambda x: F.dropout(x, .1)),
        "gather": (SQUARE, lambda x: x.gather(1, places)),
        "index_select_axis_1": (SQUARE, lambda x: x.index_select(1, rows)),
        "matrix_by_vector": (SQUARE, lambda x: x @ vector),
        "small_bmm": ((512, 16, 16), lambda x: torch.bmm(x, x)),
        "pad_reflect": (IMAGES, lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect")),
        "softmax_channels": (IMAGES, lambda x: x.softmax(1)),
        "unfold": ((8, 64, 32, 32), lambda x: F.unfold(x, 3, padding=1)),
        "lstm": ((32, 50, 128), lambda x: lstm(x)[0]),
        "gru": ((32, 50, 128), lambda x: gru(x)[0]),
    }


def op_case(name, what):
    """A function of `wrap`, which compiles or does nothing."""
    shape, function = operations()[name]

    def make(wrap):
        wrapped = wrap(function)
        x = torch.randn(*shape, requires_grad=what != "forward")

        def run():
            if what == "forward":
                with torch.no_grad():
                    return wrapped(x)
            x.grad = None
            wrapped(x).sum().backward()
        return run
    return make
