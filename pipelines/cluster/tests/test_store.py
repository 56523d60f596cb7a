"""Outputs are whole or not there, whoever dies; manifests lose no line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PACKAGE, is_alive, kill, until

from mdecomplete_ray import errors
from mdecomplete_ray.manifest import FolderManifest
from mdecomplete_ray.order import Clip
from mdecomplete_ray.scratch import Scratch
from mdecomplete_ray.share import is_of_share
from mdecomplete_ray.store import Folder, open_store


def python(code: str, *arguments: str) -> subprocess.Popen[bytes]:
    """A process of its own that runs `code`."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], env={**os.environ, "PYTHONPATH": str(PACKAGE)}
    )


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than `tmp_path`."""
    memory = Path("/dev/shm")  # noqa: S108
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("it is no file system of its own here")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def test_a_file_goes_to_its_place(tmp_path: Path, elsewhere: Path) -> None:
    """From the same file system and from another, with the permissions of any new file."""
    place = tmp_path / "out/deep/a.mkv"
    plain = tmp_path / "plain"
    plain.touch()
    for folder in (tmp_path, elsewhere):
        made = folder / "made"
        made.write_text(str(folder))
        Folder(tmp_path / "out").publish(made, "deep/a.mkv")
        assert place.read_text() == str(folder)
        assert place.stat().st_mode == plain.stat().st_mode
        assert [path.name for path in place.parent.iterdir()] == ["a.mkv"]


def test_who_dies_while_copying_leaves_no_half_file(tmp_path: Path, elsewhere: Path) -> None:
    """And what is left under another name goes with the next."""
    made = elsewhere / "made"
    # What is copied from it comes when somebody writes to it, and ends when nobody does.
    os.mkfifo(made)
    code = (
        "import sys; from pathlib import Path; from mdecomplete_ray.store import Folder;"
        "Folder(Path(sys.argv[2])).publish(Path(sys.argv[1]), 'a[1].mkv')"
    )
    copying = python(code, str(made), str(tmp_path))
    with made.open("wb") as half:
        half.write(b"half")
        half.flush()
        until(lambda: list(tmp_path.glob(".a*.part")), "a file on its way")
        # It is not taken for a leftover while it is written.
        Folder(tmp_path).remove_left_over(["a[1].mkv"])
        assert len(list(tmp_path.iterdir())) == 1
        copying.kill()
        copying.wait()
    assert len(list(tmp_path.glob(".a*.part"))) == 1
    whole = elsewhere / "whole"
    whole.write_text("whole")
    Folder(tmp_path).publish(whole, "a[1].mkv")
    assert [path.name for path in tmp_path.iterdir()] == ["a[1].mkv"]


def test_a_disk_that_is_full_is_told(tmp_path: Path) -> None:
    """And nothing half is left on it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("no small disk can be mounted here")
    try:
        made = tmp_path / "made"
        made.write_bytes(bytes(1 << 20))
        with pytest.raises(errors.Full, match="no space is left"):
            Folder(disk).publish(made, "a.mkv")
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_only_places_without_half_files_are_taken() -> None:
    """Others are told what there is."""
    for url in ("ftp://host/out", "memory://out", "sftp://host/out"):
        with pytest.raises(errors.Usage, match="half files"):
            open_store(url, {})


def test_a_killed_worker_s_folder_goes_with_the_next(tmp_path: Path) -> None:
    """And one in use stays."""
    code = (
        "import sys, time; from mdecomplete_ray.scratch import Scratch\n"
        "with Scratch(sys.argv[1]) as scratch: (scratch.path / 'made').touch(); time.sleep(1000)"
    )
    killed = python(code, str(tmp_path))
    until(lambda: list(tmp_path.glob("*/made")), "a folder")
    [left] = tmp_path.iterdir()
    with Scratch(str(tmp_path)):
        assert left.exists()
    kill_and_wait(killed)
    with Scratch(str(tmp_path)) as scratch:
        assert list(tmp_path.iterdir()) == [scratch.path]
    assert list(tmp_path.iterdir()) == []


def kill_and_wait(process: subprocess.Popen[bytes]) -> None:
    """Ends a process without asking it."""
    kill(process.pid)
    process.wait()
    assert not is_alive(process.pid)


def line(output: str, state: str = "queued") -> dict[str, str]:
    """Of a manifest."""
    return {"record": "clip", "output": output, "input": "", "state": state, "time": ""}


def test_a_torn_line_goes(tmp_path: Path) -> None:
    """At each place where it may be torn."""
    manifest = FolderManifest(tmp_path, may_resume=False, is_shared=False)
    manifest.append(line("a.mkv"))
    manifest.append(line("a.mkv", "running"))
    manifest.close()
    path = tmp_path / "manifest.jsonl"
    whole = path.read_bytes()
    with pytest.raises(errors.BadOutput, match="--resume"):
        FolderManifest(tmp_path, may_resume=False, is_shared=False)
    for length in range(1, len(whole)):
        path.write_bytes(whole[:length])
        manifest = FolderManifest(tmp_path, may_resume=True, is_shared=False)
        assert (manifest.notes == []) == (whole[length - 1 : length] == b"\n")
        manifest.append(line("a.mkv", "done"))
        manifest.close()
        last = path.read_text().splitlines()[-1]
        assert json.loads(last)["state"] == "done"


def test_runs_and_shares_do_not_mix(tmp_path: Path) -> None:
    """Shares are together; a run is alone."""
    first = FolderManifest(tmp_path, may_resume=True, is_shared=True)
    second = FolderManifest(tmp_path, may_resume=True, is_shared=True)
    with pytest.raises(errors.BadOutput, match="another run"):
        FolderManifest(tmp_path, may_resume=True, is_shared=False)
    first.close()
    second.close()
    alone = FolderManifest(tmp_path, may_resume=True, is_shared=False)
    with pytest.raises(errors.BadOutput, match="another run"):
        FolderManifest(tmp_path, may_resume=True, is_shared=True)
    alone.close()


def test_shares_lose_no_line(tmp_path: Path) -> None:
    """Though several write at the same time."""
    code = (
        "import sys; from pathlib import Path\n"
        "from mdecomplete_ray.manifest import FolderManifest\n"
        "manifest = FolderManifest(Path(sys.argv[1]), may_resume=True, is_shared=True)\n"
        "for n in range(50): manifest.append({'record': 'clip', 'output': f'{sys.argv[2]}-{n}'})"
    )
    shares = [python(code, str(tmp_path), str(share)) for share in range(4)]
    assert [share.wait() for share in shares] == [0] * 4
    text = (tmp_path / "manifest.jsonl").read_text()
    written = {json.loads(line)["output"] for line in text.splitlines()}
    assert written == {f"{share}-{n}" for share in range(4) for n in range(50)}


def test_each_clip_is_in_one_share() -> None:
    """Of any number of them."""
    for count in (1, 2, 7, 40):
        for name in ("a.mkv", "deep/b.mkv", "ü.mkv"):
            clip = Clip(input="", output=name, model_sha256="", size=0)
            assert sum(is_of_share(clip, index, count) for index in range(count)) == 1
