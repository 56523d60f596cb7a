"""What is to be done with each clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Order:
    """How clips are restored. Names and meanings are those of ``mdecomplete restore``."""

    settings: tuple[str, ...] = ()
    """Properties of the element, each as ``PROPERTY=VALUE``."""
    presets: tuple[str, ...] = ()
    """Kinds of damage."""
    codec: str | None = None
    """What pictures are coded as."""
    transcode_audio: bool = False
    """Whether sound that a file cannot hold is coded anew."""
    drop_subtitles: bool = False
    """Whether subtitles that a file cannot hold are left out."""
    force: bool = False
    """Whether files that no earlier run has written, or that were changed since, are replaced."""
    segments: float | None = None
    """Seconds that segments of long recordings have at least; 0 cuts none, nothing is the program's
    own choice."""
    jobs: int = 1
    """Segments of a recording at once."""
    threads: int = 1
    """Threads of an inference."""
    nice: int = 0
    """Gives way to other programs: 0 does not, 19 most."""
    program: str = "mdecomplete"
    """The program, found by this name on each machine."""
    scratch: str | None = None
    """The folder for what is on its way, on each machine; TMPDIR if none is said."""
    storage: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What fsspec is told for each protocol, such as ``{"s3": {"endpoint_url": ...}}``."""

    def arguments(self) -> list[str]:
        """For the program: what decides what comes of a clip."""
        arguments = []
        for setting in self.settings:
            arguments += ["--set", setting]
        for preset in self.presets:
            arguments += ["--preset", preset]
        if self.codec is not None:
            arguments += ["--codec", self.codec]
        if self.segments is not None:
            arguments += ["--segments", f"{self.segments:g}"]
        if self.transcode_audio:
            arguments.append("--transcode-audio")
        if self.drop_subtitles:
            arguments.append("--drop-subtitles")
        return arguments


@dataclass(frozen=True)
class Clip:
    """A recording, and the file to come of it."""

    input: str
    """A path that is the same on all machines, or a URL."""
    output: str
    """Within the folder of the run."""
    model_sha256: str
    """Digest of the generator where the run was begun: all machines are to have the same."""
    size: int
    """Bytes of the recording."""
