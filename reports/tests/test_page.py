"""The page as text: what it says, links to and allows."""

from __future__ import annotations

import ast
import base64
import json
import re
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path

import foresight_reports
import pytest
from foresight_reports import ReportError, SizeError, page, pictures, render, write_report
from jinja2 import Environment
from page_reader import Reader

SOURCES = Path(foresight_reports.__file__).parent


def test_the_same_folder_gives_the_same_bytes(make: Callable[..., Path]) -> None:
    run = make(pictures=3)
    first = write_report([run]).read_bytes()
    assert write_report([run]).read_bytes() == first
    assert render([run]).html.encode() == first


def test_templates_are_compiled_once_a_process_and_a_page_does_not_tell(
    make: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make()
    monkeypatch.setattr(page, "COMPILED", page.CompiledOnce())
    first = render([run]).html
    monkeypatch.setattr(Environment, "compile", lambda *given, **named: pytest.fail("a template was compiled again"))
    assert render([run]).html == first


def test_the_page_does_not_depend_on_where_the_run_lies(make: Callable[..., Path], tmp_path: Path) -> None:
    run = make(pictures=2)
    html = render([run]).html
    moved = run.rename(tmp_path / "elsewhere")
    assert render([moved]).html == html
    assert str(tmp_path) not in html


def test_the_page_asks_nobody_for_anything(smoke_page: Path) -> None:
    reader = Reader(smoke_page.read_text())
    assert not {"link", "iframe", "object", "embed", "base"} & set(reader.tags)
    for name in ("src", "href", "xlink:href"):
        assert not [value for value in reader.all(name) if re.match(r"\s*(https?:)?//", value)]
    code = "".join(reader.content["script"][-1].split("*/\n", 1)[1])
    assert not re.search(r"\b(XMLHttpRequest|WebSocket|EventSource|importScripts)\b", code)
    assert 'type="module"' not in smoke_page.read_text()


def test_the_policy_allows_exactly_what_stands_in_the_page(smoke_page: Path) -> None:
    reader = Reader(smoke_page.read_text())
    (policy,) = [value for value in reader.all("content") if "default-src" in value]
    assert policy.startswith("default-src 'none'; connect-src 'none';")
    assert "unsafe" not in policy
    for content in reader.content["script"] + reader.content["style"]:
        digest = base64.b64encode(sha256(content.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert not reader.all("style"), "the policy blocks style attributes"
    assert not [name for _, name, _ in reader.attributes if name.startswith("on")]


def test_ids_are_unique_and_every_inner_link_has_its_target(smoke_page: Path) -> None:
    reader = Reader(smoke_page.read_text())
    ids = reader.all("id")
    assert len(ids) == len(set(ids))
    targets = {value[1:] for tag, name, value in reader.attributes if (tag, name) == ("a", "href") and value[:1] == "#"}
    assert targets - set(ids) == set()
    described = {
        part for name in ("aria-labelledby", "aria-describedby") for v in reader.all(name) for part in v.split()
    }
    assert described - set(ids) == set()


def test_every_number_of_the_leaderboard_leads_to_its_record_and_sample_file(smoke_page: Path) -> None:
    html = smoke_page.read_text()
    lines = [json.loads(line) for line in (smoke_page.parent / "records.jsonl").read_text().splitlines()]
    for position, line in enumerate(lines):
        if line["metric"] is not None:
            assert f'<a href="#r{position}">' in html
            assert f'<tr id="r{position}">' in html
            assert f'href="samples/{line["cell"]}.parquet"' in html
            assert (smoke_page.parent / "samples" / f"{line['cell']}.parquet").is_file()


def test_links_of_a_page_elsewhere_lead_back_into_the_run(make: Callable[..., Path], tmp_path: Path) -> None:
    run = make()
    page = write_report([run], tmp_path / "site" / "page.html")
    (target, *_) = re.findall(r'href="([^"]*\.parquet)"', page.read_text())
    assert (page.parent / target).is_file()


def test_weights_that_mean_nothing_are_marked_in_every_row(smoke_page: Path) -> None:
    html = smoke_page.read_text()
    board = html[html.index('<section id="leaderboard"') :]
    rows = re.findall(r"<tbody class=\"rows\">(.*?)<tbody class=\"controls floor\">", board, re.S)
    assert len(rows) == 4
    for body in rows:
        marks = [row for row in body.split("<tr") if "<td" in row]
        assert marks
        assert all('class="w-nano"' in row and '<span class="chip nano">' in row for row in marks)


def test_a_page_of_nano_weights_is_provisional(smoke_page: Path) -> None:
    html = smoke_page.read_text()
    assert '<p class="word">Provisional</p>' in html
    assert "No number here can pass a gate." in html


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"weights": "pretrained", "twins": True}, "Measured"),
        ({"weights": "pretrained"}, "Provisional"),
        ({"suites": ("spatial",), "broken": ("spatial",)}, "Not ranked"),
    ],
)
def test_the_verdict_says_what_the_run_allows(make: Callable[..., Path], changes: dict[str, object], word: str) -> None:
    assert f'<p class="word">{word}</p>' in render([make(**changes)]).html


