"""What the plugin remembers during a session."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

from foresight_harness.surface.pytest_plugin.stopping import Stopping

if TYPE_CHECKING:
    from foresight_harness.contracts.errors import UsageError
    from foresight_harness.judging.comparison.against import Target
    from foresight_harness.judging.comparison.sentinels import Sentinels
    from foresight_harness.judging.gates.answers import Answers
    from foresight_harness.judging.gates.gate import Gate
    from foresight_harness.planning.candidates import Selection
    from foresight_harness.planning.options import RunOptions
    from foresight_harness.planning.plan import PlannedCell
    from foresight_harness.planning.registry import Registry
    from foresight_harness.running.costs.accounting import Account
    from foresight_harness.running.engines.engines import Engine
    from foresight_harness.running.keeper import RunKeeper
    from foresight_harness.running.search.driver import Purse
    from foresight_harness.running.search.setting_up import Hunt
    from foresight_harness.surface.pytest_plugin.live import LiveTable
    from foresight_harness.surface.pytest_plugin.ticking import Ticker

FIXTURE = "foresight_cell"
PLUGIN_FIXTURE = "foresight_plugin"
"""Names that no other project's tests use: this plugin is loaded in every session of the environment."""


@dataclass
class Searching:
    """A search of a session."""

    hunt: Hunt
    purse: Purse | None
    sentences: tuple[str, ...]
    """What it will cost, and what the budget does not pay for: said before it starts."""
    over: bool = False
    """Whether the run itself may begin."""
    out: str = ""
    """Why the budget ended it before that."""


@dataclass
class State:
    """One a session."""

    config: pytest.Config
    asked: bool = False
    """Whether any test asked for our fixtures."""
    error: UsageError | None = None
    """The first usage error; raised when collection ends, so that it is one line and exit 4."""
    registry: Registry | None = None
    options: RunOptions | None = None
    selection: Selection | None = None
    """The candidates, what was left out of the matrix, and which suites it names."""
    planned: dict[str, list[PlannedCell]] = field(default_factory=dict)
    """Cells by the node id of their test."""
    keeper: RunKeeper | None = None
    gates: list[Gate] = field(default_factory=list)
    answers: Answers | None = None
    """Read and checked at plan time."""
    analyses: tuple[str, ...] = ()
    """Kinds that were concluded."""
    findings: tuple[str, ...] = ()
    """What the run's boards say, a line each."""
    verdicts: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Verdict and sentence by gate that was asked for."""
    admission: tuple[str, ...] = ()
    """Lines on rows that are refused, or too good."""
    failed_analyses: dict[str, str] = field(default_factory=dict)
    """One line by kind that failed; each makes the session fail."""
    engine: Engine | None = None
    account: Account | None = None
    """What the session was predicted to take."""
    settled: dict[str, Any] = field(default_factory=dict)
    """What it was predicted to take, beside what it took."""
    screen: IO[str] | None = None
    """What pytest writes to, past its capture; kept when collection ends."""
    live: LiveTable | None = None
    """Where people look; lines otherwise."""
    ticker: Ticker | None = None
    """Those lines."""
    stopping: Stopping = field(default_factory=Stopping)
    """Signals that came."""
    searching: Searching | None = None
    """The search that ``--search`` asks for."""
    found: tuple[str, ...] = ()
    """What it found, a line each."""
    refused: bool = False
    """Whether workers of pytest-xdist were asked for cells."""
    broken: str | None = None
    """Why nothing more can be recorded."""
    failures: int = 0
    """Cells that failed so far, for ``--max-failures``."""
    baseline: Target | None = None
    """What ``--baseline`` names; found before any work."""
    sentinels: Sentinels | None = None
    compared: tuple[str, ...] = ()
    """Lines that say what the comparison with it found."""
    result: tuple[str, ...] = ()
    """Lines of the table that stands first in the summary."""
    report: Path | None = None
    report_error: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


STATE = pytest.StashKey[State]()
