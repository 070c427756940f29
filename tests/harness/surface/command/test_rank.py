"""``foresight-bench rank``: what a run does not hold is answered with what it does."""

from __future__ import annotations

import pytest
from foresight_harness.surface.command import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--metric", "map51"], "no spatial map51 in this run; did you mean map50?"),
        (["--metric", "xyz"], "no spatial xyz in this run; there are iou, map50"),
        (["--suite", "spatail"], "no spatail iou in this run; --metric iou is of --suite spatial"),
        (["--suite", "temporal", "--metric", "x"], "no temporal x in this run; there are reconstruction, spatial"),
    ],
)
def test_only_what_the_run_holds_is_offered(
    words: list[str], said: str, write_run, record, capsys: pytest.CaptureFixture[str]
) -> None:
    held = (("spatial", "iou"), ("spatial", "map50"), ("reconstruction", "psnr"), ("reconstruction", "ssim"))
    path = write_run([record(suite=suite, metric=metric, cell=metric) for suite, metric in held])
    assert main(["rank", str(path), *words]) == 2
    assert capsys.readouterr().err == f"foresight-bench rank: {said}\n"
