"""A run on a Ray cluster: each clip is a task.

The driver alone writes the manifest; the tasks bring outputs to their place. So whatever dies, what
is written down as done is there, and what is not is done again, with the same bytes.
"""

from __future__ import annotations

import os
import socket
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from . import digest, errors, plan
from .clip import Outcome, perform, record
from .manifest import Manifest, begin, open_manifest
from .order import Clip, Order
from .program import Line
from .show import Show, Tally
from .store import Store, is_url, open_store

NAMESPACE = "mdecomplete_ray"
"""Of what runs of different drivers see of each other."""

_TICK = 0.5
"""Seconds between looks at what has happened."""
_WINDOW = 50_000
"""Tasks that Ray is given at once: enough for any cluster to fill, and for autoscalers to see."""
_PACE = 5.0
"""Seconds between what a task tells of its progress, at least."""
_CALLS = 100
"""How many tasks tell of it in a second, at most: all tell it to one desk."""
_PATIENCE = 10.0
"""Seconds in which a head answers."""
_GRACE = 60.0
"""Seconds in which tasks that are stopped have cleaned up."""


@dataclass(frozen=True)
class Resources:
    """What Ray reserves for a clip while it is restored."""

    cpus: float = 1
    """Processors."""
    gpus: float = 0
    """Graphics processors; a part of one lets several clips share it."""
    memory: int | None = None
    """Bytes of memory."""
    custom: Mapping[str, float] = field(default_factory=dict)
    """Resources that nodes were started with, by their names."""
    retries: int = 3
    """How often a clip is begun again whose worker, node or storage fails."""


@ray.remote(num_cpus=0, max_restarts=-1)
class Desk:
    """Where tasks tell how far they are. There is one for each folder that a run works in."""

    def __init__(self) -> None:
        self._lines: list[Line] = []

    def tell(self, line: Line) -> None:
        """Takes a line."""
        self._lines.append(line)

    def take(self) -> list[Line]:
        """Gives what was told since."""
        lines, self._lines = self._lines, []
        return lines


@ray.remote
def _restore(
    clip: Clip,
    order: Order,
    before: Line | None,
    store: Store,
    desk: Any,  # noqa: ANN401
    pace: float,
) -> tuple[Outcome, str]:
    """What became of `clip`, and on which node; the desk hears of progress each `pace` seconds."""
    node: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]

    told = float("-inf")

    def tell(line: Line) -> None:
        nonlocal told
        if line["record"] == "progress":
            if time.monotonic() - told < pace:
                return
            told = time.monotonic()
        # Nobody waits for it: a desk that has died with its node comes back.
        desk.tell.remote(line)

    tell({"record": "task", "output": clip.output, "node": node, "pid": os.getpid()})
    return perform(clip, order, before, store, tell), node


def restore_on_ray(
    inputs: Sequence[str],
    out: str,
    order: Order | None = None,
    *,
    resources: Resources | None = None,
    resume: bool = False,
    address: str | None = "auto",
    is_json: bool = False,
    on_connected: Callable[[], None] = lambda: None,
) -> Tally:
    """Restores the clips of `inputs` into `out` on the Ray cluster at `address`.

    `inputs` are as for ``mdecomplete restore``, and URLs; `out` is a folder that is the same on all
    machines, or a URL of an object store. Clips that fail are counted. Raises `errors.Failure` if
    there was no work, or an end before all of it: what was done is there and written down.
    `on_connected` is called when Ray has set signal handlers of its own.
    """
    order = order or Order()
    resources = resources or Resources()
    out = out if is_url(out) else os.path.abspath(out)  # noqa: PTH100
    store = open_store(out, order.storage)
    clips = plan.gather(list(inputs), out, order)
    with _connected(address):
        on_connected()
        manifest = open_manifest(out, order, may_resume=resume, is_shared=False)
        try:
            plan.prepare(clips, manifest, store, order, is_alone=True)
            show = Show(clips, is_json=is_json)
            for note in manifest.notes:
                show.tell(note)
            desk = _desk(out)
            run = _Run(clips, order, resources, store, manifest, show, desk)
            return run.work()
        finally:
            manifest.close()


@contextmanager
def _connected(address: str | None) -> Iterator[None]:
    """In touch with the cluster, unless the program that uses this is already."""
    if ray.is_initialized():
        yield
        return
    _want_head(address)
    try:
        # It warns of what later versions will do with graphics processors.
        warnings.filterwarnings("ignore", category=FutureWarning, module="ray")
        # What the worker processes print is told by the desk.
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", namespace=NAMESPACE)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise errors.NoCluster(f"the Ray cluster '{address}': {error}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _want_head(address: str | None) -> None:
    """Raises `errors.NoCluster` if nothing is at a given address: Ray would end the process."""
    host, _, port = (address or "").rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=_PATIENCE).close()
    except OSError as error:
        raise errors.NoCluster(f"the Ray cluster '{address}': {error}") from error


