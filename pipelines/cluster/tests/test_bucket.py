"""Recordings and outputs in a bucket."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import s3fs
from conftest import (
    CASES,
    CLIPS,
    OUTPUTS,
    PROGRAM,
    SETTINGS,
    TESTS,
    Bench,
    Gate,
    kill,
    no_scratch,
    until,
)
from moto.server import ThreadedMotoServer

from mdecomplete_ray import errors, plan
from mdecomplete_ray.manifest import BucketManifest
from mdecomplete_ray.order import Order


@pytest.fixture(scope="module")
def endpoint(environment: dict[str, str]) -> Iterator[str]:
    """A server of buckets, of which only drivers are told."""
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint: str, request: pytest.FixtureRequest) -> Iterator[tuple[Any, str]]:
    """The buckets, with one that has the recordings in its folder films."""
    system = s3fs.S3FileSystem(endpoint_url=endpoint, use_listings_cache=False)
    bucket = request.node.name.replace("_", "-")[:60]
    system.mkdir(bucket)
    for name, case in CLIPS.items():
        system.put_file(str(CASES / case), f"{bucket}/films/{name}")
    yield system, bucket
    system.rm(bucket, recursive=True)


def digests(system: Any, folder: str) -> dict[str, str]:  # noqa: ANN401
    """Of all objects in `folder` but the manifest."""
    found = system.find(folder)
    names = {path: path[len(folder) + 1 :] for path in found}
    outputs = {path: name for path, name in names.items() if name != "manifest.jsonl"}
    return {name: hashlib.sha256(system.cat(path)).hexdigest() for path, name in outputs.items()}


def states(system: Any, folder: str, output: str) -> list[str]:  # noqa: ANN401
    """Those that a clip came through."""
    text = system.cat(f"{folder}/manifest.jsonl").decode()
    lines = map(json.loads, text.splitlines())
    return [line["state"] for line in lines if line.get("output") == output]


def test_a_bucket_is_restored_into_it(
    cluster: Bench,
    gate: Gate,
    s3: tuple[Any, str],
    endpoint: str,
    undisturbed: dict[str, str],
) -> None:
    """With the bytes of one machine, whatever dies, and without anything left over."""
    system, bucket = s3
    films, out = f"s3://{bucket}/films", f"s3://{bucket}/films/restored"
    program = gate.folder / "program.sh"
    program.write_text(
        f'#!/bin/sh\nGATE={gate.folder} GATED={PROGRAM} exec {TESTS / "gate.sh"} "$@"\n'
    )
    program.chmod(0o755)
    told = {"FSSPEC_S3_ENDPOINT_URL": endpoint}
    run = cluster.on_ray(films, out, "--program", str(program), **told)
    gate.reached()
    folder = f"{bucket}/films/restored"
    done = f"{folder}/deep/two.mkv"
    until(lambda: system.exists(done), "another clip")
    until(lambda: b'"done"' in b"".join(system.cat(f"{folder}/*/*").values()), "its record")
    kill(run.process.pid)
    # As a killed upload leaves it.
    key = "films/restored/one.mkv"
    system.call_s3("create_multipart_upload", Bucket=bucket, Key=key)
    other = system.call_s3("create_multipart_upload", Bucket=bucket, Key="other")["UploadId"]

    again = cluster.on_ray(films, out, "--resume", **told)
    assert again.end() == 0, again.errors
    assert digests(system, folder) == undisturbed
    assert states(system, folder, "one.mkv")[-1] == "done"
    skipped = [line["output"] for line in again.said() if line["record"] == "skipped"]
    assert "deep/two.mkv" in skipped
    uploads = system.list_multipart_uploads(bucket)
    assert [upload["UploadId"] for upload in uploads] == [other]
    until(lambda: no_scratch(cluster.scratch), "the end of all workers")

    last = cluster.on_ray(films, out, "--resume", **told)
    assert last.end() == 0, last.errors
    skipped = [line["output"] for line in last.said() if line["record"] == "skipped"]
    assert sorted(skipped) == OUTPUTS


def test_what_is_in_a_bucket_is_found_as_in_a_folder(
    s3: tuple[Any, str], endpoint: str, tmp_path: Path
) -> None:
    """By folder, pattern, name and list; outputs, masks and notes are no recordings."""
    system, bucket = s3
    base = f"s3://{bucket}"
    for name in ("films/one.mask.png", "films/notes.txt", "films/restored/one.mkv", "films/.x.mp4"):
        system.pipe_file(f"{bucket}/{name}", b"x")
    system.pipe_file(f"{bucket}/list.txt", b"films/one.webm\n# no film\n\nfilms/deep\n")
    settings = tuple(SETTINGS[1::2])
    order = Order(settings=settings, program=PROGRAM, storage={"s3": {"endpoint_url": endpoint}})
    for inputs, found in {
        f"{base}/films": OUTPUTS,
        f"{base}/films/": OUTPUTS,
        f"{base}/films/*/t*.m??": ["deep/three.mkv", "deep/two.mkv"],
        f"{base}/films/one.webm": ["one.mkv"],
        f"@{base}/list.txt": ["one.mkv", "three.mkv", "two.mkv"],
    }.items():
        clips = plan.gather([inputs], f"{base}/films/restored", order)
        assert sorted(clip.output for clip in clips) == found, inputs
        assert all(clip.input.startswith(f"{base}/films/") for clip in clips)
        assert all(clip.size > 1000 for clip in clips)
    with pytest.raises(errors.BadInput, match="nothing"):
        plan.gather([f"{base}/attic"], f"{base}/out", order)
    with pytest.raises(errors.Failure, match=f"{base}/films/one.webm and .* both be written"):
        plan.gather([f"{base}/films/one.webm", str(CASES / "../cases/one.webm")], "out", order)


def test_lines_come_together(s3: tuple[Any, str]) -> None:
    """In the order in which they were written, whatever dies while they are gathered."""
    system, bucket = s3
    folder = f"{bucket}/out"

    def line(state: str) -> dict[str, str]:
        return {"record": "clip", "output": "a.mkv", "input": "", "state": state, "time": ""}

    killed = BucketManifest(system, folder, may_resume=False, is_shared=False)
    for state in ("queued", "running"):
        killed.append(line(state))
    with pytest.raises(errors.BadOutput, match="--resume"):
        BucketManifest(system, folder, may_resume=False, is_shared=False)
    parts = system.find(f"{folder}/manifest.jsonl.d")
    assert len(parts) == 2
    share = BucketManifest(system, folder, may_resume=True, is_shared=True)
    assert share.records["a.mkv"]["state"] == "running"
    share.append(line("done"))
    share.close()
    # Killed when the lines are one object, and the parts are there still.
    whole = b"".join(system.cat(part) for part in parts)
    system.pipe_file(f"{folder}/manifest.jsonl", whole)
    manifest = BucketManifest(system, folder, may_resume=True, is_shared=False)
    assert manifest.records["a.mkv"]["state"] == "done"
    manifest.close()
    assert system.find(folder) == [f"{folder}/manifest.jsonl"]
    assert states(system, folder, "a.mkv")[-1] == "done"
