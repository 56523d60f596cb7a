"""Runs on a cluster: whatever dies, the outputs are those of an undisturbed run on one machine."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import (
    OUTPUTS,
    PROGRAM,
    TESTS,
    Bench,
    Gate,
    children,
    digests,
    is_alive,
    kill,
    lines,
    no_scratch,
    states,
    until,
)


def gated(cluster: Bench, gate: Gate, films: Path, out: Path, *more: str) -> tuple[Any, int]:
    """A driver, and the worker whose clip waits: the largest, which comes first."""
    # Workers have the environment of their nodes: the gate is told by a script.
    program = gate.folder / "program.sh"
    variables = " ".join(f"{name}={value}" for name, value in gate.environment().items())
    program.write_text(f'#!/bin/sh\n{variables} exec {TESTS / "gate.sh"} "$@"\n')
    program.chmod(0o755)
    run = cluster.on_ray(films, out, "--program", str(program), *more)
    return run, gate.reached()


def test_many_machines_do_what_one_does(
    cluster: Bench, films: Path, tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    """And both go on with what the other has begun."""
    (films / "broken.mp4").write_text("no recording")
    (films / "notes.txt").write_text("found in the attic")
    out = tmp_path / "out"
    run = cluster.ended_on_ray(films, out)
    assert run.process.returncode == 1, run.errors
    assert "failed" in run.errors and "broken.mp4" in run.errors
    assert digests(out) == undisturbed
    assert states(out, "one.mkv") == ["queued", "running", "done"]
    assert states(out, "broken.mkv")[-1] == "failed"
    records = [line["record"] for line in run.said()]
    assert {"task", "progress", "clip"} <= set(records)

    again = cluster.ended_on_ray(films, out, "--resume")
    skipped = [line["output"] for line in again.said() if line["record"] == "skipped"]
    assert sorted(skipped) == OUTPUTS
    (films / "broken.mp4").unlink()
    alone = cluster.alone(films, out, "--resume")
    assert alone.process.returncode == 0, alone.errors
    assert "0 clips restored, 3 were so before" in alone.output
    assert states(out, "one.mkv") == ["queued", "running", "done"]
    assert list(cluster.scratch.iterdir()) == []


def test_what_was_begun_on_one_machine_goes_on_on_many(
    cluster: Bench, films: Path, tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    """A changed output is not replaced, a missing one is made again."""
    out = tmp_path / "out"
    assert cluster.alone(films, out).process.returncode == 0
    (out / "one.mkv").write_text("changed")
    (out / "deep/three.mkv").unlink()
    run = cluster.ended_on_ray(films, out)
    assert run.process.returncode == 4
    assert "--resume goes on with it" in run.errors
    run = cluster.ended_on_ray(films, out, "--resume")
    assert run.process.returncode == 1, run.errors
    assert "was changed since" in run.errors
    assert (out / "one.mkv").read_text() == "changed"
    assert states(out, "deep/two.mkv") == ["queued", "running", "done"]
    run = cluster.ended_on_ray(films, out, "--resume", "--force")
    assert run.process.returncode == 0, run.errors
    assert digests(out) == undisturbed


def test_segments_join_as_on_one_machine(cluster: Bench, film: Path, tmp_path: Path) -> None:
    """To the same bytes, whatever their number at once."""
    out, alone = tmp_path / "out", tmp_path / "alone"
    assert cluster.alone(film, alone, "--segments", "1", "--jobs", "2").process.returncode == 0
    run = cluster.ended_on_ray(film, out, "--segments", "1")
    assert run.process.returncode == 0, run.errors
    assert digests(out) == digests(alone)
    [done] = [line for line in lines(out) if line["state"] == "done"]
    assert done["recipe"]["settings"]["segments"] == "1"
    assert not any("as one" in note for note in done.get("notes", []))


def test_a_killed_worker_is_replaced(
    cluster: Bench, gate: Gate, films: Path, tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    """Its clip is begun again, and the program that it had started ends."""
    out = tmp_path / "out"
    run, worker = gated(cluster, gate, films, out)
    started = children(worker)
    assert started
    kill(worker)
    for pid in started:
        until(lambda pid=pid: not is_alive(pid), "the end of the worker's program")
    assert run.end() == 0, run.errors
    assert digests(out) == undisturbed
    begun = [line["output"] for line in run.said() if line["record"] == "task"]
    assert begun.count("one.mkv") == 2
    assert list(cluster.scratch.iterdir()) == []


def test_a_clip_that_kills_its_workers_does_not_stop_the_others(
    cluster: Bench, films: Path, tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    """It fails when it has killed as many as it may."""
    (films / "poison.webm").write_bytes((films / "one.webm").read_bytes())
    out = tmp_path / "out"
    program = tmp_path / "program.sh"
    killed = tmp_path / "killed"
    program.write_text(
        f'#!/bin/sh\nGATED={PROGRAM} KILLED={killed} exec {TESTS / "poison.sh"} "$@"\n'
    )
    program.chmod(0o755)
    run = cluster.ended_on_ray(films, out, "--program", str(program), "--retries", "1")
    assert run.process.returncode == 1, run.errors
    assert digests(out) == undisturbed
    assert states(out, "poison.mkv")[-1] == "failed"
    assert len(killed.read_text().split()) == 2
    assert "WorkerCrashedError" in run.errors


def test_a_lost_node_is_done_without(
    cluster: Bench,
    nodes: Any,  # noqa: ANN401
    gate: Gate,
    films: Path,
    tmp_path: Path,
    undisturbed: dict[str, str],
) -> None:
    """What it was at is done by another."""
    out = tmp_path / "out"
    lost = nodes.add_node(num_cpus=1, resources={"doomed": 1}, **nodes.small)
    nodes.wait_for_nodes()
    films_of_it = films / "one.webm"
    # Only that node can have it at first.
    run, worker = gated(cluster, gate, films_of_it, out, "--resource", "doomed=1")
    nodes.remove_node(lost, allow_graceful=False)
    until(lambda: not is_alive(worker), "the end of the worker")
    nodes.add_node(num_cpus=1, resources={"doomed": 1}, **nodes.small)
    assert run.end() == 0, run.errors
    assert digests(out) == {"one.mkv": undisturbed["one.mkv"]}
    begun = [line["output"] for line in run.said() if line["record"] == "task"]
    assert begun.count("one.mkv") == 2


def test_a_killed_driver_is_gone_on_with(
    cluster: Bench, gate: Gate, films: Path, tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    """Nothing is done twice that was done, and nothing is left over."""
    out = tmp_path / "out"
    run, worker = gated(cluster, gate, films, out)
    started = children(worker)
    done = "deep/two.mkv"
    until(lambda: states(out, done)[-1:] == ["done"], "another clip")
    kill(run.process.pid)
    for pid in (worker, *started):
        until(lambda pid=pid: not is_alive(pid), "the end of the worker and its program")
    assert "one.mkv" not in digests(out)
    again = cluster.ended_on_ray(films, out, "--resume")
    assert again.process.returncode == 0, again.errors
    assert digests(out) == undisturbed
    assert states(out, done).count("running") == 1
    # What a worker has left that died late goes with the next.
    until(lambda: no_scratch(cluster.scratch), "the end of all workers")


def test_a_run_that_is_asked_to_stop_cleans_up(
    cluster: Bench, gate: Gate, films: Path, tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    """And meanwhile no other run has its folder."""
    out = tmp_path / "out"
    run, worker = gated(cluster, gate, films, out)
    started = children(worker)
    second = cluster.ended_on_ray(films, out, "--resume")
    assert second.process.returncode == 4
    assert "another run works in this folder" in second.errors
    os.kill(run.process.pid, signal.SIGTERM)
    assert run.end() == 143, run.errors
    assert "--resume goes on" in run.errors
    assert not any(map(is_alive, started))
    assert list(cluster.scratch.iterdir()) == []
    assert states(out, "one.mkv")[-1] == "queued"
    again = cluster.ended_on_ray(films, out, "--resume")
    assert again.process.returncode == 0, again.errors
    assert digests(out) == undisturbed


def test_without_a_cluster_it_is_said(bench: Bench, films: Path, tmp_path: Path) -> None:
    """With an exit code of its own."""
    bench.address = "127.0.0.1:1"
    run = bench.ended_on_ray(films, tmp_path / "out")
    assert run.process.returncode == 5, run.errors
    assert "127.0.0.1:1" in run.errors


def test_a_full_disk_ends_the_run(
    cluster: Bench, films: Path, tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    """And with more room it goes on."""
    out = tmp_path / "out"
    out.mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(out), "-o"]
    # Room for the manifest and for one clip, not for the largest.
    if subprocess.run([*mount, "size=1200k"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no small disk can be mounted here")
    try:
        run = cluster.ended_on_ray(films, out)
        assert run.process.returncode == 4, run.errors
        assert "no space is left" in run.errors
        assert states(out, "one.mkv")[-1] == "queued"
        assert "one.mkv" not in digests(out)
        subprocess.run([*mount, "remount,size=20m"], check=True)
        run = cluster.ended_on_ray(films, out, "--resume")
        assert run.process.returncode == 0, run.errors
        assert digests(out) == undisturbed
    finally:
        subprocess.run(["umount", "--lazy", str(out)], check=True)


def test_a_lost_head_ends_the_run_and_another_cluster_goes_on(
    cluster: Bench, gate: Gate, films: Path, tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    """With what the manifest says."""
    from ray.cluster_utils import Cluster

    small = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
    doomed = Cluster(initialize_head=True, head_node_args=small)
    address, cluster.address = cluster.address, doomed.address
    try:
        out = tmp_path / "out"
        run, _ = gated(cluster, gate, films, out)
        [head] = doomed.head_node.all_processes["gcs_server"]
        kill(head.process.pid)
        assert run.end() != 0
    finally:
        doomed.shutdown()
    cluster.address = address
    again = cluster.ended_on_ray(films, out, "--resume")
    assert again.process.returncode == 0, again.errors
    assert digests(out) == undisturbed