def _desk(out: str) -> Any:  # noqa: ANN401
    """The desk of a run, which ends with it. No other run of this cluster has the same folder."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    name = f"desk-{digest.of_text(out)}"
    try:
        desk = Desk.options(  # type: ignore[attr-defined]
            name=name, namespace=NAMESPACE, scheduling_strategy=here
        ).remote()
    except ValueError as error:
        raise errors.BadOutput(f"{out}: another run works in this folder") from error
    ray.get(desk.take.remote())
    return desk


class _Run:
    """The clips of a run on their way through the cluster."""

    def __init__(
        self,
        clips: list[Clip],
        order: Order,
        resources: Resources,
        store: Store,
        manifest: Manifest,
        show: Show,
        desk: Any,  # noqa: ANN401
    ) -> None:
        # The longest first, so that none keeps a cluster waiting at the end.
        self._waiting = deque(sorted(clips, key=lambda clip: -clip.size))
        self._running: dict[Any, Clip] = {}
        self._order = ray.put(order)
        self._store = ray.put(store)
        self._manifest = manifest
        self._show = show
        self._desk = desk
        self._pace = max(_PACE, min(len(clips), _WINDOW) / _CALLS)
        self._heard: Any = None
        self._tally = Tally()
        self._options = {
            "num_cpus": resources.cpus,
            "num_gpus": resources.gpus,
            "memory": resources.memory,
            "resources": dict(resources.custom),
            "max_retries": resources.retries,
            "retry_exceptions": [errors.Lost],
        }

    def work(self) -> Tally:
        """Restores all clips, or stops and raises what is in the way."""
        queued = [record(clip, "queued") for clip in self._waiting if not self._was_done(clip)]
        self._manifest.append(begin(), *queued)
        try:
            while self._waiting or self._running:
                self._submit()
                ready, _ = ray.wait(
                    list(self._running), num_returns=len(self._running), timeout=_TICK
                )
                heard = self._heard_lines()
                ended = [self._ended(task) for task in ready]
                # The disk is waited for once for all that has happened meanwhile.
                self._manifest.append(
                    *(line for line in heard if line["record"] == "clip"),
                    *(outcome.record for outcome, _ in ended if outcome.kind != "skipped"),
                )
                for line in heard:
                    self._show.heard(line)
                for outcome, node in ended:
                    self._count(outcome, node)
                self._show.pace()
        except BaseException:
            self._stop()
            raise
        return self._tally

    def _was_done(self, clip: Clip) -> bool:
        before = self._manifest.records.get(clip.output)
        return before is not None and before["state"] == "done"

    def _submit(self) -> None:
        while self._waiting and len(self._running) < _WINDOW:
            clip = self._waiting.popleft()
            before = self._manifest.records.get(clip.output)
            options = {**self._options, "name": f"restore {clip.output}"}
            task = _restore.options(**options).remote(
                clip, self._order, before, self._store, self._desk, self._pace
            )
            self._running[task] = clip

    def _heard_lines(self) -> list[Line]:
        """What the desk was told, without waiting for it."""
        if self._heard is None:
            self._heard = self._desk.take.remote()
        if not ray.wait([self._heard], timeout=0)[0]:
            return []
        heard, self._heard = self._heard, None
        try:
            lines = ray.get(heard)
        except ray.exceptions.RayActorError:
            return []
        outputs = {clip.output for clip in self._running.values()}
        # What comes late says nothing new.
        return [line for line in lines if line["output"] in outputs]

    def _ended(self, task: Any) -> tuple[Outcome, str | None]:  # noqa: ANN401
        """What became of a clip, and on which node."""
        clip = self._running.pop(task)
        try:
            outcome, node = ray.get(task)
        except (ray.exceptions.RayError, errors.Lost) as error:
            return Outcome("failed", record(clip, "failed", _reason(error))), None
        return outcome, node

    def _count(self, outcome: Outcome, node: str | None) -> None:
        self._show.ended(outcome, node)
        if outcome.kind == "full":
            self._tally.stopped += 1
            raise errors.Full(outcome.record["reason"])
        self._tally.done += outcome.kind == "done"
        self._tally.skipped += outcome.kind == "skipped"
        self._tally.failed += outcome.kind == "failed"

    def _stop(self) -> None:
        """Lets all tasks clean up and end."""
        for task in self._running:
            ray.cancel(task, force=False, recursive=False)
        ray.wait(list(self._running), num_returns=len(self._running), timeout=_GRACE)
        self._tally.stopped += len(self._running) + len(self._waiting)
        self._show.tell(f"{self._tally}; --resume goes on")


def _reason(error: Exception) -> str:
    """In one line, why a task has no outcome."""
    cause = error.cause if isinstance(error, ray.exceptions.RayTaskError) else error
    text = " ".join(str(cause).split())
    return text if isinstance(cause, errors.Lost) else f"{type(cause).__name__}: {text}"
