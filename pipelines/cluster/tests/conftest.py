"""What the tests share: recordings, the built program, a cluster of several nodes, a bucket."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mdecomplete_ray.scratch import Scratch

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "pipelines/cluster"
CASES = ROOT / "tests/cases"
TESTS = Path(__file__).resolve().parent
PROGRAM = os.environ.get("MDECOMPLETE", str(ROOT / "target/debug/mdecomplete"))

CLIPS = {"one.webm": "odd.webm", "deep/two.mp4": "vfr.mp4", "deep/three.mkv": "ten.mkv"}
OUTPUTS = ["deep/three.mkv", "deep/two.mkv", "one.mkv"]

# The generator runs on each tenth frame: it does not matter what it paints.
SETTINGS = ["--set", "occlusion=eyes", "--set", "inference-interval=10"]

DEADLINE = 240.0
"""Seconds after which what is waited for will not come."""


def until(condition: Callable[[], Any], what: str) -> Any:  # noqa: ANN401
    """What `condition` gives when it is true at last."""
    end = time.monotonic() + DEADLINE
    while not (value := condition()):
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.05)
    return value


def is_alive(pid: int) -> bool:
    """Whether a process is there that is not dead already."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children(pid: int) -> list[int]:
    """The processes that a process has begun, with theirs."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found += [int(child), *children(int(child))]
    return found


def no_scratch(scratch: Path) -> bool:
    """Whether nothing is left of what was on its way, when another worker has begun."""
    with Scratch(str(scratch)):
        pass
    return list(scratch.iterdir()) == []


def digests(folder: Path) -> dict[str, str]:
    """Of all files in `folder` but the manifest, by their paths in it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "manifest.jsonl":
            content = path.read_bytes()
            found[str(path.relative_to(folder))] = hashlib.sha256(content).hexdigest()
    return found


def lines(out: Path) -> list[dict[str, Any]]:
    """Those of the manifest in `out` that are about clips."""
    text = (out / "manifest.jsonl").read_text()
    return [line for line in map(json.loads, text.splitlines()) if line["record"] == "clip"]


def states(out: Path, output: str) -> list[str]:
    """Those that a clip came through."""
    return [line["state"] for line in lines(out) if line["output"] == output]


@dataclass
class Run:
    """A run of the program or the package, with what it says."""

    process: subprocess.Popen[str]
    output: str = ""
    errors: str = ""

    def end(self) -> int:
        """Waits for its end, and gives its exit code."""
        self.output, self.errors = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode

    def said(self) -> list[dict[str, Any]]:
        """The lines of JSON."""
        return [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]


@dataclass
class Gate:
    """Where the first restoration waits."""

    folder: Path

    def __post_init__(self) -> None:
        """Closes it."""
        self.folder.mkdir()
        os.mkfifo(self.folder / "go")

    def environment(self) -> dict[str, str]:
        """For the processes that start the program."""
        return {"GATE": str(self.folder), "GATED": PROGRAM}

    def reached(self) -> int:
        """The process that has begun what waits."""
        pid = self.folder / "pid"
        until(pid.exists, "the first restoration")
        return int(pid.read_text())

    def open(self) -> None:
        """Lets it go on."""
        (self.folder / "go").write_text("go\n")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of everything that is started."""
    if not Path(PROGRAM).is_file():
        pytest.skip(f"{PROGRAM} is not there: run 'make build', or name another by MDECOMPLETE")
    if not (ROOT / ".deps/onnxruntime/lib").is_dir():
        pytest.skip("ONNX Runtime is not there: run 'make setup'")
    environment = {
        **os.environ,
        "PYTHONPATH": str(PACKAGE),
        "GST_REGISTRY": str(tmp_path_factory.mktemp("registry") / "registry.bin"),
        "RAY_memory_monitor_refresh_ms": "0",
        "RAY_enable_metrics_collection": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_DISABLE_DOCKER_CPU_WARNING": "1",
        # A dead head is noticed after this many seconds.
        "RAY_gcs_rpc_server_reconnect_timeout_s": "5",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    os.environ.update(environment)
    return environment


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """A folder of recordings."""
    folder = tmp_path / "films"
    for name, case in CLIPS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CASES / case, folder / name)
    return folder


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A recording of three seconds, with a key frame each half second."""
    path = tmp_path / "film.mkv"
    once = f"filesrc location={CASES / 'odd.webm'} ! decodebin ! videoconvert ! videoscale " + (
        "! video/x-raw,width=320,height=240 ! all. "
    )
    elements = (
        "concat name=all ! identity single-segment=true ! videorate "
        "! video/x-raw,framerate=10/1 ! x264enc key-int-max=5 ! h264parse ! matroskamux "
        f"! filesink location={path} {3 * once}"
    )
    subprocess.run(["gst-launch-1.0", "-q", *elements.split()], check=True)
    return path


