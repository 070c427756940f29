"""A folder of clips with one that cannot be read: its own cells fail and name it, everything else is scored."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from foresight_harness.running.run_folder.record_file import read_records

ROOT = Path(__file__).resolve().parents[4]


def write_clip(path: Path) -> None:
    """Nine grey frames that become lighter."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number in range(9):
            picture = np.full((64, 64, 3), 20 * number + 20, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


@pytest.mark.usefixtures("few_pictures")
def test_an_unreadable_clip_fails_its_own_cell_by_name_and_leaves_the_others_alone(
    pytester: pytest.Pytester,
) -> None:
    clips = pytester.path / "clips"
    clips.mkdir()
    for number in range(12):
        write_clip(clips / f"clip_{number:02d}.avi")
    (clips / "clip_03.avi").write_bytes(b"no clip at all")
    benchmarks = pytester.path / "benchmarks"
    benchmarks.mkdir()
    for name in ("test_temporal.py", "test_spatial.py"):
        shutil.copy(ROOT / "benchmarks" / name, benchmarks)
    pytester.makeini("[pytest]\nmarkers = suite(name): the suite\naddopts = --import-mode=importlib")
    data = ["--dataset", f"video:{clips}", "--dataset", "shapes"]
    asked = ["--candidate", "constant@patch/identity/single/linear"]
    result = pytester.runpytest_inprocess("benchmarks", *data, *asked, "-q", "-p", "no:cacheprovider")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*clip_03.avi cannot be read as a clip*"])
    records = read_records(pytester.path / "runs" / "latest" / "records.jsonl")
    states = {(line.suite, line.status) for line in records}
    assert {suite for suite, status in states if status == "ok"} == {"spatial"}
    assert {suite for suite, status in states if status != "ok"} == {"temporal"}
