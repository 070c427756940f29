"""The part of ``foresight-bench plan`` that is about a card that is not here."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.named_files import folders_of
from foresight_harness.running.card_plans.budgets import KIND, Budget, read_budgets
from foresight_harness.running.card_plans.cards import Card, card_of, is_card
from foresight_harness.surface.command.printing import console, print_table

if TYPE_CHECKING:
    from foresight_harness.planning.options import RunOptions
    from foresight_harness.planning.plan import PlannedCell
    from foresight_harness.planning.registry import Registry
    from foresight_harness.running.card_plans.phases import CardPlan

GUESSED = "the shares of its peaks that are reached: rules of thumb, until --calibrate RUN names a run on such a card"
ON_THE_HOST = "work of the processor: decoding files, metrics, statistics, the report"


def take_card(options: argparse.Namespace) -> Card | None:
    """The card that ``--device`` names, which the plan then calls ``cuda``; None for a device of this machine.

    Raises:
        UsageError: for an unknown card, and for ``--calibrate`` without one.
    """
    if not is_card(options.device):
        if options.calibrate:
            raise UsageError("--calibrate: name the card too, such as --device a100-80gb")
        return None
    card = card_of(options.device)
    options.device = "cuda"
    return card


def plan_on(
    card: Card, cells: Sequence[PlannedCell], wanted: RunOptions, registry: Registry, disk: int, calibrate: str | None
) -> tuple[CardPlan, str]:
    """The plan on the card, and where its factor comes from. Raises: UsageError."""
    from foresight_harness.running.card_plans.calibrating import measured_factor
    from foresight_harness.running.card_plans.phases import plan_for

    found = plan_for(card, cells, wanted, disk)
    if calibrate is None:
        return replace(found, never_measured=(GUESSED, ON_THE_HOST, *found.never_measured)), GUESSED
    from foresight_harness.running.run_folder.folder import find_run
    from foresight_harness.running.run_folder.run_data import RunData

    factor, said = measured_factor(card, RunData.load(find_run(wanted.out, calibrate)), registry)
    return replace(found, factor=factor), said


def budgets_for(matrix: str | None) -> list[Budget]:
    """Totals of every proposal; of the one whose study the matrix is, every phase. Raises: UsageError."""
    name = Path(matrix).stem if matrix else None
    known = read_budgets(folders_of(KIND))
    return [one for one in known if one.phase == "total" or name in one.matrices]


def as_json(found: CardPlan, origin: str, budgets: Sequence[Budget]) -> dict[str, Any]:
    """The field ``card``."""
    card = found.card
    return {
        "name": card.name,
        "source": card.source,
        "figures": {
            "bfloat16_tflops": card.bfloat16_tflops,
            "float32_tflops": card.float32_tflops,
            "bandwidth_gb_s": card.bandwidth_gb_s,
            "memory_gb": card.memory_gb,
        },
        "phases": [
            {
                "name": phase.name,
                "flops": phase.work.flops,
                "bytes": phase.work.bytes,
                "kernels": phase.work.calls,
                "gpu_hours": found.factor * phase.hours,
                "bound_by": phase.bound_by,
            }
            for phase in found.phases
        ],
        "gpu_hours": found.gpu_hours,
        "memory_bytes": found.memory_bytes,
        "fits_in_memory": found.fits,
        "disk_bytes": found.disk_bytes,
        "factor": found.factor,
        "factor_from": origin,
        "never_measured": list(found.never_measured),
        "budgets": [_budget(one, found) for one in budgets],
    }


def show(found: CardPlan, origin: str, budgets: Sequence[Budget]) -> None:
    """Tables and sentences."""
    card = found.card
    rows: list[Mapping[str, Any]] = [
        {
            "phase": phase.name,
            "TFLOP": f"{phase.work.flops / 1e12:.4g}",
            "GB moved": f"{phase.work.bytes / 1e9:.4g}",
            "GPU hours": f"{found.factor * phase.hours:.3g}",
            "bound by": phase.bound_by,
        }
        for phase in found.phases
    ]
    print_table(f"on one {card.name} ({card.source})", rows, list(rows[0]))
    memory = f"{found.memory_bytes / 1e9:.1f} of its {card.memory_gb:g} GB of memory"
    lines = [
        f"{found.gpu_hours:.3g} GPU hours, {memory}{'' if found.fits else ', which does not hold it'}, "
        f"{found.disk_bytes / 1e9:.2f} GB of features on disk"
    ]
    if found.factor != 1.0:
        lines.append(f"times {found.factor:.3g}: {origin}")
    lines += [f"never measured: {line}" for line in found.never_measured]
    for line in lines:
        console().print(line, markup=False, highlight=False, soft_wrap=True)
    if budgets:
        shown = [_budget(one, found) for one in budgets]
        columns = ["proposal", "phase", "budget_gpu_hours", "plan", "storage"]
        print_table("beside what the proposals reckon with", shown, columns)


def _budget(one: Budget, found: CardPlan) -> dict[str, Any]:
    hours = f"{one.low_hours:g}" if one.low_hours == one.high_hours else f"{one.low_hours:g} to {one.high_hours:g}"
    storage = None
    if one.storage_gb is not None:
        over = found.disk_bytes > 1e9 * one.storage_gb
        storage = f"{found.disk_bytes / 1e9:,.1f} of {one.storage_gb:,g} GB" + (", over it" if over else "")
    return {
        "proposal": one.proposal,
        "phase": one.phase,
        "budget_gpu_hours": hours + (f" ({one.card})" if one.card else ""),
        "plan": one.verdict(found.gpu_hours),
        "storage": storage,
        "source": f"{one.document}, line {one.line}",
    }
