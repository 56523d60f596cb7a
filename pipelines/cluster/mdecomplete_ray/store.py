"""Where outputs go: a folder that all machines share, or a bucket.

An output is whole or not there. In a folder it is written under a hidden name, as ``mdecomplete
restore`` does, and renamed; object stores show an object when all of it has come.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import fsspec

from . import digest, errors
from .scratch import try_lock

OBJECT_STORES = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss")
"""Protocols of stores in which an object is never seen half."""

_PART = ".part"
_CHUNK = 1 << 20


class Store(Protocol):
    """A place for outputs, which are named by paths within it."""

    def exists(self, output: str) -> bool:
        """Whether the file is there."""

    def digest(self, output: str) -> str | None:
        """Of the file's content, if it is there."""

    def publish(self, made: Path, output: str) -> None:
        """Brings the file `made`, which is whole, to its place, where it replaces what is there.

        Raises `errors.Full` if there is no room, and `OSError`.
        """

    def remove_left_over(self, outputs: Iterable[str]) -> None:
        """Removes what killed runs have left of files on their way."""


def is_url(place: str) -> bool:
    """Whether `place` is to be understood by fsspec."""
    return "://" in place


def protocol(url: str) -> str:
    """What stands before ``://``."""
    return url.partition("://")[0]


def filesystem(url: str, storage: Mapping[str, Mapping[str, Any]]) -> tuple[Any, str]:
    """The file system of `url`, and the path in it; what other machines do is seen at once.

    Raises `errors.Usage` if there is none for the protocol.
    """
    options = dict(storage.get(protocol(url), {}))
    try:
        system, path = fsspec.url_to_fs(url, use_listings_cache=False, **options)
    except (ImportError, ValueError) as error:
        raise errors.Usage(f"{url}: {error}") from error
    return system, path


@contextlib.contextmanager
def telling_os_errors() -> Iterator[None]:
    """Raises `OSError` where a library of a store has errors of its own, too."""
    try:
        yield
    except (OSError, errors.Refused):
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error


def open_store(out: str, storage: Mapping[str, Mapping[str, Any]]) -> Store:
    """The store at `out`, a path or a URL.

    Raises `errors.Usage` if it may show half files.
    """
    if not is_url(out):
        return Folder(Path(out))
    if protocol(out) not in OBJECT_STORES:
        known = ", ".join(OBJECT_STORES)
        raise errors.Usage(
            f"{out}: outputs go to a folder that all machines share, or to an object store "
            f"({known}); {protocol(out)} may show half files"
        )
    return Bucket(*filesystem(out, storage))


class Folder:
    """A folder that is the same on all machines."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def exists(self, output: str) -> bool:
        """As `Store.exists`."""
        return (self._path / output).exists()

    def digest(self, output: str) -> str | None:
        """As `Store.digest`."""
        try:
            return digest.of_file(self._path / output)
        except FileNotFoundError:
            return None

    def publish(self, made: Path, output: str) -> None:
        """As `Store.publish`."""
        try:
            # What a symbolic link leads to is meant, not the link.
            place = Path(os.path.realpath(self._path / output))
            place.parent.mkdir(parents=True, exist_ok=True)
            _move(made, place)
            folder = os.open(place.parent, os.O_RDONLY)
            try:
                # Brings the new name on the disk, where the file system can.
                with contextlib.suppress(OSError):
                    os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            if errors.is_full(error):
                raise errors.Full(f"{self._path / output}: no space is left") from error
            raise

    def remove_left_over(self, outputs: Iterable[str]) -> None:
        """As `Store.remove_left_over`."""
        for output in outputs:
            place = self._path / output
            _remove_left_over(place.parent, place.name)


def _move(made: Path, place: Path) -> None:
    try:
        # The program has brought its content on the disk.
        os.replace(made, place)
        return
    except OSError as error:
        # Another file system.
        if error.errno != errno.EXDEV:
            raise
    _remove_left_over(place.parent, place.name)
    part, file = _aside(place)
    with file:
        try:
            with made.open("rb") as source:
                shutil.copyfileobj(source, file, _CHUNK)
            file.flush()
            os.fsync(file.fileno())
            os.replace(part, place)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def _aside(place: Path) -> tuple[Path, BinaryIO]:
    """A new file on its way to `place`, which is locked while it is open."""
    while True:
        part = place.with_name(f".{place.name}.{secrets.token_hex(3)}{_PART}")
        # The umask takes away what other new files do not have.
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        file = os.fdopen(descriptor, "wb")
        # Before it was locked, another run may have taken it for a leftover.
        if try_lock(descriptor) and part.exists():
            return part, file
        file.close()


def _remove_left_over(folder: Path, name: str) -> None:
    for part in folder.glob(f".{_escaped(name)}.??????{_PART}"):
        with contextlib.suppress(OSError), part.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


class Bucket:
    """A part of an object store."""

    def __init__(self, system: Any, path: str) -> None:  # noqa: ANN401
        self._system = system
        self._path = path.rstrip("/")

    def _key(self, output: str) -> str:
        return f"{self._path}/{output}"

    def exists(self, output: str) -> bool:
        """As `Store.exists`."""
        with telling_os_errors():
            return bool(self._system.exists(self._key(output)))

    def digest(self, output: str) -> str | None:
        """As `Store.digest`."""
        try:
            with telling_os_errors(), self._system.open(self._key(output), "rb") as file:
                return digest.of_stream(file)
        except FileNotFoundError:
            return None

    def publish(self, made: Path, output: str) -> None:
        """As `Store.publish`."""
        with telling_os_errors():
            self._system.put_file(str(made), self._key(output))
            there, size = self._system.info(self._key(output))["size"], made.stat().st_size
        if there != size:
            raise OSError(f"{self._key(output)} has {there} bytes, not {size}")

    def remove_left_over(self, outputs: Iterable[str]) -> None:
        """As `Store.remove_left_over`: uploads without an end cost, though nobody sees them."""
        if not hasattr(self._system, "list_multipart_uploads"):
            return
        bucket = self._path.partition("/")[0]
        keys = {self._key(output).partition("/")[2] for output in outputs}
        for upload in self._system.list_multipart_uploads(bucket) or ():
            if upload["Key"] in keys:
                self._system.call_s3(
                    "abort_multipart_upload",
                    Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"],
                )  # fmt: skip
