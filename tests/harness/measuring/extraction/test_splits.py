from __future__ import annotations

from dataclasses import replace

import pytest
from foresight_harness.contracts.errors import DataError
from foresight_harness.planning.options import DatasetChoice

pytestmark = pytest.mark.usefixtures("few_pictures")


def test_a_split_that_cannot_be_read_is_tried_once_and_refused_to_every_cell(make_bench, builtins, monkeypatch) -> None:
    bench = make_bench()
    tries = []

    def build(request):
        tries.append(request.split)
        raise DataError("pictures/7.png cannot be read as a picture")

    broken = replace(builtins.dataset("shapes"), build=build)
    monkeypatch.setattr(type(builtins), "dataset", lambda self, name: broken)
    for _ in range(3):
        with pytest.raises(DataError, match=r"pictures/7\.png"):
            bench.splits.decoded(DatasetChoice("shapes"), "test")
    assert tries == ["test"]
