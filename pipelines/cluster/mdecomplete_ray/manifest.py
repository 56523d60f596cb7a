"""The manifest of a run, the same as that of ``mdecomplete restore``.

A file of JSON lines, ``manifest.jsonl``, of which the last about a clip counts. In a bucket, where
nothing can be appended, each line is an object of its own until the next run gathers them.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import platform
import secrets
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from . import __version__, errors
from .order import Order
from .program import Line
from .store import filesystem, is_url, telling_os_errors

NAME = "manifest.jsonl"
_PARTS = NAME + ".d"
_PAUSE = 0.05


def now() -> str:
    """The present time, as ISO 8601 has it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def begin() -> Line:
    """The line with which a run begins."""
    versions = {"mdecomplete_ray": __version__, "python": platform.python_version()}
    return {"record": "run", "time": now(), "arguments": sys.argv[1:], "versions": versions}


class Manifest(Protocol):
    """What a run has done and does."""

    records: dict[str, Line]
    """The last of each clip before this run, by outputs."""
    notes: list[str]
    """What is strange about it, for the user."""

    def append(self, *lines: Line) -> None:
        """Writes `lines` so that they stay, or none of them and raises `errors.BadOutput`."""

    def close(self) -> None:
        """Gives the manifest to other runs."""


class FolderManifest:
    """A manifest in a folder.

    Alone, it keeps other runs out, ``mdecomplete restore`` among them. Shared, it keeps out those
    that want to be alone, and each line is written under a lock.
    """

    def __init__(self, folder: Path, *, may_resume: bool, is_shared: bool) -> None:
        """Begins one, or goes on with the one that is there.

        Raises `errors.BadOutput` if another run works there, has left a manifest although nothing
        is to be resumed, or nothing can be written.
        """
        self._path = folder / NAME
        self._is_shared = is_shared
        self.notes: list[str] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._folder = os.open(folder, os.O_RDONLY)
        except OSError as error:
            raise errors.BadOutput(f"{folder}: {error.strerror}") from error
        try:
            self._open(folder, may_resume)
        except BaseException:
            os.close(self._folder)
            raise

    def _open(self, folder: Path, may_resume: bool) -> None:
        kind = fcntl.LOCK_SH if self._is_shared else fcntl.LOCK_EX
        try:
            fcntl.flock(self._folder, kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise errors.BadOutput(f"{folder}: another run works in this folder") from error
        except OSError as error:
            raise errors.BadOutput(f"{folder}: no locks are there: {error.strerror}") from error
        if not may_resume and self._path.exists():
            raise errors.BadOutput(
                f"{self._path}: a run has worked in this folder: --resume goes on with it"
            )
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            with self._locked():
                self._mend()
                text = self._path.read_bytes()
        except OSError as error:
            raise errors.BadOutput(f"{self._path}: {error.strerror}") from error
        self.records = _records(text.split(b"\n"), str(self._path), self.notes)
        if not self._is_shared:
            # Workers of a killed `mdecomplete restore` hold it until they have ended.
            self._lock()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """With nobody else writing."""
        if not self._is_shared and getattr(self, "records", None) is not None:
            yield
            return
        self._lock()
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _lock(self) -> None:
        # Not waited for by the kernel, so that signals are heard.
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                time.sleep(_PAUSE)

    def _mend(self) -> None:
        """Removes a line without an end, as a killed run leaves it."""
        length = os.fstat(self._file).st_size
        if length == 0 or os.pread(self._file, 1, length - 1) == b"\n":
            return
        self.notes.append(
            f"{self._path}: its last line is torn, as a killed run leaves it, and is left out"
        )
        os.ftruncate(self._file, self._path.read_bytes().rfind(b"\n") + 1)

    def append(self, *lines: Line) -> None:
        """As `Manifest.append`; the disk is waited for once."""
        if not lines:
            return
        try:
            with self._locked():
                self._mend()
                length = os.fstat(self._file).st_size
                text = b"".join(map(_text, lines))
                try:
                    # One call, so that another reader sees no half line.
                    if os.write(self._file, text) < len(text):
                        raise OSError(errno.ENOSPC, "no space is left")
                    os.fsync(self._file)
                except OSError:
                    os.ftruncate(self._file, length)
                    raise
        except OSError as error:
            kind = errors.Full if errors.is_full(error) else errors.BadOutput
            raise kind(f"{self._path}: {error.strerror}") from error

    def close(self) -> None:
        """As `Manifest.close`."""
        os.close(self._file)
        os.close(self._folder)


class BucketManifest:
    """A manifest in an object store."""

    def __init__(self, system: Any, folder: str, *, may_resume: bool, is_shared: bool) -> None:  # noqa: ANN401
        """As `FolderManifest`; other runs are not kept out."""
        self._system = system
        self._path = f"{folder.rstrip('/')}/{NAME}"
        self._parts = f"{folder.rstrip('/')}/{_PARTS}"
        self._is_shared = is_shared
        self._run = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        self._count = 0
        self.notes: list[str] = []
        lines, parts = self._read()
        if lines and not may_resume:
            raise errors.BadOutput(
                f"{self._path}: a run has worked in this folder: --resume goes on with it"
            )
        self._gather(lines, parts)
        self.records = _records(lines, self._path, self.notes)

    def _read(self) -> tuple[list[bytes], list[str]]:
        """All lines, and the objects of those that are not gathered."""
        text = self._system.cat_file(self._path) if self._system.exists(self._path) else b""
        parts = sorted(self._system.find(self._parts))
        told = self._system.cat(parts) if parts else {}
        text += b"".join(told[part] for part in parts)
        return [line for line in text.split(b"\n") if line], parts

    def _gather(self, lines: list[bytes], parts: list[str]) -> None:
        """Makes one object of `lines`, where nobody else writes."""
        if parts and not self._is_shared:
            # First the whole, then without the parts: a line that is there twice does no harm.
            self._system.pipe_file(self._path, b"".join(line + b"\n" for line in lines))
            self._system.rm(parts)

    def append(self, *lines: Line) -> None:
        """As `Manifest.append`; they are one object."""
        if not lines:
            return
        name = f"{self._parts}/{self._run}-{self._count:08d}.jsonl"
        self._count += 1
        try:
            with telling_os_errors():
                self._system.pipe_file(name, b"".join(map(_text, lines)))
        except OSError as error:
            raise errors.BadOutput(f"{name}: {error}") from error

    def close(self) -> None:
        """As `Manifest.close`."""
        try:
            with telling_os_errors():
                self._gather(*self._read())
        except OSError as error:
            raise errors.BadOutput(f"{self._path}: {error}") from error


def open_manifest(out: str, order: Order, *, may_resume: bool, is_shared: bool) -> Manifest:
    """The manifest at `out`, a path or a URL; as `FolderManifest`."""
    if not is_url(out):
        return FolderManifest(Path(out), may_resume=may_resume, is_shared=is_shared)
    system, path = filesystem(out, order.storage)
    try:
        with telling_os_errors():
            return BucketManifest(system, path, may_resume=may_resume, is_shared=is_shared)
    except OSError as error:
        raise errors.BadOutput(f"{out}: {error}") from error


def _text(line: Line) -> bytes:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _records(lines: Iterable[bytes], path: str, notes: list[str]) -> dict[str, Line]:
    records = {}
    for number, text in enumerate(lines, 1):
        if not text:
            continue
        try:
            line = json.loads(text)
            if line["record"] == "clip":
                records[line["output"]] = line
        except (ValueError, TypeError, KeyError) as error:
            notes.append(f"{path}, line {number}: {error}; the line is left out")
    return records
