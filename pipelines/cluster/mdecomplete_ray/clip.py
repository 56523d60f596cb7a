"""What is done for one clip, on the machine that has it."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from . import digest, errors, program
from .manifest import now
from .order import Clip, Order
from .program import Line
from .scratch import Scratch
from .store import Store, filesystem, is_url, telling_os_errors

# As the names of numbered pictures stand in a clip.
_NUMBERED = re.compile(r"%0?\d*d")

Tell = Callable[[Line], None]


@dataclass(frozen=True)
class Outcome:
    """What became of a clip."""

    kind: Literal["done", "skipped", "failed", "full"]
    record: Line


def record(clip: Clip, state: str, reason: str | None = None) -> Line:
    """A line of the manifest without figures."""
    line = {"record": "clip", "output": clip.output, "input": clip.input, "state": state}
    return {**line, **({"reason": reason} if reason else {}), "time": now()}


def perform(clip: Clip, order: Order, before: Line | None, store: Store, tell: Tell) -> Outcome:
    """Restores `clip`, unless `before` is the record of its being done, telling how far it is.

    What is wrong with the clip is its outcome. Raises `errors.Lost` where another attempt may
    do it.
    """
    try:
        with Scratch(order.scratch) as scratch:
            return _perform(clip, order, before, store, tell, scratch)
    except errors.Refused as refused:
        return Outcome("failed", record(clip, "failed", str(refused)))
    except errors.Full as full:
        return Outcome("full", record(clip, "queued", str(full)))
    except OSError as error:
        if errors.is_full(error):
            reason = f"the folder for what is on its way on {socket.gethostname()} is full"
            return Outcome("failed", record(clip, "failed", f"{reason}; --scratch names another"))
        raise errors.Lost(f"{clip.output}: {error}") from error


def _perform(
    clip: Clip, order: Order, before: Line | None, store: Store, tell: Tell, scratch: Scratch
) -> Outcome:
    if _NUMBERED.search(clip.input) or _NUMBERED.search(clip.output):
        raise errors.Refused("numbered pictures are restored by 'mdecomplete restore' alone")
    input = _fetched(clip, order, scratch.path)
    if before is not None and _is_done(clip, order, before, store, input, scratch.path):
        return Outcome("skipped", before)
    expected = Path(clip.output).name

    def hear(line: Line) -> None:
        if line["record"] == "clip":
            made = line.get("recipe", {}).get("model_sha256", clip.model_sha256)
            if made != clip.model_sha256:
                raise errors.Refused(
                    f"{socket.gethostname()} has another build of the plug-in, or another model, "
                    "than the machine where the run was begun"
                )
        # The end is told when the output is in its place.
        if line.get("state") not in ("done", "failed"):
            tell({**line, "output": clip.output, **_input(line, clip)})

    said = program.restore(order, input, scratch, hear)
    ended = {**said, "output": clip.output, "input": clip.input, "time": now()}
    if said["state"] == "failed":
        reason = said.get("reason", "")
        return Outcome("failed", {**ended, "reason": reason.replace(str(input), clip.input)})
    if said["output"] != expected:
        raise errors.Refused(f"{order.program} wrote {said['output']}, not {expected}")
    store.publish(scratch.path / "out" / expected, clip.output)
    return Outcome("done", ended)


def _input(line: Line, clip: Clip) -> Line:
    return {"input": clip.input} if "input" in line else {}


def _fetched(clip: Clip, order: Order, scratch: Path) -> Path:
    """The recording as a file, with the masks beside it."""
    if not is_url(clip.input):
        return Path(clip.input)
    system, path = filesystem(clip.input, order.storage)
    folder = scratch / "in"
    folder.mkdir()
    input = folder / path.rpartition("/")[2]
    stem = path.removesuffix(input.suffix)
    with telling_os_errors():
        try:
            system.get_file(path, str(input))
        except FileNotFoundError as error:
            raise errors.Refused(f"{clip.input} is not there") from error
        if system.exists(stem + ".mask.png"):
            system.get_file(stem + ".mask.png", str(input.with_suffix(".mask.png")))
        if system.isdir(stem + ".mask"):
            system.get(stem + ".mask/", str(input.with_suffix(".mask")) + os.sep, recursive=True)
    return input


def _is_done(
    clip: Clip, order: Order, before: Line, store: Store, input: Path, scratch: Path
) -> bool:
    """Whether the output came of the same, in the same way, and is there.

    Raises `errors.Refused` if a file is in the way that is not to be replaced.
    """
    if before["state"] != "done":
        return False
    there = store.digest(clip.output)
    if there is None:
        return False
    is_ours = there == before.get("output_sha256")
    if not is_ours and not order.force:
        raise errors.Refused(
            f"{clip.output}: this file was changed since it was written; --force replaces it"
        )
    try:
        is_of_it = _recipe(before, "input_sha256") == digest.of_file(input)
    except (FileNotFoundError, PermissionError) as error:
        raise errors.Refused(f"{clip.input}: {error.strerror}") from error
    if not is_of_it and before["input"] != clip.input and not order.force:
        raise errors.Refused(
            f"{clip.output}: this file came of {before['input']}; --force replaces it"
        )
    if not (is_ours and is_of_it and _recipe(before, "model_sha256") == clip.model_sha256):
        return False
    [listed] = program.listed(order, [str(input)], str(scratch / "out"), scratch)
    return _recipe(before, "settings") == listed.settings


def _recipe(before: Line, name: str) -> object:
    return before.get("recipe", {}).get(name)
