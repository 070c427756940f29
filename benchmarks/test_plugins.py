"""Is every installed plugin usable? One that cannot be imported is a red test here, never a missing row elsewhere."""

from __future__ import annotations


def test_plugin_imports(foresight_plugin) -> None:
    assert foresight_plugin.error is None, foresight_plugin.error
