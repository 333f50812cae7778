"""Writes tests/golden/numpy: arrays of NumPy in every version, order and type that load_npy reads.

    python3 tests/golden/make_numpy_files.py
"""
import io
import pathlib

import numpy as np

folder = pathlib.Path(__file__).parent / "numpy"
folder.mkdir(exist_ok=True)
counting = np.arange(24).reshape(2, 3, 4)


def save(name, array, version=None):
    with open(folder / f"{name}.npy", "wb") as file:
        np.lib.format.write_array(file, array, version=version, allow_pickle=True)


for kind in ("u1", "f2", "f4", "f8", "i4", "i8"):
    save(kind, counting.astype("<" + kind))
save("b1", counting % 3 == 0)
save("fortran", np.asfortranarray(counting.astype("<f4")))
save("big_endian", counting.astype(">i4"))
save("scalar", np.float64(2.5))
save("empty", np.zeros((0, 28, 28), np.uint8))
save("vector", np.arange(5, dtype="<i8"), (1, 0))
save("version2", counting.astype("<f4"), (2, 0))
save("version3", counting.astype("<f4"), (3, 0))
# What is refused.
save("complex", counting.astype("<c8"))
save("objects", np.array([np.zeros((2, 2)), np.zeros((3, 3))], dtype=object))
save("fields", np.zeros(3, dtype=[("x", "<f4"), ("y", "<i4")]))
save("text", np.array(["a", "bc"]))

images = (np.arange(20 * 4 * 5) % 256).astype(np.uint8).reshape(20, 4, 5)
labels = (np.arange(20) % 3).astype(np.int64)
np.savez(folder / "images.npz", images=images, labels=labels)
np.savez_compressed(folder / "mnist.npz", x_train=images, y_train=labels.astype(np.uint8), x_test=images[:5],
                    y_test=labels[:5].astype(np.uint8))
np.savez(folder / "unnamed.npz", images, labels)
