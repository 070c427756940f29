"""How much longer than counted a run on such a card took: the factor of the next plan."""

from __future__ import annotations

from foresight_harness.contracts.errors import ForesightError, UsageError
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.options import parse_dataset
from foresight_harness.planning.options.options import options_from_json
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.planning.registry import Registry
from foresight_harness.running.card_plans.cards import Card
from foresight_harness.running.card_plans.phases import plan_for
from foresight_harness.running.run_folder.run_data import RunData


def measured_factor(card: Card, data: RunData, registry: Registry) -> tuple[float, str]:
    """Seconds that the finished cells of a run took, over what is counted for them on the card.

    Returns:
        The factor, and a sentence that says where it comes from.

    Raises:
        UsageError: in one line, where the run was made on something else, or says too little.
    """
    seen = (data.manifest.get("hardware") or {}).get("gpus") or []
    stated = data.manifest.get("options")
    if not card.is_one_of(seen) or not str((stated or {}).get("device", "")).startswith("cuda"):
        said = ", ".join(map(str, seen)) or "no card"
        raise UsageError(f"--calibrate {data.path.name}: it ran on {said}, not on {card.name}")
    took = {record.cell: record.wall_s for record in data.records if record.wall_s}
    try:
        options = options_from_json(stated or {})
        cells = [
            PlannedCell(
                resolve(parse_candidate(str(one["candidate"])), registry),
                registry.suite(str(one["suite"])),
                parse_dataset(str(one["dataset"])),
                registry.dataset(str(one["dataset"]).partition(":")[0]).video,
            )
            for one in data.cells
            if one["cell"] in took and not registry.suite(str(one["suite"])).live_encoder
        ]
    except (ForesightError, KeyError, TypeError) as error:
        raise UsageError(f"--calibrate {data.path.name}: its cells cannot be counted here ({error})") from error
    forwards: dict[str, int] = {}
    for session in data.manifest.get("sessions") or ():
        for name, count in (session.get("extraction") or {}).get("pictures_forwarded", {}).items():
            forwards[str(name)] = forwards.get(str(name), 0) + int(count)
    counted = plan_for(card, cells, options, 0, forwards=forwards).seconds
    names = {(str(cell.candidate), cell.suite.name, str(cell.dataset)) for cell in cells}
    real = sum(
        took[str(one["cell"])] or 0.0
        for one in data.cells
        if (str(one["candidate"]), str(one["suite"]), str(one["dataset"])) in names and one["cell"] in took
    )
    if not cells or counted <= 0 or real <= 0:
        raise UsageError(f"--calibrate {data.path.name}: no finished cell of it can be counted")
    return (
        real / counted,
        f"{len(cells)} cells of {data.path.name} took {real:.1f} s, {counted:.3g} s are counted for them",
    )
