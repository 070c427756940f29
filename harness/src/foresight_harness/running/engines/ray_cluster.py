"""``ray``: resident actors on a Ray cluster, one a device. Needs the extra ``foresight-harness[ray]``.

Run folder and feature cache must lie on storage that every node reaches under the same path.
"""

from __future__ import annotations

import os
from typing import Any

from foresight_harness.contracts.errors import RunFolderError, UsageError
from foresight_harness.running.engines.executor import Ended, Job

START_S = 120.0
"""Seconds after which an actor that has not answered is taken for one that never will."""


class RayCluster:
    """Actors with the encoder in memory. GPU tasks of Ray would end their process after each unit; actors stay."""

    def __init__(self, workers: int | None, device: str, gpus_per_worker: float = 1.0) -> None:
        self._asked = workers
        self._gpus = gpus_per_worker if device.startswith("cuda") else 0.0
        self._actors: list[Any] = []
        self._groups: list[Any] = []
        self._jobs: dict[Any, int] = {}
        self._started_here = False
        self._ray = _import_ray()
        self._connect()
        self.slots = self._count_slots()

    def _connect(self) -> None:
        if not self._ray.is_initialized():
            address = os.environ.get("RAY_ADDRESS")
            try:
                self._ray.init(
                    address=address,
                    log_to_driver=False,
                    configure_logging=False,
                    include_dashboard=None if address else False,
                )
            except Exception as error:
                reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
                raise UsageError(f"--engine ray: no cluster at {address or 'this machine'} ({reason})") from error
            self._started_here = True

    def _count_slots(self) -> int:
        """Slots that the cluster can hold; more are refused now, since Ray would wait for them without a word."""
        has = self._ray.cluster_resources()
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
        """Create the actors and wait until each has answered. Raises: UsageError."""
        self._actors = [self._new_actor(slot) for slot in range(self.slots)]
        pings = [actor.ping.remote() for actor in self._actors]
        _, late = self._ray.wait(pings, num_returns=len(pings), timeout=START_S)
        if late:
            self.close()
            raise UsageError(f"--engine ray: {len(late)} of {self.slots} workers did not start within {START_S:g} s")

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
        """See ``Executor``. Ray reports a worker's death as an error of the call."""
        if not self._jobs:
            return []
        ready, _ = self._ray.wait(list(self._jobs), num_returns=1, timeout=timeout_s)
        ended = []
        for reference in ready:
            slot = self._jobs.pop(reference)
            try:
                self._ray.get(reference)
                ended.append(Ended(slot, "done"))
            except self._ray.exceptions.RayActorError as error:
                reason = " ".join(str(error).split())[:200]
                ended.append(Ended(slot, "lost", f"the Ray worker is gone ({reason})"))
                self._actors[slot] = self._new_actor(slot)
            except RunFolderError as error:  # Ray raises what the worker did, as a class of both
                ended.append(Ended(slot, "unwritable", str(getattr(error, "cause", error))))
            except self._ray.exceptions.RayError as error:
                ended.append(Ended(slot, "lost", " ".join(str(error).split())[-300:]))
        return ended

    def kill(self, slot: int) -> None:
        """See ``Executor``."""
        self._jobs = {reference: other for reference, other in self._jobs.items() if other != slot}
        self._ray.kill(self._actors[slot])
        self._actors[slot] = self._new_actor(slot)

    def close(self) -> None:
        """See ``Executor``; a cluster that was here before stays."""
        for actor in self._actors:
            self._ray.kill(actor)
        for group in self._groups:
            self._ray.util.remove_placement_group(group)
        self._actors, self._groups, self._jobs = [], [], {}
        if self._started_here:
            self._ray.shutdown()
            self._started_here = False


class _Worker:
    """The actor: keeps its run in memory between jobs."""

    def ping(self) -> int:
        """Process id, as a sign of life."""
        return os.getpid()

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
