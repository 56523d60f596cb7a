"""How far a run is: lines for people, JSON for machines."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass

from .clip import Outcome
from .order import Clip
from .program import Line

_PACE = 10.0
"""Seconds between lines about the whole run."""


@dataclass
class Tally:
    """What became of the clips of a run."""

    done: int = 0
    """Restored now."""
    skipped: int = 0
    """Restored before."""
    failed: int = 0
    """Without an output."""
    stopped: int = 0
    """Not begun, or interrupted."""

    def __str__(self) -> str:
        """In words."""
        text = f"{self.done} clip{'' if self.done == 1 else 's'} restored"
        for count, what in [
            (self.skipped, "were so before"),
            (self.failed, "failed"),
            (self.stopped, "interrupted"),
        ]:
            text += f", {count} {what}" if count else ""
        return text


class Show:
    """Tells how far a run is."""

    def __init__(self, clips: list[Clip], *, is_json: bool) -> None:
        self._is_json = is_json
        self._sizes = {clip.output: clip.size for clip in clips}
        self._shares: dict[str, float] = {}
        self._all = sum(self._sizes.values())
        self._done = 0.0
        """Bytes of recordings that are through, all and in parts."""
        self._free = 0
        """Bytes that cost nothing."""
        self._ended = 0
        self._start = self._last = time.monotonic()

    def tell(self, text: str) -> None:
        """Something for people."""
        print(text, file=sys.stderr, flush=True)

    def heard(self, line: Line) -> None:
        """A worker says how far it is."""
        output = line["output"]
        if line["record"] == "progress":
            position, duration = line.get("position", 0.0), line.get("duration")
            self._advance(output, min(position / max(duration, 1e-9), 0.999) if duration else 0.0)
            line = {**line, "overall": self._share(), "left": self._left()}
        self._print(line)
        self.pace()

    def ended(self, outcome: Outcome, node: str | None = None) -> None:
        """A clip has come to its end."""
        record = outcome.record
        output = record["output"]
        self._ended += 1
        self._advance(output, 1.0)
        where = f" on {node}" if node else ""
        count = f"[{self._ended}/{len(self._sizes)}]"
        if outcome.kind == "skipped":
            self._free += self._sizes[output]
            self._print({"record": "skipped", "output": output})
        else:
            self._print(record)
        if outcome.kind == "done":
            made = record["figures"]
            self.tell(
                f"{count} {output}: {made['completed']} of {made['frames']} frames completed, "
                f"in {clock(made['seconds'])}{where}"
            )
        elif outcome.kind == "failed":
            self.tell(f"{count} failed{where}: {record['input']}: {record.get('reason', '')}")
        self.pace()

    def pace(self) -> None:
        """Tells how far the run is, if that was not done lately."""
        if self._is_json or time.monotonic() - self._last < _PACE:
            return
        self._last = time.monotonic()
        left = self._left()
        end = "" if left is None else f", {clock(left)} left"
        clips = f"{self._ended} of {len(self._sizes)} clips"
        self.tell(f"{clips}, {100 * self._share():.0f} %{end}")

    def _print(self, line: Line) -> None:
        if self._is_json:
            print(json.dumps(line, ensure_ascii=False), flush=True)

    def _advance(self, output: str, share: float) -> None:
        self._done += (share - self._shares.get(output, 0.0)) * self._sizes[output]
        self._shares[output] = share

    def _share(self) -> float:
        return min(self._done / max(self._all, 1), 1.0)

    def _left(self) -> float | None:
        """Seconds that the rest will take, as what was done now took."""
        done = self._done - self._free
        rest = self._all - self._free - done
        # Of the first moments nothing follows.
        if done <= 0.01 * (done + rest):
            return None
        return (time.monotonic() - self._start) * rest / done


def clock(seconds: float) -> str:
    """Seconds as a clock shows them."""
    whole = round(seconds)
    minutes, hours = whole // 60 % 60, whole // 3600
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
