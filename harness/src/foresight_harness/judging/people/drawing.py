"""Pairs drawn from the pictures that a run kept: the same scenes for every candidate, order and sides by a seed.

Pictures that were kept because they are a candidate's worst are left out: asked about those, people would say less good
of it than it deserves. Every fourth question is a check, whose answer is known: without any, raters who say *yes* to
everything would agree perfectly, and raters who agree that all is well would not seem to agree at all.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.identity import digest
from foresight_harness.judging.gates.gate import fits
from foresight_harness.judging.people.pictures import Kept, Scene, kept_pictures
from foresight_harness.judging.people.question import Ask, Asking, Question
from foresight_harness.running.run_folder.run_data import RunData

CHECKED = 4
"""One question of so many is a check."""
COPIED = 3
"""Of so many checks of *same* one is the original itself, the others are of another scene: few answers are *no*."""
LEAST_SCENES = 2


class Wanted(NamedTuple):
    """What a page is to ask."""

    asks: tuple[Ask, ...] = ("same", "nearer")
    candidates: tuple[str, ...] = ()
    """Globs; none is every candidate that is no control."""
    dataset: str | None = None
    most: int = 60
    """Questions, checks among them."""
    seed: int = 0


def draw(run: RunData, wanted: Wanted) -> Asking:
    """The questions of a page: the same run and wishes give the same ones.

    Raises:
        UsageError: in one line, where the run kept too few pictures, or too few questions were allowed.
        RunFolderError: where its index of pictures or its samples cannot be read.
    """
    kept = _of_candidates(run, kept_pictures(run), wanted)
    names = sorted({name for name, _ in kept.outputs})
    scenes = [scene for scene in kept.scenes if all((name, scene) in kept.outputs for name in names)]
    _enough(run, names, scenes)
    asks = [ask for ask in wanted.asks if ask == "same" or len(names) > 1]
    if not asks:
        raise UsageError(f"--ask nearer compares candidates, and {names[0]} is the only one; name others, or ask same")
    chance = random.Random(digest({"run": run.path.name, "seed": wanted.seed}))
    chance.shuffle(scenes)
    made: list[Question] = []
    for ask in asks:
        about = [(name,) for name in names] if ask == "same" else list(combinations(names, 2))
        allowed = wanted.most // len(asks)
        each = (allowed - allowed // CHECKED) // len(about)
        if each < 1:
            raise UsageError(
                f"--most {wanted.most}: {len(about)} {'pairs of ' if ask == 'nearer' else ''}candidates need at least "
                f"{_least(len(about)) * len(asks)} questions; allow more, or name fewer with --candidate"
            )
        makes = _Makes(ask, kept, chance)
        asked = [makes.asked(scene, one) for scene in scenes[:each] for one in about]
        made += asked + list(makes.checks(scenes, about, max(2, len(asked) // (CHECKED - 1))))
    chance.shuffle(made)
    return Asking(str(run.manifest.get("run") or run.path.name), wanted.seed, tuple(_named(made, chance)))


def _least(about: int) -> int:
    """Questions of which three quarters are one for each."""
    return -(-about * CHECKED // (CHECKED - 1))


def _of_candidates(run: RunData, kept: Kept, wanted: Wanted) -> Kept:
    """The pictures that may be asked about."""
    roles = {record.candidate: record.role for record in run.all_records}
    names = {
        name
        for name, scene in kept.outputs
        if (fits(name, wanted.candidates) if wanted.candidates else roles.get(name) == "candidate")
        and wanted.dataset in (None, scene.dataset)
    }
    outputs = {
        (name, scene): path
        for (name, scene), path in kept.outputs.items()
        if name in names and wanted.dataset in (None, scene.dataset)
    }
    return Kept(outputs, kept.originals)


def _enough(run: RunData, names: Sequence[str], scenes: Sequence[Scene]) -> None:
    how = "score it with: pytest benchmarks/ -k reconstruction --keep-pictures 32"
    if not names:
        raise UsageError(
            f"run {run.path.name} kept no reconstruction that fits, as it comes and with its original; {how}"
        )
    if len(scenes) < LEAST_SCENES:
        raise UsageError(
            f"run {run.path.name} kept {len(scenes)} scenes of all {len(names)} candidates, {LEAST_SCENES} are "
            f"needed at least and 24 for a gate; {how}"
        )


class _Makes(NamedTuple):
    """Makes questions of one kind."""

    ask: Ask
    kept: Kept
    chance: random.Random

    def asked(self, scene: Scene, about: tuple[str, ...]) -> Question:
        """One in earnest."""
        return self._placed(scene, about, [self.kept.outputs[name, scene] for name in about])

    def checks(self, scenes: Sequence[Scene], about: Sequence[tuple[str, ...]], count: int) -> Iterator[Question]:
        """Ones whose answer is known, spread over scenes and candidates."""
        for place in range(count):
            scene, name = scenes[place % len(scenes)], about[place % len(about)][0]
            true = self.kept.originals[scene]
            made = self.kept.outputs[name, scene]
            if self.ask == "nearer":
                yield self._placed(scene, ("", name), [true, made], check="copy")
            elif place % COPIED == 1 or not (others := _elsewhere(scene, scenes)):
                yield self._placed(scene, (name,), [true], check="copy", right="yes")
            else:
                made = self.kept.outputs[name, self.chance.choice(others)]
                yield self._placed(scene, (name,), [made], check="other", right="no")

    def _placed(
        self, scene: Scene, about: tuple[str, ...], paths: Sequence[str], check: str = "", right: str = ""
    ) -> Question:
        """At sides that chance picks; of two candidates the names go with the pictures."""
        true = self.kept.originals[scene]
        turned = self.chance.random() < 0.5
        sides = [true, *paths] if self.ask == "same" else list(paths)
        if turned:
            sides.reverse()
            about = about[::-1]
        if check and self.ask == "nearer":
            right = "right" if turned else "left"
        return Question(
            id="",
            ask=self.ask,
            check=check,
            right=right,
            dataset=scene.dataset,
            sample=scene.sample,
            group=scene.group,
            candidates=about,
            left=sides[0],
            middle=true if self.ask == "nearer" else "",
            right_side=sides[1],
        )


def _elsewhere(scene: Scene, scenes: Sequence[Scene]) -> list[Scene]:
    """Scenes that are another one for sure: of other sources (crops of one photograph may be alike), of the same data
    set where there are any."""
    others = [one for one in scenes if (one.dataset, one.group) != (scene.dataset, scene.group)]
    return [one for one in others if one.dataset == scene.dataset] or others


def _named(made: Sequence[Question], chance: random.Random) -> Iterator[Question]:
    """With ids that chance draws: they are no digests of what is asked, which a reader of the page could guess."""
    taken: set[str] = set()
    for each in made:
        name = f"{chance.getrandbits(48):012x}"
        while name in taken:
            name = f"{chance.getrandbits(48):012x}"
        taken.add(name)
        yield replace(each, id=name)
