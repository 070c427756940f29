"""What `random_kills.py` kills: worker processes, and nodes of Ray clusters on this machine."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import Any

LOOK_S = 0.02
STORE_BYTES = 80 * 2**20


class Nobody(Exception):
    """The run ended before there was anything to kill."""


def wait_until(reached: Callable[[], bool], seconds: float) -> bool:
    """Wait for something, so long at most; whether it came."""
    ends = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > ends:
            return False
        time.sleep(LOOK_S)
    return True


def local_workers(driver: int) -> list[Any]:
    """Worker processes of a driver of ``local:N``."""
    import psutil

    try:
        children = psutil.Process(driver).children()
        return [child for child in children if any("spawn_main" in word for word in child.cmdline())]
    except psutil.Error:
        return []


def alive(processes: list[Any]) -> list[Any]:
    """Those that have not ended."""
    import psutil

    return [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def kill(find: Callable[[], list[Any]], ended: Callable[[], bool], draw: random.Random) -> str:
    """Kill one of some processes as soon as there is one. Raises: Nobody where the run ends before."""
    while not (found := find()):
        if ended():
            raise Nobody
        time.sleep(LOOK_S)
    if ended():
        raise Nobody
    victim = draw.choice(sorted(found, key=lambda process: int(process.pid)))
    victim.kill()
    return "worker"


class Cluster:
    """A Ray cluster on this machine: two nodes of one worker each, or one of two."""

    def __init__(self, nodes: int) -> None:
        from ray.cluster_utils import Cluster as Nodes

        self.size = nodes

        # Else workers wait for whatever else the machine does; the name is spelled as Ray reads it.
        os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112
        head = {"num_cpus": 3 - nodes, "object_store_memory": STORE_BYTES, "include_dashboard": False}
        self._nodes = Nodes(initialize_head=True, head_node_args=head)
        self.address = str(self._nodes.address)

    def mend(self) -> None:
        """Put a node in the place of one that was killed."""
        while self.nodes() < self.size:
            self._nodes.add_node(num_cpus=1, object_store_memory=STORE_BYTES)

    def nodes(self) -> int:
        """Nodes that it has."""
        return len(self._nodes.list_all_nodes())

    def workers(self) -> list[Any]:
        """Processes of actors, on whatever node."""
        import psutil

        found = []
        for node in self._nodes.list_all_nodes():
            try:
                children = psutil.Process(_process(node, "raylet").pid).children()
                found += [child for child in children if any("_Worker" in word for word in child.cmdline())]
            except psutil.Error:
                continue
        return found

    def kill_node(self, only: bool, draw: random.Random) -> str:
        """Kill a node: the second one, or of a cluster of one its raylet or the head that it is."""
        node = self._nodes.head_node if only else next(iter(self._nodes.worker_nodes))
        victim = draw.choice(("raylet", "gcs_server")) if only else "raylet"
        _process(node, victim).kill()
        _process(node, victim).wait()
        if not only:
            node.kill_all_processes(check_alive=False, allow_graceful=False)
            self._nodes.worker_nodes.discard(node)
        return victim

    def close(self) -> None:
        """End all that is left of it."""
        for node in [*self._nodes.worker_nodes, self._nodes.head_node]:
            if node is not None:
                node.kill_all_processes(check_alive=False, allow_graceful=False)


class Clusters:
    """The cluster of now: one is kept as long as it has the nodes that are wanted."""

    def __init__(self) -> None:
        self._now: Cluster | None = None

    def of(self, nodes: int) -> Cluster:
        """A cluster that is whole."""
        if self._now is None or self._now.size != nodes:
            self.close()
            self._now = Cluster(nodes)
        self._now.mend()
        return self._now

    def whole(self) -> bool:
        """Whether no node of it was killed since it was last mended."""
        return self._now is not None and self._now.nodes() == self._now.size

    def close(self) -> None:
        """End it."""
        if self._now is not None:
            self._now.close()
        self._now = None


def _process(node: Any, kind: str) -> Any:
    """The process of a node by Ray's name for it."""
    return node.all_processes[kind][0].process
