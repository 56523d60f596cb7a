"""Arrays of jobs, without Ray."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

import kubernetes_validate
import yaml
from conftest import PACKAGE, PROGRAM, SETTINGS, Bench, digests, states

from mdecomplete_ray.__main__ import parser


def share(bench: Bench, films: Path, out: Path, which: str) -> list[str]:
    """The command that does a share."""
    command = [sys.executable, "-m", "mdecomplete_ray", str(films), "--out", str(out)]
    command += ["--program", PROGRAM, "--scratch", str(bench.scratch), "--share", which]
    return [*command, "--json", *SETTINGS]


def test_shares_together_do_what_one_machine_does(
    bench: Bench, films: Path, tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    """With one manifest, with which one machine goes on, and without what Ray needs."""
    (films / "broken.mp4").write_text("no recording")
    out = tmp_path / "out"
    # A package named so that cannot be loaded stands for none.
    (tmp_path / "without/ray").mkdir(parents=True)
    (tmp_path / "without/ray/__init__.py").write_text("raise ImportError('there is no Ray')")
    path = f"{tmp_path / 'without'}:{PACKAGE}"
    runs = [
        bench.start(share(bench, films, out, f"{index}/2"), PYTHONPATH=path) for index in range(2)
    ]
    codes = [run.end() for run in runs]
    assert sorted(codes) == [0, 1], [run.errors for run in runs]
    assert digests(out) == undisturbed
    assert states(out, "broken.mkv")[-1] == "failed"
    (films / "broken.mp4").unlink()
    alone = bench.alone(films, out, "--resume")
    assert "0 clips restored, 3 were so before" in alone.output, alone.errors
    assert list(bench.scratch.iterdir()) == []


def test_the_job_of_slurm_restores_its_share(bench: Bench, films: Path, tmp_path: Path) -> None:
    """Where `srun` runs what it is given, as in a job of one task."""
    script = PACKAGE / "slurm.sh"
    assert re.search(r"^#SBATCH --array=0-\d+%\d+$", script.read_text(), re.M)
    bin = tmp_path / "bin"
    bin.mkdir()
    (bin / "srun").write_text('#!/bin/sh\nexec "$@"\n')
    (bin / "srun").chmod(0o755)
    out = tmp_path / "out"
    command = ["bash", str(script), str(films / "deep/three.mkv"), str(out)]
    run = bench.start(
        [*command, "--scratch", str(bench.scratch)],
        PATH=f"{bin}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        MDECOMPLETE=PROGRAM,
        SLURM_ARRAY_TASK_ID="0",
        SLURM_ARRAY_TASK_COUNT="1",
        SLURM_CPUS_PER_TASK="1",
    )
    assert run.end() == 0, run.errors
    assert list(digests(out)) == ["three.mkv"]
    assert states(out, "three.mkv") == ["running", "done"]


def test_the_job_of_kubernetes_is_valid() -> None:
    """By the schema of its version, and with a command line that is understood."""
    resource = yaml.safe_load((PACKAGE / "kubernetes.yaml").read_text())
    kubernetes_validate.validate(resource, "1.33", strict=True)
    spec = resource["spec"]
    assert spec["completionMode"] == "Indexed"
    assert spec["completions"] == spec["parallelism"] * 10
    [container] = spec["template"]["spec"]["containers"]
    command = container["args"][-1]
    assert f"/{spec['completions']}" in command
    words = command.partition("mdecomplete_ray ")[2].replace('"$JOB_COMPLETION_INDEX', '"7')
    told = parser().parse_args(shlex.split(words))
    assert told.share == (7, spec["completions"])
