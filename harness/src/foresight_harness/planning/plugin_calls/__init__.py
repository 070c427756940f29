"""Calls of plugin code: whatever it raises is its own failure, and what it changes of the process is put back."""

from __future__ import annotations

from foresight_harness.planning.plugin_calls.calls import Maker, calling, failure_of, is_interrupt, made_by, said_of
from foresight_harness.planning.plugin_calls.guarded import Guarded, guarded

__all__ = ["Guarded", "Maker", "calling", "failure_of", "guarded", "is_interrupt", "made_by", "said_of"]