def test_a_run_without_numbers_and_one_that_was_interrupted_are_said_to_be_so(make: Callable[..., Path]) -> None:
    run = make()
    manifest = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**manifest, "status": "interrupted"}))
    assert "The run is interrupted" in render([run]).html
    (run / "records.jsonl").unlink()
    html = render([run]).html
    assert "No cell of this run has given a number." in html
    assert "records.jsonl is missing" in html


def test_failed_cells_are_listed_with_their_error(smoke_page: Path) -> None:
    html = smoke_page.read_text()
    section = html[html.index('<section id="failed"') :]
    assert "FitError: loss is NaN at step 12 of 200" in section
    assert "Traceback (most recent call last)" in section
    assert "2 cells gave no number (1 failed, 1 ran out of memory)" in html


def test_unequal_protocols_are_refused_in_a_sentence_that_names_the_choice(make: Callable[..., Path]) -> None:
    html = render([make(suites=("spatial",)), make(suites=("spatial",), steps=50)]).html
    assert "are not ranked together; they differ in fit_steps: 200 and 50." in html.replace("</bdi>", "").replace(
        "<wbr>", ""
    )


def test_folder_mode_writes_pictures_and_data_beside_the_page(make: Callable[..., Path], tmp_path: Path) -> None:
    run = make(pictures=2)
    page = write_report([run], tmp_path / "site", folder=True)
    assert page == tmp_path / "site" / "index.html"
    sources = {value for value in Reader(page.read_text()).all("src") if value}
    assert "data.js" in sources
    assert any(source.startswith("img/") and source.endswith(".webp") for source in sources)
    assert all((page.parent / source).is_file() for source in sources)
    assert not any(source.startswith("data:") for source in sources)
    assert Reader(page.read_text()).all("data-packed") == []
    assert (page.parent / "data.js").read_text().startswith('window.packedParts = {"charts":"')
    first = {file: file.read_bytes() for file in page.parent.rglob("*") if file.is_file()}
    write_report([run], tmp_path / "site", folder=True)
    assert {file: file.read_bytes() for file in page.parent.rglob("*") if file.is_file()} == first


@pytest.mark.parametrize("limit", ["SINGLE_FILE_LIMIT", "INLINE_LIMIT"])
def test_a_page_beyond_the_limit_becomes_a_folder_and_says_so_in_one_line(
    make: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, limit: str
) -> None:
    run = make(pictures=2)
    stale = write_report([run])
    monkeypatch.setattr(foresight_reports if limit == "SINGLE_FILE_LIMIT" else pictures, limit, 1000)
    with pytest.raises(SizeError, match="Write it in folder mode") as caught:
        render([run])
    assert "\n" not in str(caught.value)
    page = write_report([run])
    assert page == run.resolve() / "report" / "index.html"
    assert not stale.exists()
    (line,) = caplog.messages
    assert re.fullmatch(
        r"The page would have .* MiB, a single file may have 15\. It was written as the folder .*", line
    )
    (target, *_) = re.findall(r'href="([^"]*\.parquet)"', page.read_text())
    assert (page.parent / target).is_file()


def test_no_run_and_one_run_twice_are_refused(make: Callable[..., Path]) -> None:
    run = make()
    with pytest.raises(ReportError, match="No run folder was given"):
        write_report([])
    with pytest.raises(ReportError, match="was given twice"):
        render([run, run])


def test_three_hundred_candidates_stay_a_tenth_under_two_megabytes(many_page: Path) -> None:
    assert many_page.stat().st_size < 1_800_000


def test_the_harness_finds_the_writer_by_its_entry_point() -> None:
    (found,) = [each for each in entry_points(group="foresight_report") if each.name == "html"]
    assert found.value == "foresight_reports:write_report"
    assert found.load() is write_report


def test_the_package_imports_nothing_of_ours() -> None:
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            ours = [name for name in names if name.startswith("foresight") and not name.startswith("foresight_reports")]
            assert ours == [], file


def test_the_vendored_bundle_is_the_one_that_its_version_file_names() -> None:
    folder = SOURCES / "assets" / "vendor" / "plot"
    first, *packages = (folder / "VERSION").read_text().splitlines()
    assert first == f"plot.min.js sha256 {sha256((folder / 'plot.min.js').read_bytes()).hexdigest()}"
    for line in packages:
        name = line.split()[0].removeprefix("@").replace("/", "_")
        assert (folder / "licenses" / f"{name}.LICENSE").is_file()
    assert "Permission to use, copy, modify" in (folder / "plot.min.js").read_text()[:6000]
