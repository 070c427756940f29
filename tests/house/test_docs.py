"""Documentation is held to the live objects."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from foresight_harness.contracts import hookspecs
from foresight_harness.contracts.records.fields import stored_fields
from foresight_harness.contracts.records.record import HISTORY, SCHEMA, Record
from foresight_harness.measuring.suites.specs import suite_specs
from foresight_harness.parts.metrics.specs import metric_specs
from foresight_harness.surface.command.verbs import VERBS

ROOT = Path(__file__).resolve().parents[2]
HEADINGS = ("Called:", "Cost:", "Returns:", "Errors:", "Example:")
HOOKS_PAGE = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("hook", hookspecs.HOOKS, ids=lambda hook: hook.__name__)
def test_every_hook_answers_the_five_questions_in_order(hook) -> None:
    text = inspect.getdoc(hook) or ""
    places = [text.find(heading) for heading in HEADINGS]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("hook", hookspecs.HOOKS, ids=lambda hook: hook.__name__)
def test_every_hook_stands_in_the_page_with_its_signature_and_docstring(hook) -> None:
    arguments = ", ".join(inspect.signature(hook).parameters)
    assert f"## {hook.__name__}({arguments})" in HOOKS_PAGE
    for line in (inspect.getdoc(hook) or "").splitlines():
        assert line.replace("``", "`").strip() in HOOKS_PAGE


@pytest.mark.parametrize("hook", hookspecs.HOOKS, ids=lambda hook: hook.__name__)
def test_example_of_every_hook_exists_and_implements_it(hook) -> None:
    example = re.search(r"Example: (\S+)", inspect.getdoc(hook) or "")
    assert example is not None
    assert f"def {hook.__name__}(" in (ROOT / example[1]).read_text(encoding="utf-8")


@pytest.mark.parametrize("told", stored_fields(Record), ids=lambda told: told[2])
def test_every_field_of_a_record_stands_in_its_page_with_type_unit_and_meaning(told) -> None:
    _, about, key = told
    page = (ROOT / "docs" / "run-folder.md").read_text(encoding="utf-8")
    assert f"| `{key}` | {about.kind.name} | {about.unit} | {about.meaning} |\n" in page


def test_every_schema_up_to_the_newest_has_its_history() -> None:
    assert sorted(HISTORY) == list(range(1, SCHEMA + 1))


def test_every_hook_of_the_catalogue_is_listed() -> None:
    defined = {name for name, value in vars(hookspecs).items() if name.startswith("foresight_") and callable(value)}
    assert defined == {hook.__name__ for hook in hookspecs.HOOKS}


def test_readme_is_short_and_names_both_commands_and_its_picture() -> None:
    assert len(README.splitlines()) < 120
    assert "make bench" in README
    assert "make test" in README
    picture = re.search(r"!\[[^\]]+\]\(([^)]+\.(?:png|webp))\)", README)
    assert picture is not None
    assert (ROOT / picture[1]).stat().st_size > 10_000


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_names_its_language_and_commands_are_sh_so_that_tests_try_them(page: Path) -> None:
    blocks = re.findall(r"^```([^\n]*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for mark, block in blocks:
        assert mark, f"{page.name}: a block without its language"
        if mark != "sh":
            assert not re.search(r"^(\$ )?(pytest|foresight-bench|make|pip) ", block, re.MULTILINE), page.name


def test_every_page_stands_in_the_index_of_the_site() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8").splitlines()
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")} - {"index"}
    assert pages <= set(index), f"docs/index.md leaves out {sorted(pages - set(index))}"


def test_measuring_page_names_every_suite() -> None:
    page = (ROOT / "docs" / "measuring.md").read_text(encoding="utf-8")
    assert [spec.name for spec in suite_specs() if f"`{spec.name}`" not in page] == []


def test_metrics_page_names_every_metric_and_tests_that_exist() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert [spec.name for spec in metric_specs() if f"`{spec.name}`" not in page] == []
    named = set(re.findall(r"`((?:parts|measuring)/\w+/test_\w+\.py)`", page))
    assert len(named) > 10
    assert [name for name in named if not (ROOT / "tests" / "harness" / name).is_file()] == []


def test_tour_names_every_verb_of_the_command() -> None:
    page = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
    assert [verb.name for verb in VERBS if f"foresight-bench {verb.name}" not in page] == []


def test_every_kit_and_plugin_has_a_readme_with_licence_and_limits() -> None:
    for folder in sorted(
        path.parent for path in ROOT.glob("*/*/pyproject.toml") if path.parts[-3] in ("kits", "plugins")
    ):
        text = (folder / "README.md").read_text(encoding="utf-8").lower()
        assert "licen" in text, folder.name
        assert "limit" in text, folder.name
