"""Is every installed plugin usable? One that cannot be imported is a red test here, never a missing row elsewhere."""

from __future__ import annotations

import pytest


def test_plugin_imports(foresight_plugin) -> None:
    if foresight_plugin.error is not None:
        pytest.fail(foresight_plugin.error, pytrace=False)
