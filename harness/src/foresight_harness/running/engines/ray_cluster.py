"""``ray``: resident actors on a Ray cluster, one a device. Needs the extra ``foresight-harness[ray]``.

Run folder and feature cache must lie on storage that every node reaches under the same path.
"""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import IO, Any

from foresight_harness.contracts.errors import EngineGone, RunFolderError, UsageError
from foresight_harness.contracts.text import one_line, without_secrets
from foresight_harness.running.engines.cluster_watch import CALL_S, LEAVE_S, CallTimeout, ClusterWatch, bounded
from foresight_harness.running.engines.connect_watchdog import leave_without_client, watched
from foresight_harness.running.engines.executor import Ended, Job

START_S = 120.0
"""Seconds after which an actor that has not answered is taken for one that never will."""

CONNECT_S = 15.0
"""After these seconds a cluster that does not let this session in is given up; with what goes before and after, 30."""
WATCH_S = 3.0
"""Seconds after that at which a process that cannot give it up is killed."""
AGAIN = "What is done is kept; start Ray again, then go on with --resume"
ROOM_S = 25.0
"""Seconds after which a worker in the place of another, which nobody has room for, is given up."""


class RayCluster:
    """Actors with the encoder in memory. GPU tasks of Ray would end their process after each unit; actors stay."""

    def __init__(
        self, workers: int | None, device: str, gpus_per_worker: float = 1.0, screen: IO[str] | None = None
    ) -> None:
        self._asked, self._screen = workers, screen
        self._gpus = gpus_per_worker if device.startswith("cuda") else 0.0
        self._actors: list[Any] = []
        self._groups: list[Any] = []
        self._jobs: dict[Any, int] = {}
        self.retired: set[int] = set()
        self._nodes: dict[int, str] = {}
        """Node of each slot's worker."""
        self._pings: dict[int, tuple[Any, float]] = {}
        """Of workers that took the place of others and have not said where they run: what they owe, and since when."""
        self._started_here = False
        self._cluster_is_gone = False
        self._ray = _import_ray()
        self._watch: ClusterWatch[str] = ClusterWatch(self._alive)
        self._connect()
        self.slots = self._count_slots()

    def _connect(self) -> None:
        if self._ray.is_initialized():
            return
        address = os.environ.get("RAY_ADDRESS")
        join = partial(
            self._ray.init,
            address=address,
            log_to_driver=False,
            configure_logging=False,
            include_dashboard=None if address else False,
        )
        try:
            if address:  # a cluster that dies at this very moment is waited for, by some calls deaf to everything
                line = f"--engine ray: the cluster at {address} is gone: connecting did not return. {AGAIN}"
                with watched(CONNECT_S + WATCH_S, without_secrets(one_line(line)), self._screen):
                    bounded(join, CONNECT_S)
            else:
                join()
        except CallTimeout as error:
            self._cluster_is_gone = True
            atexit.register(leave_without_client)
            raise UsageError(
                f"--engine ray: the cluster at {address} does not let anybody in: {error}. {AGAIN}"
            ) from error
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise UsageError(f"--engine ray: no cluster at {address or 'this machine'} ({reason}). {AGAIN}") from error
        self._started_here = True

    def _count_slots(self) -> int:
        """Slots that the cluster can hold; more are refused now, since Ray would wait for them without a word."""
        try:
            has = bounded(self._ray.cluster_resources, CALL_S)
        except CallTimeout as error:
            self._cluster_is_gone = True
            self.close()
            raise UsageError(f"--engine ray: the cluster does not say what it has: {error}. {AGAIN}") from error
        if self._gpus:
            most, kind, each = int(has.get("GPU", 0) / self._gpus), "GPU", self._gpus
        else:
            most, kind, each = int(has.get("CPU", 0)), "CPU", 1.0
        if most < 1 or (self._asked is not None and self._asked > most):
            raise UsageError(
                f"--engine ray: {self._asked or 1} workers of {each:g} {kind} each were asked for and the cluster has "
                f"{has.get(kind, 0):g} {kind}; ask for at most {most}, or add nodes"
            )
        return self._asked or most

    def start(self) -> None:
        """Create the actors and wait until each has answered. One that is killed meanwhile, alone or with its node, is
        replaced as later on.

        Raises:
            EngineGone: where the cluster goes while they start.
            UsageError: where one does not start at all.
        """
        self._watch.look()
        self._watch.start()
        try:  # a head that dies just now would be waited for
            self._actors = [self._asked_of(partial(self._new_actor, slot)) for slot in range(self.slots)]
        except (CallTimeout, self._ray.exceptions.RayError) as error:
            raise self._end_of_cluster(self._watch.gone() or f"it takes no worker ({one_line(error, 200)})") from error
        waiting = {actor.ping.remote(): slot for slot, actor in enumerate(self._actors)}
        ends = time.monotonic() + START_S
        while waiting:
            gone = self._watch.gone()
            if gone:
                raise self._end_of_cluster(gone)
            if time.monotonic() > ends:
                self.close()
                raise UsageError(
                    f"--engine ray: {len(waiting)} of {self.slots} workers did not start within {START_S:g} s"
                )
            with suppress(CallTimeout):  # the watch will say whether the cluster is gone
                self._first_answers(waiting)

    def _first_answers(self, waiting: dict[Any, int]) -> None:
        """Take in which actors have started, and replace those that are gone."""
        asked = list(waiting)
        ready, _ = self._asked_of(lambda: self._ray.wait(asked, num_returns=1, timeout=1.0, fetch_local=False))
        for reference in ready:
            try:
                self._nodes[waiting[reference]] = self._asked_of(partial(self._ray.get, reference))
            except self._ray.exceptions.RayActorError:
                self._replace(waiting[reference])
            del waiting[reference]

    def _asked_of(self, call: Callable[[], Any]) -> Any:
        """What the client answers; once the cluster is gone it is not waited for. Raises: CallTimeout; as the call."""
        return bounded(call, gone=self._watch.gone)

    def _alive(self) -> set[str]:
        """Ids of the nodes that are alive."""
        return {str(node["NodeID"]) for node in bounded(self._ray.nodes) if node["Alive"]}

    def _new_actor(self, slot: int) -> Any:
        threads = os.environ.get("OMP_NUM_THREADS", "1")
        wanted: dict[str, Any] = {"num_cpus": 1, "num_gpus": self._gpus, "max_restarts": 0}
        wanted["runtime_env"] = {"env_vars": {"OMP_NUM_THREADS": threads}}
        if self._gpus > 1:  # a model that is sharded over several devices needs them in one node
            from ray.util.placement_group import placement_group
            from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

            group = placement_group([{"CPU": 1, "GPU": self._gpus}], strategy="STRICT_PACK")
            self._groups.append(group)
            wanted["scheduling_strategy"] = PlacementGroupSchedulingStrategy(group)
        return self._ray.remote(_Worker).options(**wanted).remote()

    def submit(self, slot: int, job: Job) -> None:
        """See ``Executor``."""
        self._jobs[self._actors[slot].run.remote(dict(job))] = slot

    def wait(self, timeout_s: float) -> list[Ended]:
        """See ``Executor``. Ray reports a worker's death as an error of the call; that of a whole node is looked for,
        because a worker in its place would wait without a word for room that there is not."""
        gone = self._watch.gone()
        if gone:
            raise self._end_of_cluster(gone)
        self._learn_places()
        ended = self._left_behind()
        if not self._jobs:
            return ended
        waiting = list(self._jobs)
        try:
            ready, _ = self._asked_of(
                lambda: self._ray.wait(waiting, num_returns=1, timeout=timeout_s, fetch_local=False)
            )
        except CallTimeout:  # the watch will say whether the cluster is gone
            return ended
        for reference in ready:
            slot = self._jobs.pop(reference)
            try:
                self._asked_of(partial(self._ray.get, reference))
                ended.append(Ended(slot, "done"))
            except self._ray.exceptions.RayActorError as error:
                ended.append(self._lost(slot, " ".join(str(error).split())[:200]))
            except RunFolderError as error:  # Ray raises what the worker did, as a class of both
                ended.append(Ended(slot, "unwritable", str(getattr(error, "cause", error))))
            except self._ray.exceptions.RayError as error:
                ended.append(Ended(slot, "lost", " ".join(str(error).split())[-300:]))
            except CallTimeout as error:
                ended.append(Ended(slot, "lost", f"the answer of the Ray worker cannot be read: {error}"))
        if len(self.retired) == self.slots:
            raise self._end_of_cluster("no node is left that has room for a worker")
        return ended

    def _learn_places(self) -> None:
        """Nodes of workers that took the place of others, as soon as they answer."""
        for slot, (reference, _) in list(self._pings.items()):
            with suppress(Exception):  # that of its job says the same, and is taken in below
                if self._asked_of(partial(self._ray.wait, [reference], timeout=0))[0]:
                    self._nodes[slot] = self._asked_of(partial(self._ray.get, reference))
                    del self._pings[slot]

    def _left_behind(self) -> list[Ended]:
        """Jobs on nodes that are not alive any more, before Ray itself gives them up, and jobs of workers for which no
        node has had room for a while."""
        busy = {slot: reference for reference, slot in self._jobs.items()}
        gone = [slot for slot, node in self._nodes.items() if node not in self._watch.alive]
        gone += [slot for slot, (_, since) in self._pings.items() if time.monotonic() - since > ROOM_S]
        ended = []
        for slot in gone:
            self._retire(slot)
            if slot in busy:
                del self._jobs[busy[slot]]
                ended.append(Ended(slot, "moved", "a node of the Ray cluster is gone, with a worker"))
        return ended

    def _retire(self, slot: int) -> None:
        self.retired.add(slot)
        self._nodes.pop(slot, None)
        self._pings.pop(slot, None)

    def _lost(self, slot: int, reason: str) -> Ended:
        """A slot's worker is gone: another takes its place where the nodes that are alive have room for it."""
        self._watch.look()
        if slot in self._nodes and self._nodes[slot] not in self._watch.alive:
            self._retire(slot)
            return Ended(slot, "moved", f"a node of the Ray cluster is gone ({reason})")
        self._replace(slot)
        return Ended(slot, "lost", f"the Ray worker is gone ({reason})")

    def _end_of_cluster(self, reason: str) -> EngineGone:
        self._cluster_is_gone = True
        return EngineGone(f"--engine ray: the cluster is gone: {reason}. {AGAIN}")

    def kill(self, slot: int) -> None:
        """See ``Executor``."""
        self._jobs = {reference: other for reference, other in self._jobs.items() if other != slot}
        self._ray.kill(self._actors[slot])
        self._replace(slot)

    def _replace(self, slot: int) -> None:
        self._actors[slot] = self._new_actor(slot)
        self._nodes.pop(slot, None)
        self._pings[slot] = self._actors[slot].ping.remote(), time.monotonic()

    def close(self) -> None:
        """See ``Executor``; a cluster that was here before stays. One that is gone is not waited for."""
        self._watch.stop()
        with suppress(CallTimeout):
            bounded(self._leave, LEAVE_S if self._cluster_is_gone else CALL_S)
        if self._cluster_is_gone:  # its client would wait for it when this process ends, and crash without it
            atexit.register(leave_without_client)
        self._actors, self._groups, self._jobs = [], [], {}

    def _leave(self) -> None:
        for actor in () if self._cluster_is_gone else self._actors:
            self._ray.kill(actor)
        for group in () if self._cluster_is_gone else self._groups:
            self._ray.util.remove_placement_group(group)
        if self._started_here:
            self._started_here = False
            self._ray.shutdown()


class _Worker:
    """The actor: keeps its run in memory between jobs."""

    def ping(self) -> str:
        """Id of the node that it runs on, as a sign of life."""
        import ray

        return str(ray.get_runtime_context().get_node_id())

    def run(self, job: dict[str, Any]) -> None:
        """Carry out one unit."""
        from foresight_harness.running.engines.work import run_job

        run_job(job)


def _import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise UsageError("--engine ray needs Ray: pip install 'foresight-harness[ray]'") from error
    return ray
