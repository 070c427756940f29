"""What all kits share: which plugin, which of its offers, and one thread while they are checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import pytest
import torch

from foresight_harness.contracts.errors import ForesightError, PluginError
from foresight_harness.surface.conformance.offers import plugin_specs
from foresight_harness.surface.conformance.speaking import name_failures


class ConformanceKit:
    """Base of the kits; subclass one of those instead."""

    plugin: ClassVar[str] = ""
    """Entry-point name of the plugin, or a dotted module (``foresight_harness.parts.builtin``)."""
    hook: ClassVar[str] = ""
    _threads: ClassVar[int] = 1
    _cases: ClassVar[dict[str, list[tuple[str, Any]]] | None] = None

    def __init_subclass__(cls) -> None:
        """Failures of a kit's tests, and of those that an author adds, name plugin, hook and part."""
        super().__init_subclass__()
        cls._cases = None
        name_failures(cls)

    @classmethod
    def offered(cls) -> tuple[Any, ...]:
        """Every spec that the plugin returns from the kit's hook."""
        return plugin_specs(cls.plugin, cls.hook)

    @classmethod
    def chosen(cls, names: Sequence[str], default: Callable[[Any], bool], kind: str) -> list[Any]:
        """The specs of the given names, or those that ``default`` accepts where no name is given.

        Raises:
            PluginError: if a name is not offered, or nothing is left to check.
        """
        offered = cls.offered()
        unknown = sorted(set(names) - {spec.name for spec in offered})
        if unknown:
            raise PluginError(f"{cls.__name__}: plugin {cls.plugin!r} offers no {kind} {unknown[0]}")
        chosen = [spec for spec in offered if (spec.name in names if names else default(spec))]
        if not chosen:
            raise PluginError(f"{cls.__name__}: plugin {cls.plugin!r} offers no {kind} to check by default; name some")
        return chosen

    @classmethod
    def setup_class(cls) -> None:
        """Use one thread: with two on a busy 2-core machine a 1.3 ms step took 230 ms."""
        cls._threads = torch.get_num_threads()
        torch.set_num_threads(1)

    @classmethod
    def teardown_class(cls) -> None:
        """Give the threads back."""
        torch.set_num_threads(cls._threads)

    @classmethod
    def parametrizations(cls) -> dict[str, list[tuple[str, Any]]]:
        """For each argument that tests may take: test id and value of every case."""
        raise NotImplementedError

    @classmethod
    def _cases_once(cls) -> dict[str, list[tuple[str, Any]]]:
        """``parametrizations`` as its first call found them: to ask the plugin reads the metadata of all packages."""
        if cls._cases is None:
            cls._cases = cls.parametrizations()
        return cls._cases

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test per case. A plugin that cannot be checked fails its file in one line."""
        try:
            cases = self._cases_once()
        except ForesightError as error:
            pytest.fail(str(error), pytrace=False)
        for argument, values in cases.items():
            if argument in metafunc.fixturenames:
                metafunc.parametrize(argument, [value for _, value in values], ids=[name for name, _ in values])
