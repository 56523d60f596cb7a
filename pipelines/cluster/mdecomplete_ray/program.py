"""The program ``mdecomplete restore``, run for one clip."""

from __future__ import annotations

import json
import os
import select
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import errors
from .order import Order
from .scratch import Scratch

Line = dict[str, Any]
"""A line of a manifest, or of what the program says with ``--json``."""

_TICK = 0.2
"""Seconds until it is looked whether this process is to stop."""
_GRACE = 30.0
"""Seconds in which a program that is asked to stop has cleaned up."""


@dataclass(frozen=True)
class Listed:
    """What the program would make of a recording."""

    input: str
    output: str
    settings: dict[str, str]
    model_sha256: str


def listed(order: Order, inputs: list[str], out: str, folder: Path) -> list[Listed]:
    """What would come of `inputs` in the folder `out`; `folder` is for files meanwhile.

    Raises `errors.Failure` with the program's words.
    """
    # An argument for each would be too many for the kernel.
    inputs_file = folder / "inputs.txt"
    inputs_file.write_text("".join(f"{input}\n" for input in inputs))
    command = [order.program, "restore", f"@{inputs_file}", "--out", out, "--list"]
    try:
        ended = subprocess.run(
            [*command, *order.arguments()], capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise errors.Usage(f"{order.program} cannot be run: {error.strerror}") from error
    if ended.returncode != 0:
        failure = errors.Failure(_last_words(ended.stderr) or f"exit code {ended.returncode}")
        failure.exit_code = max(ended.returncode, 1)
        raise failure
    lines = (json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{"))
    names = ("input", "output", "settings", "model_sha256")
    return [Listed(**{name: line[name] for name in names}) for line in lines]


def restore(order: Order, input: Path, scratch: Scratch, hear: Callable[[Line], None]) -> Line:
    """Restores `input` into the folder ``out`` in `scratch`, and gives its last record.

    `hear` is told the lines that the program writes meanwhile. Raises `errors.Lost` if the program
    was killed, and `errors.Refused` with its words where it did not get to the clip. However it
    ends, the program has ended, too.
    """
    words = scratch.path / "words.txt"
    command = [order.program, "restore", str(input), "--out", str(scratch.path / "out"), "--json"]
    command += [*order.arguments(), "--jobs", str(order.jobs), "--threads", str(order.threads)]
    command += ["--nice", str(order.nice)]
    record: Line | None = None
    with words.open("wb") as stderr, _running(command, stderr.fileno(), scratch.lock) as child:
        for line in _lines(child):
            # Libraries may write there too.
            if not line.startswith(b"{"):
                continue
            said: Line = json.loads(line)
            if said.get("record") == "clip":
                record = said
            hear(said)
        code = child.wait()
    if code < 0 or code > 128:
        raise errors.Lost(
            f"{order.program} was ended by signal {-code if code < 0 else code - 128}"
        )
    if record is None or record["state"] not in ("done", "failed"):
        said_last = _last_words(words.read_text(errors="replace"))
        raise errors.Refused(said_last or f"{order.program} ended with exit code {code}")
    return record


@contextmanager
def _running(command: list[str], stderr: int, lock: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is asked to stop at the end of the ``with``, and when this one dies."""
    leash = ["setpriv", "--pdeathsig", "TERM", "--"]
    try:
        child = subprocess.Popen(
            leash + command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
            pass_fds=(lock,),
        )  # fmt: skip
    except OSError as error:
        raise errors.Refused(f"setpriv (of util-linux) cannot be run: {error.strerror}") from error
    try:
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(_GRACE)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if child.stdout:
            child.stdout.close()


def _lines(child: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """What a process writes, as it comes.

    Nothing waits for long: Ray interrupts a task between two steps of Python, not in a system call.
    """
    begun = b""
    while child.stdout:
        if not select.select([child.stdout], [], [], _TICK)[0]:
            continue
        if not (said := os.read(child.stdout.fileno(), 1 << 16)):
            return
        *whole, begun = (begun + said).split(b"\n")
        yield from whole


def _last_words(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("mdecomplete: ") if lines else ""
