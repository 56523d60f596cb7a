"""The recordings that a run is asked for.

Which files are recordings, and what comes of each, says ``mdecomplete restore --list``, so that it
is the same on one machine and on many. What lies in a bucket is laid out for it as empty files of
the same names.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from . import errors, program
from .manifest import Manifest
from .order import Clip, Order
from .store import Store, filesystem, is_url, protocol, telling_os_errors

_WILD = ("*", "?", "[")


def gather(inputs: list[str], out: str, order: Order) -> list[Clip]:
    """The clips of `inputs`: files, folders, patterns, URLs of these, and lists after an ``@``.

    Raises `errors.Failure`.
    """
    with tempfile.TemporaryDirectory(prefix="mdecomplete-list-") as folder:
        mirror = _Mirror(Path(folder), out, order.storage)
        arguments = [mirror.of(input) for input in _expanded(inputs, order)]
        place = str(Path(folder) / "out") if is_url(out) else out
        try:
            listed = program.listed(order, arguments, place, Path(folder))
        except errors.Failure as failure:
            raise mirror.as_asked(failure) from None
        return [
            Clip(
                input=mirror.urls.get(clip.input, clip.input),
                output=clip.output,
                model_sha256=clip.model_sha256,
                size=mirror.sizes.get(clip.input) or _size(clip.input),
            )
            for clip in listed
        ]


def prepare(
    clips: list[Clip], manifest: Manifest, store: Store, order: Order, *, is_alone: bool
) -> None:
    """Looks whether the outputs can be written, and removes what killed runs have left of them.

    Raises `errors.BadOutput` if an output is there that no run has written.
    """
    if is_alone:
        store.remove_left_over({*manifest.records, *(clip.output for clip in clips)})
    if order.force:
        return
    for clip in clips:
        if clip.output not in manifest.records and store.exists(clip.output):
            raise errors.BadOutput(
                f"{clip.output}: this file exists, and no run has written it; --force replaces it"
            )


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


def _expanded(inputs: list[str], order: Order) -> list[str]:
    """With the lines of lists in their place; paths are absolute."""
    found = []
    for input in inputs:
        if not input.startswith("@") or Path(input).exists():
            found.append(input if is_url(input) else str(Path.cwd() / input))
            continue
        name = input[1:]
        folder = name.rpartition("/")[0] if is_url(name) else str(Path.cwd() / Path(name).parent)
        for line in map(str.rstrip, _text(name, order).splitlines()):
            if line and not line.startswith("#"):
                is_whole = is_url(line) or line.startswith("/")
                found.append(line if is_whole else f"{folder}/{line}")
    return found


def _text(name: str, order: Order) -> str:
    try:
        if not is_url(name):
            return Path(name).read_text()
        system, path = filesystem(name, order.storage)
        with telling_os_errors():
            return str(system.cat_file(path).decode())
    except (OSError, ValueError) as error:
        raise errors.Usage(f"the list {name}: {error}") from error


class _Mirror:
    """Empty files in a folder, one for each file behind URLs."""

    def __init__(self, folder: Path, out: str, storage: Mapping[str, Mapping[str, Any]]) -> None:
        self._folder = folder
        self._out = out
        self._storage = storage
        self._count = 0
        self.urls: dict[str, str] = {}
        """By the paths of the empty files."""
        self.sizes: dict[str, int] = {}
        """In bytes, by the same."""

    def of(self, input: str) -> str:
        """What to ask for instead of `input`."""
        if not is_url(input):
            return input
        system, path = filesystem(input, self._storage)
        path = path.rstrip("/")
        try:
            with telling_os_errors():
                return self._laid_out(system, path, protocol(input))
        except OSError as error:
            raise errors.BadInput(f"{input}: {error}") from error

    def as_asked(self, failure: errors.Failure) -> errors.Failure:
        """`failure` with URLs for the paths of empty files."""
        text = str(failure)
        for path, url in self.urls.items():
            text = text.replace(path, url)
        failure.args = (text,)
        return failure

    def _laid_out(self, system: Any, path: str, kind: str) -> str:  # noqa: ANN401
        self._count += 1
        root = self._folder / str(self._count)
        wild = any(sign in path for sign in _WILD)
        if not wild and system.isfile(path):
            start, _, name = path.rpartition("/")
            stem = f"{start}/{PurePosixPath(name).stem}"
            found = {path: system.info(path)}
            if system.exists(stem + ".mask.png"):
                found[stem + ".mask.png"] = system.info(stem + ".mask.png")
        else:
            start = _fixed_start(path) if wild else path
            name = path[len(start) + 1 :]
            found = system.find(start, detail=True)
        out = filesystem(self._out, self._storage)[1] if is_url(self._out) else None
        for key, info in found.items():
            if out is not None and key.startswith(out.rstrip("/") + "/"):
                continue
            place = root / key[len(start) + 1 :]
            if place.name:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.touch()
                self.urls[str(place)] = f"{kind}://{key}"
                self.sizes[str(place)] = int(info.get("size") or 0)
        if not found:
            raise FileNotFoundError("nothing is there")
        return str(root / name) if name else str(root)


def _fixed_start(path: str) -> str:
    """The folders of a pattern before the first that is one."""
    parts = path.split("/")
    fixed = next(n for n, part in enumerate(parts) if any(sign in part for sign in _WILD))
    return "/".join(parts[:fixed])
