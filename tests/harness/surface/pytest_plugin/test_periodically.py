from __future__ import annotations

import threading

import pytest
from foresight_harness.surface.pytest_plugin.periodically import periodically

SOON_S = 60.0


def test_it_is_done_at_once_and_again_until_the_block_ends() -> None:
    done: list[str] = []
    again = threading.Event()

    def act() -> None:
        done.append(threading.current_thread().name)
        if len(done) == 3:
            again.set()

    with periodically("named", 0.001, act):
        assert done[0] == threading.current_thread().name
        assert again.wait(SOON_S)
    assert set(done[1:]) == {"named"}
    assert "named" not in {thread.name for thread in threading.enumerate()}


def test_a_block_that_raises_ends_it_too() -> None:
    with pytest.raises(ValueError, match="of the block"), periodically("named", SOON_S, lambda: None):
        raise ValueError("of the block")
    assert "named" not in {thread.name for thread in threading.enumerate()}