@dataclass
class Bench:
    """Starts runs, and ends them with the test."""

    environment: dict[str, str]
    scratch: Path
    address: str = ""
    runs: list[Run] = field(default_factory=list)

    def start(self, command: list[str], **environment: str) -> Run:
        """Starts a program."""
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**self.environment, **environment},
        )  # fmt: skip
        self.runs.append(Run(process))
        return self.runs[-1]

    def alone(self, films: Path, out: Path, *more: str) -> Run:
        """Runs ``mdecomplete restore``."""
        command = [PROGRAM, "restore", str(films), "--out", str(out), "--threads", "1", *SETTINGS]
        run = self.start([*command, *more])
        run.end()
        return run

    def on_ray(self, films: Path | str, out: Path | str, *more: str, **environment: str) -> Run:
        """Starts a driver."""
        command = [sys.executable, "-m", "mdecomplete_ray", str(films), "--out", str(out)]
        command += ["--json", "--address", self.address, "--scratch", str(self.scratch)]
        return self.start([*command, "--program", PROGRAM, *SETTINGS, *more], **environment)

    def ended_on_ray(self, films: Path | str, out: Path | str, *more: str) -> Run:
        """Runs a driver to its end."""
        run = self.on_ray(films, out, *more)
        run.end()
        return run


@pytest.fixture
def bench(environment: dict[str, str], tmp_path: Path) -> Iterator[Bench]:
    """For runs without a cluster."""
    bench = Bench(environment, tmp_path / "scratch")
    yield bench
    for run in bench.runs:
        if run.process.poll() is None:
            run.process.kill()
            run.process.communicate()


@pytest.fixture(scope="session")
def undisturbed(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The digests of what ``mdecomplete restore`` makes of the recordings."""
    folder = tmp_path_factory.mktemp("undisturbed")
    for name, case in CLIPS.items():
        (folder / "films" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CASES / case, folder / "films" / name)
    run = Bench(environment, folder / "scratch").alone(folder / "films", folder / "out")
    assert run.process.returncode == 0, run.errors
    made = digests(folder / "out")
    assert list(made) == OUTPUTS
    return made


@pytest.fixture(scope="session")
def nodes(environment: dict[str, str]) -> Iterator[Any]:
    """A cluster: a head that does nothing, and two nodes with a processor each."""
    from ray.cluster_utils import Cluster

    small = {"object_store_memory": 80 << 20, "include_dashboard": False}
    # Paths of sockets are short.
    folder = os.environ["RAY_TMPDIR"] = environment["RAY_TMPDIR"] = tempfile.mkdtemp(prefix="ray-")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
    cluster.small = small
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=1, **small)
        cluster.wait_for_nodes()
        yield cluster
    finally:
        cluster.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def cluster(bench: Bench, nodes: Any) -> Bench:  # noqa: ANN401
    """For runs on the cluster."""
    bench.address = nodes.address
    return bench


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """Closed."""
    return Gate(tmp_path / "gate")


def kill(pid: int) -> None:
    """Ends a process without asking it."""
    os.kill(pid, signal.SIGKILL)
    until(lambda: not is_alive(pid), f"the end of {pid}")
