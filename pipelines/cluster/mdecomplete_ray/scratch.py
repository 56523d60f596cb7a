"""Folders for what is on its way on one machine.

Whoever works in such a folder, and each process that it starts, holds a lock on it, which ends with
them, however that is. A folder that nobody holds is left over from a killed worker, and goes when
the next one begins.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType

PREFIX = "mdecomplete-ray-"


class Scratch:
    """An empty folder, removed at the end of the ``with`` statement."""

    def __init__(self, root: str | None) -> None:
        self._root = Path(root or tempfile.gettempdir())

    def __enter__(self) -> Scratch:
        """Makes the folder, and removes what killed workers have left beside it.

        Raises `OSError` where there can be none.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        for left in self._root.glob(PREFIX + "*"):
            _remove_left_over(left)
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self._root))
            # The descriptor is for the program, too, which ends after its worker.
            self.lock = os.open(self.path, os.O_RDONLY)
            # Before it was locked, another worker may have taken it for a leftover.
            if try_lock(self.lock) and self.path.exists():
                return self
            os.close(self.lock)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Removes the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.lock)


def try_lock(descriptor: int) -> bool:
    """Locks an open file, unless another has: then it says no.

    Where a file system has no locks it says yes: there, no leftovers are removed either.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _remove_left_over(folder: Path) -> None:
    with contextlib.suppress(OSError):
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
