"""What a file's content is known by."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 20


def of_stream(stream: BinaryIO) -> str:
    """The SHA-256 of what `stream` gives, in hexadecimal digits."""
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def of_file(path: Path) -> str:
    """The SHA-256 of the content of the file `path`, in hexadecimal digits."""
    with path.open("rb") as file:
        return of_stream(file)


def of_text(text: str) -> str:
    """The SHA-256 of `text`, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
