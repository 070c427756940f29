"""A page of blind pairs for people: one offline file, driven by keys, that saves its answers as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from foresight_reports.errors import RunFolderError
from foresight_reports.page import asset, environment, island, source_hash
from foresight_reports.pictures import PictureStore

SIDES = ("left", "middle", "right")


def write_people(run: Path, page: str, questions: Sequence[Mapping[str, str]], output: Path) -> Path:
    """Write a page and give its path.

    Args:
        run: Folder of the run whose pictures are shown.
        page: What names the page in the files of answers.
        questions: In the order in which they are asked: ``id``, ``ask`` (``same``, ``nearer``), and the paths ``left``,
            ``middle`` (empty where nothing stands there) and ``right``. No name of a candidate is among them.
        output: The file.

    Raises:
        RunFolderError: when a picture cannot be read, or all are too large for one file.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(people_page(run, page, questions), encoding="utf-8")
    return output


def people_page(run: Path, page: str, questions: Sequence[Mapping[str, str]]) -> str:
    """The whole page; the same bytes for the same questions. Raises: RunFolderError."""
    store = PictureStore(inline=True)
    places: dict[str, int] = {}
    asked = [
        {"id": each["id"], "ask": each["ask"]}
        | {side: places.setdefault(_href(store, run, each[side]), len(places)) for side in SIDES if each[side]}
        for each in questions
    ]
    data: dict[str, Any] = {"page": page, "questions": asked, "pictures": list(places)}
    head, script, style = asset("js/theme.js"), asset("js/people.js"), asset("css/people.css")
    policy = (
        "default-src 'none'; connect-src 'none'; form-action 'none'; base-uri 'none'; img-src data:; "
        f"script-src {source_hash(head)} {source_hash(script)}; style-src {source_hash(style)}"
    )
    return (
        environment()
        .get_template("people.html")
        .render(
            page=page,
            count=len(asked),
            asks={each["ask"] for each in questions},
            policy=policy,
            style=Markup(style),
            head_script=Markup(head),
            script=Markup(script),
            data=Markup(island(data)),
        )
    )


def _href(store: PictureStore, run: Path, path: str) -> str:
    """A picture or clip as data."""
    found = store.get(run, path)
    if found is None:
        why = "is no picture of this run" if store.missing else "no longer fits into one page of 15 MB: ask about fewer"
        raise RunFolderError(f"{path} {why}.")
    return found.href
