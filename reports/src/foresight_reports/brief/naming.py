"""Names of candidates without what most of them share: short on the page, whole on demand and in every copy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from markupsafe import Markup, escape

from foresight_reports.tables import LONGEST, LONGEST_SENTENCE, breakable, cut, visible

PARTS = 4
"""Parts of a candidate's name between slashes: streams, enhancer, fusion, decoder."""

MOST = 0.5
"""Share of the candidates that must have a part before it goes without saying."""

NAMED = re.compile(r"[^\s,;()]+(?:/[^\s,;()]+){3}")
"""What may be the name of a candidate inside a sentence."""


class Names:
    """The names of one page. A short one never stands for two candidates; texts that name none stay as they are.

    >>> names = Names(["a@x/identity/single/linear", "b@y/identity/single/linear", "b@y/sem/single/linear"])
    >>> names.short("a@x/identity/single/linear"), names.short("b@y/sem/single/linear"), names.left_out
    ('a@x', 'b@y/sem', 'identity/single/linear')
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        full = list(dict.fromkeys(names))
        parted = {name: name.split("/") for name in full if name.count("/") == PARTS - 1}
        shared = [_most_common([parts[i] for parts in parted.values()]) for i in range(1, PARTS)]
        if len(parted) < 2:
            shared = [""] * (PARTS - 1)
        made = {name: _without(parts, shared) for name, parts in parted.items()}
        taken = Counter([*made.values(), *(name for name in full if name not in made)])
        self._short = {name: each for name, each in made.items() if taken[each] == 1 and each != name}
        self.left_out = "/".join(filter(None, shared)) if self._short else ""
        """What a short name goes without, as it stands in a whole one; empty where all names are whole."""
        # Thousands of cells name a few hundred candidates.
        self._written = lru_cache(maxsize=16_384)(self._write)

    def short(self, name: str) -> str:
        """The name without what most share, or the name itself."""
        return self._short.get(name, name)

    def plain(self, text: str) -> str:
        """A sentence with the short names in it, as plain text."""
        return NAMED.sub(lambda found: self._replaced(found[0])[0] + self._replaced(found[0])[1], text)

    def breakable(self, text: object, longest: int = LONGEST) -> Markup:
        """A name or a sentence, escaped, with places to break at; what was shortened has its whole name as a hint."""
        return self._written(str(text), longest)

    def sentence(self, text: object) -> Markup:
        """A text of any sentences."""
        return self._written(str(text), LONGEST_SENTENCE)

    def _write(self, text: str, longest: int) -> Markup:
        if text in self._short:
            return _hinted(text, self._short[text])
        text = cut(text, longest)
        written, at = [], 0
        for found in NAMED.finditer(text):
            short, rest = self._replaced(found[0])
            name = found[0].removesuffix(rest) if rest else found[0]
            if name in self._short:
                written += [breakable(text[at : found.start()], longest), _hinted(name, short)]
                at = found.end() - len(rest)
        return Markup("").join([*written, breakable(text[at:], longest)]) if written else breakable(text, longest)

    def _replaced(self, name: str) -> tuple[str, str]:
        """A name as found in a sentence: its short form, and the full stop or colon that does not belong to it."""
        bare = name.rstrip(".:")
        return self._short.get(bare, bare), name[len(bare) :]


def _most_common(values: list[str]) -> str:
    """The value of at least half of them, empty where there is none."""
    if not values:
        return ""
    value, count = Counter(values).most_common(1)[0]
    return value if count >= MOST * len(values) else ""


def _without(parts: list[str], shared: list[str]) -> str:
    kept = [part for part, common in zip(parts[1:], shared, strict=True) if part != common]
    return "/".join([parts[0], *kept])


def _hinted(name: str, short: str) -> Markup:
    inside = breakable(short).removeprefix("<bdi>")
    return Markup(f'<bdi title="{escape(visible(cut(name, LONGEST)))}">{inside}')


WHOLE = Names()
"""Leaves every name as it is."""
