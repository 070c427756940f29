"""The command itself: what it loads, what it says of a slip, and what its verbs have in common."""

from __future__ import annotations

import argparse
import os
import resource
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from foresight_harness import __version__
from foresight_harness.planning.options.declared import OPTIONS
from foresight_harness.surface import command as package
from foresight_harness.surface.command import command, main
from foresight_harness.surface.command.verbs import VERBS

HEAVY = (
    "torch",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "sklearn",
    "skimage",
    "matplotlib",
    "torchvision",
    "transformers",
)
QUICK = (["--help"], ["--version"], ["plugins"], ["candidates", "--candidate", "pixels@patch"])


@pytest.fixture(scope="module")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the verbs keep compiled sources, once for all of them."""
    return tmp_path_factory.mktemp("bytecode")


@pytest.mark.parametrize("words", QUICK, ids=" ".join)
def test_verbs_that_only_say_something_load_no_heavy_module(words: list[str], tmp_path: Path) -> None:
    code = (
        "import sys; from foresight_harness.surface.command import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout
    assert done.stderr.splitlines()[-1] == "[]"


def test_a_refused_history_waits_for_no_scipy(tmp_path: Path) -> None:
    code = (
        "import sys; from foresight_harness.surface.command import main\n"
        "print(main(['history', '--candidate', '*', '--metric', 'iou', '--out', '.']), 'scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "2 False\n"
    assert "no run in . holds iou" in done.stderr


@pytest.mark.parametrize("words", QUICK, ids=" ".join)
def test_they_take_less_than_half_a_second_of_processor_time(
    words: list[str], bytecode: Path, tmp_path: Path, least_seconds: Callable[..., float]
) -> None:
    """As installed: with bytecode."""
    code = "import sys; from foresight_harness.surface.command import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-X", f"pycache_prefix={bytecode}", "-c", code, *words]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def spent() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=tmp_path, env=kept, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    spent()  # writes the bytecode that the verbs before did not
    assert least_seconds(spent, 0.5) < 0.5


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"foresight-bench {__version__}\n"


def test_an_unknown_verb_is_one_line_with_the_nearest_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["cmpare"])
    assert ended.value.code == 2
    told = "unknown verb 'cmpare'; did you mean compare?"
    assert capsys.readouterr().err == f"foresight-bench: {told}\n"


def test_every_file_that_is_a_verb_stands_in_the_table() -> None:
    (folder,) = package.__path__
    files = {
        path.stem for path in Path(folder).glob("*.py") if "def add_arguments(" in path.read_text(encoding="utf-8")
    }
    assert files == {verb.module for verb in VERBS}


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_has_three_examples_that_its_parser_understands(verb, capsys: pytest.CaptureFixture[str]) -> None:
    examples = verb.load().EXAMPLES
    assert len(set(examples)) == 3
    parser = command(verb.name)
    for example in examples:
        words = shlex.split(example.partition(" || ")[0].partition(" > ")[0])
        assert words[:2] == ["foresight-bench", verb.name]
        options, rest = parser.parse_known_args(words[1:])
        assert hasattr(options, "hands_on") or not rest
    with pytest.raises(SystemExit):
        parser.parse_args([verb.name, "--help"])
    said = capsys.readouterr().out
    assert all(example in said for example in examples)


@pytest.mark.parametrize("verb", ["run", "plan", "candidates"])
def test_verbs_of_a_run_take_its_options_by_the_same_names(verb: str) -> None:
    words = [
        verb,
        "--candidate",
        "a",
        "--candidate",
        "b",
        "--dataset",
        "coco:d",
        "--device",
        "cuda",
        "--train-size",
        "32",
    ]
    options = command(verb).parse_args([*words, "--out", "there", "--gate", "g", "--engine", "local:2", "--resume"])
    assert (options.candidate, options.dataset, options.device) == (["a", "b"], ["coco:d"], "cuda")
    assert (options.train_size, options.out, options.resume) == (32, "there", True)


def test_out_of_the_file_is_where_every_verb_looks_for_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("foresight.toml").write_text('out = "elsewhere"\n')
    Path("ours.toml").write_text('out = "ours"\n')
    for words, place in (
        (["rank"], "elsewhere"),
        (["verify", "--config", "ours.toml"], "ours"),
        (["rank", "--config=ours.toml"], "ours"),
        (["rank", "--out", "said"], "said"),
    ):
        assert main(words) == 2
        assert place in capsys.readouterr().err


def parsers_of(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """A parser and those of what stands below it."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return [parser, *(one for action in below for each in action.choices.values() for one in parsers_of(each))]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_options_of_one_name_take_values_of_one_kind_in_every_verb(verb) -> None:
    """``--dataset``, ``--device``, ``--candidate`` and all others of a run mean the same wherever they stand."""
    declared = {option.flag: option for option in OPTIONS}
    for parser in parsers_of(command(verb.name)):
        for action in parser._actions:
            for flag in set(action.option_strings) & set(declared):
                option = declared[flag]
                kind = str if action.type in (None, Path) else action.type
                assert kind is (str if option.kind is bool else option.kind), f"{verb.name} {flag}"
                assert (action.nargs == 0) is (option.kind is bool), f"{verb.name} {flag}"
                assert option.metavar is None or action.metavar == option.metavar, f"{verb.name} {flag}"


@pytest.mark.parametrize("verb", ["rank", "versus"])
def test_verbs_that_choose_records_of_a_run_choose_them_by_the_same_names(verb: str) -> None:
    words = ["latest", "a", "b"] if verb == "versus" else ["latest"]
    chosen = ["--suite", "spatial", "--metric", "iou", "--dataset", "coco:d", "--probe", "knn"]
    options = command(verb).parse_args([verb, *words, *chosen])
    assert (options.suite, options.metric, options.dataset, options.probe) == ("spatial", "iou", "coco:d", "knn")
