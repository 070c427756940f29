"""The Ray engine while its workers start, against a client that plays Ray: no cluster is started here."""

from __future__ import annotations

import threading
import types
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from foresight_harness.contracts.errors import EngineGone, UsageError
from foresight_harness.running.engines import ray_cluster
from foresight_harness.running.engines.ray_cluster import RayCluster


class ActorError(Exception):
    """Of a worker that is gone."""


class Played:
    """Ray's client: what each actor answers to a ping is told beforehand; an answer of None never comes."""

    exceptions = types.SimpleNamespace(RayActorError=ActorError, RayError=Exception)

    def __init__(self, answers: list[Any], nodes: Callable[[], list[str]]) -> None:
        self.answers, self.alive = answers, nodes
        self.actors = 0

    def is_initialized(self) -> bool:
        return True

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 2.0}

    def nodes(self) -> list[dict[str, Any]]:
        return [{"NodeID": name, "Alive": True} for name in self.alive()]

    def remote(self, _cls: type) -> Any:
        answer = self.answers[self.actors]
        self.actors += 1
        ping = types.SimpleNamespace(remote=lambda: [answer].__getitem__)
        actor = types.SimpleNamespace(ping=ping)
        return types.SimpleNamespace(options=lambda **_: types.SimpleNamespace(remote=lambda: actor))

    def wait(self, references: list[Any], **_: Any) -> tuple[list[Any], list[Any]]:
        ready = [reference for reference in references if reference(0) is not None]
        return ready[:1], references

    def get(self, reference: Any) -> Any:
        if isinstance(reference(0), Exception):
            raise reference(0)
        return reference(0)

    def kill(self, _actor: Any) -> None: ...


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Callable[..., RayCluster]:
    """``cluster(answers, nodes)``: an engine of two workers."""

    def make(answers: list[Any], nodes: Callable[[], list[str]] = lambda: ["a", "b"]) -> RayCluster:
        monkeypatch.setattr(ray_cluster, "_import_ray", lambda: Played(answers, nodes))
        monkeypatch.setattr(ray_cluster.atexit, "register", lambda _: None)
        return RayCluster(2, "cpu")

    return make


def test_a_worker_that_is_killed_as_it_starts_is_replaced(cluster: Callable[..., RayCluster]) -> None:
    engine = cluster([ActorError("the worker died"), "b", "a"])
    engine.start()
    assert engine._nodes == {1: "b"}
    assert engine.wait(0.0) == []
    assert engine._nodes == {0: "a", 1: "b"}
    engine.close()


def test_a_cluster_that_goes_while_workers_start_ends_in_one_line(cluster: Callable[..., RayCluster]) -> None:
    engine = cluster([None, None], lambda: [])
    with pytest.raises(EngineGone, match=r"none of its nodes is alive.*--resume") as ended:
        engine.start()
    assert "\n" not in str(ended.value)
    engine.close()


def test_a_head_that_dies_before_it_takes_a_worker_ends_in_one_line(
    cluster: Callable[..., RayCluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    engine = cluster([None, None])
    monkeypatch.setattr(ray_cluster, "bounded", partial(ray_cluster.bounded, seconds=0.01))
    monkeypatch.setattr(Played, "remote", lambda *_: over.wait())
    try:
        with pytest.raises(EngineGone, match=r"takes no worker \(no answer within .*--resume") as ended:
            engine.start()
    finally:
        over.set()
    assert "\n" not in str(ended.value)


def test_workers_that_never_start_are_a_usage_error(
    cluster: Callable[..., RayCluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_cluster, "START_S", 0.0)
    with pytest.raises(UsageError, match="2 of 2 workers did not start"):
        cluster([None, None]).start()


@pytest.mark.parametrize(
    ("silent", "said"), [("init", "does not let anybody in"), ("cluster_resources", "does not say what it has")]
)
def test_a_cluster_that_does_not_answer_a_newcomer_is_one_line(
    cluster: Callable[..., RayCluster], monkeypatch: pytest.MonkeyPatch, silent: str, said: str
) -> None:
    over = threading.Event()
    monkeypatch.setenv("RAY_ADDRESS", "192.0.2.1:6379")
    monkeypatch.setattr(Played, "is_initialized", lambda _: silent != "init")
    monkeypatch.setattr(Played, silent, lambda *_, **__: over.wait(), raising=False)
    for limit in ("CONNECT_S", "CALL_S"):
        monkeypatch.setattr(ray_cluster, limit, 0.01)
    try:
        with pytest.raises(UsageError, match=f"{said}: no answer within .*--resume") as refused:
            cluster([None, None])
    finally:
        over.set()
    assert "\n" not in str(refused.value)
