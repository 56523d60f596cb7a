"""``python -m mdecomplete_ray``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import fsspec

from . import errors
from .order import Order
from .share import restore_share
from .show import Tally

CODES = """\
Exit codes: 0 all clips are restored, now or before; 1 a clip failed, the others are restored;
2 the command is wrong; 3 a file that it names cannot be used; 4 the folder cannot be written, or is
full; 5 the cluster cannot be reached; 129, 130, 143 interrupted by SIGHUP, SIGINT, SIGTERM. After
1, 4, 5 and interruptions, whatever they were, the same command with --resume does what is left.
"""


def parser() -> argparse.ArgumentParser:
    """What can be said on the command line."""
    parser = argparse.ArgumentParser(
        prog="mdecomplete_ray",
        description="Restores recordings on the machines of a Ray cluster, as "
        "'mdecomplete restore' does on one, and with the same manifest.",
        epilog=CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("inputs", nargs="+", metavar="INPUT",
        help="recordings, folders, patterns, @LIST, on a file system that all machines share; or "
        "URLs of these, such as s3://bucket/films")  # fmt: skip
    add(
        "--out",
        required=True,
        metavar="FOLDER",
        help="a shared folder, or a URL of an object store",
    )
    as_there = parser.add_argument_group("as for 'mdecomplete restore'")
    add = as_there.add_argument
    add("--set", dest="settings", action="append", default=[], metavar="PROPERTY=VALUE")
    add("--preset", dest="presets", action="append", default=[])
    add("--codec")
    add("--segments", type=_seconds, metavar="SECONDS")
    add("--transcode-audio", action="store_true")
    add("--drop-subtitles", action="store_true")
    add("--resume", action="store_true")
    add("--force", action="store_true")
    add("--threads", type=_positive, default=1, metavar="N", help="of an inference (1)")
    add("--nice", type=int, default=0, choices=range(20), metavar="N")
    add("--json", action="store_true")
    clip = parser.add_argument_group("for each clip")
    add = clip.add_argument
    add("--cpus", type=float, default=1, metavar="N",
        help="processors that Ray reserves; as many segments of a long recording are restored side "
        "by side (1)")  # fmt: skip
    add("--gpus", type=float, default=0, metavar="N", help="graphics processors, also parts (0)")
    add("--memory", type=float, metavar="GB", help="memory that Ray reserves")
    add("--resource", action="append", default=[], metavar="NAME=N",
        help="a resource that nodes were started with")  # fmt: skip
    add("--retries", type=int, default=3, metavar="N",
        help="how often it is begun again whose worker, node or storage fails (3)")  # fmt: skip
    there = parser.add_argument_group("machines")
    add = there.add_argument
    add("--address", default="auto",
        help="of the cluster; 'local' begins one of this machine (auto: RAY_ADDRESS, or the one "
        "that runs here)")  # fmt: skip
    add("--program", default=os.environ.get("MDECOMPLETE", "mdecomplete"), metavar="FILE",
        help="the program mdecomplete on all machines (MDECOMPLETE, or found by PATH)")  # fmt: skip
    add("--scratch", metavar="FOLDER", help="for what is on its way, on each machine (TMPDIR)")
    add("--share", type=_share, metavar="I/N",
        help="does the I-th of N shares, from 0, without Ray, for arrays of jobs")  # fmt: skip
    return parser


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


def _seconds(text: str) -> float:
    if not 0 <= (seconds := float(text)) <= 1e9:
        raise ValueError
    return seconds


def _share(text: str) -> tuple[int, int]:
    index, count = map(int, text.split("/"))
    if not 0 <= index < count:
        raise ValueError
    return index, count


def _resource(text: str) -> tuple[str, float]:
    name, _, amount = text.partition("=")
    try:
        return name, float(amount)
    except ValueError as error:
        raise errors.Usage(f"--resource {text}: NAME=N is wanted") from error


def order(told: argparse.Namespace) -> Order:
    """What the command line says of each clip."""
    return Order(
        settings=tuple(told.settings),
        presets=tuple(told.presets),
        codec=told.codec,
        transcode_audio=told.transcode_audio,
        drop_subtitles=told.drop_subtitles,
        force=told.force,
        segments=told.segments,
        jobs=max(int(told.cpus / told.threads), 1),
        threads=told.threads,
        nice=told.nice,
        program=told.program,
        scratch=told.scratch,
        # What this machine knows of stores, the others are told.
        storage=dict(fsspec.config.conf),
    )


def run(told: argparse.Namespace) -> Tally:
    """Does what the command line says. Raises `errors.Failure`."""
    _listen()
    if told.share:
        index, count = told.share
        return restore_share(told.inputs, told.out, index, count, order(told), is_json=told.json)
    from .cluster import Resources, restore_on_ray

    resources = Resources(
        cpus=told.cpus,
        gpus=told.gpus,
        memory=int(told.memory * 1e9) if told.memory else None,
        custom=dict(map(_resource, told.resource)),
        retries=told.retries,
    )
    return restore_on_ray(
        told.inputs, told.out, order(told), resources=resources, resume=told.resume,
        address=told.address, is_json=told.json, on_connected=_listen,
    )  # fmt: skip


_heard: list[int] = []
"""Signals; Ray passes on that something interrupted it, but not what."""


def _listen() -> None:
    """Lets signals end the run in order."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for known in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            # While it ends it is not asked to again.
            signal.signal(known, signal.SIG_IGN)
        _heard.append(number)
        raise KeyboardInterrupt

    for known in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(known, interrupt)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line, and gives its exit code."""
    told = parser().parse_args(arguments)
    try:
        tally = run(told)
    except KeyboardInterrupt:
        return 128 + (_heard or [signal.SIGINT])[0]
    except errors.Failure as failure:
        print(f"mdecomplete_ray: {failure}", file=sys.stderr)
        return failure.exit_code
    if not told.json:
        print(tally)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
