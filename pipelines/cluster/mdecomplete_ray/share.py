"""A part of a run, for arrays of jobs: each machine does its share, and all write one manifest."""

from __future__ import annotations

from collections.abc import Sequence

from . import digest, errors, plan
from .clip import Outcome, perform, record
from .manifest import Manifest, begin, open_manifest
from .order import Clip, Order
from .program import Line
from .show import Show, Tally
from .store import Store, open_store

ATTEMPTS = 3
"""How often a clip is tried whose machine or storage fails."""


def is_of_share(clip: Clip, index: int, count: int) -> bool:
    """Whether `clip` is in share `index` of `count`, the first of which is 0.

    By its name, so that files that come meanwhile move no clip to another share.
    """
    return int(digest.of_text(clip.output)[:12], 16) % count == index


def restore_share(
    inputs: Sequence[str],
    out: str,
    index: int,
    count: int,
    order: Order | None = None,
    *,
    is_json: bool = False,
) -> Tally:
    """Restores the clips of `inputs` that are in share `index` of `count` into `out`.

    What is done is not done again. Raises `errors.Failure`; what was done is there and
    written down.
    """
    order = order or Order()
    store = open_store(out, order.storage)
    clips = plan.gather(list(inputs), out, order)
    clips = [clip for clip in clips if is_of_share(clip, index, count)]
    manifest = open_manifest(out, order, may_resume=True, is_shared=True)
    show = Show(clips, is_json=is_json)
    tally = Tally()
    try:
        for note in manifest.notes:
            show.tell(note)
        plan.prepare(clips, manifest, store, order, is_alone=False)
        manifest.append(begin())
        for clip in clips:
            outcome = _attempted(clip, order, store, manifest, show)
            if outcome.kind != "skipped":
                manifest.append(outcome.record)
            show.ended(outcome)
            if outcome.kind == "full":
                raise errors.Full(outcome.record["reason"])
            tally.done += outcome.kind == "done"
            tally.skipped += outcome.kind == "skipped"
            tally.failed += outcome.kind == "failed"
    finally:
        manifest.close()
    return tally


def _attempted(clip: Clip, order: Order, store: Store, manifest: Manifest, show: Show) -> Outcome:
    def hear(line: Line) -> None:
        if line["record"] == "clip":
            manifest.append(line)
        show.heard(line)

    reason = ""
    for _ in range(ATTEMPTS):
        try:
            return perform(clip, order, manifest.records.get(clip.output), store, hear)
        except errors.Lost as lost:
            reason = str(lost)
    return Outcome("failed", record(clip, "failed", reason))
