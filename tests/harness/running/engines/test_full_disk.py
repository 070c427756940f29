"""A run folder that fills up under workers."""

from __future__ import annotations

import resource
from pathlib import Path

import psutil
import pytest
from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.running.engines.engines import engine_for

pytestmark = pytest.mark.usefixtures("few_pictures")
NAME = "oracle@mask/identity/single/linear"


@pytest.mark.slow
def test_worker_that_cannot_record_is_one_line_that_says_what_to_do_and_not_a_retry(
    make_bench, builtins, planned, tmp_path: Path
) -> None:
    bench = make_bench(engine="local:1")
    cells = [planned(builtins, NAME, "alignment")]
    bench.plan(cells)
    engine = engine_for(bench, cells)
    try:
        engine.standing()  # starts the worker
        for worker in psutil.Process().children(recursive=True):
            resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        with pytest.raises(RunFolderError, match=r"cannot be written \(File too large\): free space .*--resume"):
            engine.score(cells[0], None)
        assert not engine.driver.retried
    finally:
        engine.close()
    assert bench.folder.records() == []
