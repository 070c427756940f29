"""pytest-xdist beside benchmark cells, and other plugins and settings that a stranger's project may have."""

from __future__ import annotations

import pytest
from foresight_harness.running.run_folder.digests import run_digests
from foresight_harness.running.run_folder.record_file import read_records
from foresight_harness.surface.pytest_plugin import distributed

pytestmark = pytest.mark.usefixtures("few_pictures")
pytest.importorskip("xdist")


@pytest.mark.parametrize("more", [(), ("--baseline", "nosuch"), ("--dist", "loadfile")])
def test_workers_of_xdist_are_refused_in_one_line_before_any_work(
    session, pytester: pytest.Pytester, more: tuple[str, ...]
) -> None:
    ended = session("-n", "2", *more)
    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in ended.errlines + ended.outlines if "ERROR" in line]
    assert "use --engine local:2 instead" in line
    assert not (pytester.path / "runs").exists()


def test_settings_of_a_project_that_ask_for_workers_are_refused_too(session, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\naddopts = --import-mode=importlib -n 2")
    assert session().ret == pytest.ExitCode.USAGE_ERROR
    assert session("-n", "0").ret == 0


def test_cells_that_are_reached_by_another_fixture_are_refused_by_the_workers(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_mine="import pytest\n@pytest.mark.suite('alignment')\n@pytest.mark.usefixtures('foresight_cell')\n"
        "def test_mine():\n    pass\ndef test_other():\n    pass\n"
    )
    ended = pytester.runpytest_subprocess("-n", "1", "--candidate", "oracle@mask/identity/single/linear", "-q")
    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    ended.stdout.fnmatch_lines(["ERROR: -n 1: benchmark cells *use --engine local:1 instead*"])
    assert not (pytester.path / "runs").exists()


def test_tests_of_other_projects_go_on_under_workers(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        'SOURCE = "def test_x(foresight_cell): pass"\ndef test_mine():\n    assert "foresight" in SOURCE'
    )
    assert not distributed.asks_for_cells(pytester.parseconfig("-n", "2"))
    pytester.runpytest_subprocess("-n", "1", "-q").assert_outcomes(passed=1)


def test_strict_markers_a_shuffling_plugin_and_no_cache_change_nothing(session, pytester, latest) -> None:
    pytester.makeini("[pytest]\naddopts = --import-mode=importlib --strict-markers --strict-config -p no:cacheprovider")
    pytester.makeconftest(
        "import pytest, random\n@pytest.hookimpl(tryfirst=True)\ndef pytest_collection_modifyitems(items):\n"
        "    random.shuffle(items)\n"
        "@pytest.fixture(autouse=True)\ndef seeded():\n    random.seed(1)\n"
    )
    assert session().ret == 0
    assert latest()["status"] == "complete"


@pytest.mark.parametrize(
    ("plugin", "arguments"),
    [("pytest_randomly", ("-p", "randomly")), ("pytest_repeat", ("--count=2",)), ("pytest_cov", ("--cov=benchmarks",))],
)
def test_plugins_that_shuffle_repeat_or_measure_coverage_move_no_number(
    session, latest, pytester: pytest.Pytester, plugin: str, arguments: tuple[str, ...]
) -> None:
    pytest.importorskip(plugin, reason=f"{plugin} is not installed: pip install {plugin.replace('_', '-')}")
    quiet = ("-p", "no:randomly") if plugin != "pytest_randomly" else ()
    digests = []
    for added in (("-p", "no:randomly"), (*quiet, *arguments)):
        assert session(*added).ret == 0
        assert latest()["status"] == "complete"
        digests.append(run_digests(read_records(pytester.path / "runs" / "latest" / "records.jsonl")))
    assert digests[0] == digests[1] != {}
