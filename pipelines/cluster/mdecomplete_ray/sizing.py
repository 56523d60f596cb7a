"""``python -m mdecomplete_ray.sizing``: what a cluster restores in a night, and for how much."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import errors
from .show import clock


@dataclass(frozen=True)
class Pace:
    """How long what is in a manifest took."""

    clips: int
    film: float
    """Seconds that the recordings play."""
    work: float
    """Seconds that their restoration took, each by itself."""

    @property
    def factor(self) -> float:
        """Seconds of work for a second of film."""
        return self.work / self.film


def pace(lines: Iterable[str]) -> Pace:
    """Of the lines of a manifest, each clip once. Raises `errors.BadInput` if there is none."""
    done: dict[str, tuple[float, float]] = {}
    for text in lines:
        try:
            line = json.loads(text)
            if line["record"] == "clip" and line["state"] == "done":
                figures = line["figures"]
                done[line["output"]] = (float(figures["duration"]), float(figures["seconds"]))
        except (ValueError, TypeError, KeyError):
            # A torn line, or a recording of which nobody knows how long it is.
            continue
    film = sum(duration for duration, _ in done.values())
    if film <= 0:
        raise errors.BadInput("no recording is done of which it is known how long it plays")
    return Pace(len(done), film, sum(seconds for _, seconds in done.values()))


def told(pace: Pace, places: int, nodes: int, night: float, price: float | None) -> str:
    """In words: `night` in hours, `price` of a node for an hour."""
    hours = nodes * places * night / pace.factor
    lines = [
        f"{pace.clips} clips: {clock(pace.film)} of film in {clock(pace.work)} of work, "
        f"{pace.factor:.2f} s for each second",
        f"{nodes} x {places} clips at once for {night:g} hours: {hours:.1f} hours of film",
    ]
    if price is not None:
        lines.append(f"an hour of film costs {price * pace.factor / places:.2f}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line, and gives its exit code."""
    parser = argparse.ArgumentParser(prog="mdecomplete_ray.sizing", description=__doc__)
    parser.add_argument("manifest", type=Path, help="of a run like the one that is planned")
    parser.add_argument(
        "--places", type=int, default=1, metavar="N", help="clips at once on a node"
    )
    parser.add_argument("--nodes", type=int, default=1, metavar="N")
    parser.add_argument("--night", type=float, default=9, metavar="HOURS", help="(9)")
    parser.add_argument("--price", type=float, help="of a node for an hour")
    asked = parser.parse_args(arguments)
    try:
        with asked.manifest.open() as lines:
            print(told(pace(lines), asked.places, asked.nodes, asked.night, asked.price))
    except (OSError, errors.BadInput) as error:
        print(f"{asked.manifest}: {error}", file=sys.stderr)
        return errors.BadInput.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
