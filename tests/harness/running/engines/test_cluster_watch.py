from __future__ import annotations

import threading
import time

import pytest
from foresight_harness.running.engines.cluster_watch import SILENCE_S, CallTimeout, ClusterWatch, bounded


class Cluster:
    """Answers as told; the clock moves by hand."""

    def __init__(self) -> None:
        self.now, self.nodes, self.error = 100.0, {"a", "b"}, ""
        self.watch: ClusterWatch[str] = ClusterWatch(self.ask, lambda: self.now)

    def ask(self) -> set[str]:
        if self.error:
            raise ConnectionError(self.error)
        return set(self.nodes)

    def after(self, seconds: float) -> str:
        self.now += seconds
        self.watch.look()
        return self.watch.gone()


def test_a_cluster_that_answers_is_there_and_tells_its_nodes() -> None:
    cluster = Cluster()
    assert cluster.watch.gone() == ""
    assert cluster.after(1) == ""
    assert cluster.watch.alive == {"a", "b"}
    cluster.nodes = {"b"}
    assert (cluster.after(1000), cluster.watch.alive) == ("", {"b"})


def test_no_node_alive_is_gone_at_once() -> None:
    cluster = Cluster()
    cluster.after(1)
    cluster.nodes = set()
    assert cluster.after(2) == "none of its nodes is alive"


def test_a_head_that_does_not_answer_is_gone_after_its_time_and_within_thirty_seconds() -> None:
    cluster = Cluster()
    cluster.after(1)
    cluster.error = "refused\nnow"
    assert cluster.after(SILENCE_S - 1) == ""
    assert cluster.after(2) == "its head has not answered for 21 s (ConnectionError: refused now)"
    assert SILENCE_S + 8 < 30
    cluster.error = ""
    assert cluster.after(1) == ""  # it was only away


def test_a_head_that_hangs_is_gone_too() -> None:
    cluster = Cluster()
    cluster.after(1)
    cluster.now += SILENCE_S + 1  # the question is still out: nobody looks
    assert "has not answered for 21 s" in cluster.watch.gone()


def test_a_call_that_does_not_return_is_not_waited_for() -> None:
    never = threading.Event()
    with pytest.raises(CallTimeout, match=r"no answer within 0\.05 s"):
        bounded(never.wait, 0.05)
    with pytest.raises(ValueError, match="own"):
        bounded(lambda: (_ for _ in ()).throw(ValueError("own")))
    assert bounded(lambda: 3) == 3


def test_a_call_is_given_up_as_soon_as_the_cluster_is_gone() -> None:
    never = threading.Event()
    looks = iter([False, False, True])
    began = time.monotonic()
    with pytest.raises(CallTimeout):
        bounded(never.wait, 60, lambda: next(looks))
    assert time.monotonic() - began < 10
