"""What a gate file says, once read and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from foresight_harness.judging.gates.vocabulary import Fact

VERDICTS = ("GO", "INCONCLUSIVE", "MARGINAL", "NOT MEASURED", "NO-GO")
"""Of several candidates the first of these counts: a marginal one does not settle what another may still pass."""

NO_FACT = Fact("", "none")
COUNTS = ("any", "all", "one", "several")
INPUTS = ("any", "clips", "stills")
RIVALS = ("twin", "pixels")
WEIGHTS = ("published", "any")
POLICIES = ("any", "equal-pixels", "equal-tokens")
PEOPLE = ("", "same")


@dataclass(frozen=True)
class Needs:
    """What evidence must be before it decides. The defaults ask for nothing but weights that were published."""

    stated: bool = False
    """Whether the file says so itself."""
    decoder: tuple[str, ...] = ()
    """Globs over the decoder of a candidate; none is any decoder."""
    input: Literal["any", "clips", "stills"] = "any"
    """What must have gone in."""
    least_n: int = 0
    """Independent samples; a rule may need more, where even perfect scores of so many could not meet it."""
    weights: Literal["published", "any"] = "published"
    better_than: tuple[str, ...] = ()
    """Of ``twin`` and ``pixels``: what a score must beat on the same pictures before it meets a bound."""
    input_policy: str = "any"
    """How pictures must have been made equal between encoders, where the run's protocol says how they were."""
    times: tuple[str, ...] = ()
    """Stages of the pipeline that a latency or a peak of memory must span."""


@dataclass(frozen=True)
class Rule:
    """One line of a threshold table. Bounds are in the metric's own unit."""

    id: str
    label: str
    quote: str
    """The document's words, short, with its values."""
    line: int
    """Of the document."""
    measured_by: str = "harness"
    """``harness``, or who else must look: ``person``."""
    ask: str = ""
    """What that person must do."""
    counted: bool = False
    """Whether a person's answer is a share of things counted: it comes with their number, and has an interval."""
    people: str = ""
    """What pages of pairs ask several people for it (``same``); empty where none do."""
    needs: Needs = Needs()
    variant: str = ""
    """Which of several definitions of the metric the rule is about; empty where there is one."""
    suite: str = ""
    metric: str = ""
    probe: str | None = None
    dataset: str | None = None
    """None is every data set of the run."""
    fact: Fact = NO_FACT
    direction: str = "none"
    bound: float = float("nan")
    target: float | None = None
    """A better value that the document hopes for; said, not asked."""
    marginal: tuple[float, float] | None = None
    """Values between GO and NO-GO, lower end first; its good end is the bound."""
    candidates: tuple[str, ...] = ("*",)
    compare: Literal["", "difference", "ratio"] = ""
    reference: tuple[str, ...] = ()
    """Candidates that the value is compared with: the one that differs least, of equals the best."""
    trained_at_least: float | None = None
    trained_at_most: float | None = None
    """Parameters of the trained parts of the candidates that count."""
    weight: float | None = None

    @property
    def by_person(self) -> bool:
        """Whether a person answers it."""
        return self.measured_by == "person"

    @property
    def wants_number(self) -> bool:
        """Whether the answer of a person is a number; else it is yes or no."""
        return self.by_person and self.direction != "none"

    def fits(self, candidate: str) -> bool:
        """Whether the rule is about a candidate."""
        return fits(candidate, self.candidates)


@dataclass(frozen=True)
class Condition:
    """True where ``candidates`` (any, all, one, several) have one of ``verdicts`` in each of ``rules``."""

    rules: tuple[str, ...]
    verdicts: tuple[str, ...]
    candidates: str = "any"


@dataclass(frozen=True)
class Outcome:
    """A branch of a decision tree: the first whose conditions all hold is taken."""

    action: str
    verdict: str
    line: int
    when: tuple[Condition, ...]


@dataclass(frozen=True)
class Gate:
    """A table of thresholds and how they decide."""

    name: str
    title: str
    document: str
    section: str
    rules: tuple[Rule, ...]
    digest: str
    """First 16 hex digits of the sha256 of the file."""
    text: str
    decision: str = ""
    """The document's own words on how the rules decide."""
    subject: Literal["candidate", "rule"] = "candidate"
    """``candidate``: one candidate must pass all rules. ``rule``: each rule finds the candidate that passes it."""
    scope: Literal["any", "each"] = "any"
    """``any``: one candidate that passes is enough. ``each``: all must."""
    family: bool = False
    """Whether its deciding rules are read beside each other: tails are divided by their number too."""
    candidates: tuple[str, ...] = ("*",)
    decides: tuple[str, ...] = ()
    """Ids of the rules that decide; the others are shown beside them."""
    outcomes: tuple[Outcome, ...] = ()
    matrix: str = ""
    """The matrix that measures it."""
    needs: Needs = Needs()
    """Of every rule that states no other."""

    @property
    def source(self) -> str:
        """Document and section."""
        return f"{self.document}, section {self.section}"

    def deciding(self) -> list[Rule]:
        """Rules that decide."""
        return [rule for rule in self.rules if rule.id in self.decides]


def fits(candidate: str, globs: Sequence[str]) -> bool:
    """Whether a candidate string fits one of the globs and none of those after ``!``."""
    wanted = [glob for glob in globs if not glob.startswith("!")]
    refused = [glob[1:] for glob in globs if glob.startswith("!")]
    plain = candidate.replace("[", "(").replace("]", ")")
    return any(fnmatchcase(plain, glob) for glob in wanted or ["*"]) and not any(
        fnmatchcase(plain, glob) for glob in refused
    )
