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
    make_keeper, builtins, planned, tmp_path: Path
) -> None:
    keeper = make_keeper(engine="local:1")
    cells = [planned(builtins, NAME, "alignment")]
    keeper.plan(cells)
    others = set(psutil.Process().children(recursive=True))  # of other tests: a browser, say
    engine = engine_for(keeper, cells)
    try:
        engine.standing()  # starts the worker
        for worker in set(psutil.Process().children(recursive=True)) - others:
            resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        with pytest.raises(RunFolderError, match=r"cannot be written \(File too large\): free space .*--resume"):
            engine.score(cells[0], None)
        assert not engine.driver.retried
    finally:
        engine.close()
    assert keeper.folder.records() == []
