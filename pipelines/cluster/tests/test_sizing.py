"""What a manifest tells of the next run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mdecomplete_ray import sizing


def test_the_last_of_each_clip_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And what is torn, failed or of unknown length does not."""
    manifest = tmp_path / "manifest.jsonl"

    def done(output: str, seconds: float, duration: float | None) -> str:
        figures = {"seconds": seconds, "duration": duration}
        clip = {"record": "clip", "output": output, "state": "done", "figures": figures}
        return json.dumps(clip) + "\n"

    torn = done("torn.mkv", 1, 1)[:-10]
    lines = [done("a.mkv", 99, 60), done("a.mkv", 60, 60), done("b.mkv", 180, 60)]
    manifest.write_text("".join([*lines, done("unknown.mkv", 7, None), torn]))
    options = ["--places", "4", "--nodes", "10", "--night", "8", "--price", "0.5"]
    assert sizing.main([str(manifest), *options]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2 clips: 2:00 of film in 4:00 of work, 2.00 s for each second",
        "10 x 4 clips at once for 8 hours: 160.0 hours of film",
        "an hour of film costs 0.25",
    ]
    manifest.write_text(torn)
    assert sizing.main([str(manifest)]) == 3
