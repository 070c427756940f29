"""The command itself: what it loads, what it says of a slip, and what its verbs have in common."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from foresight_harness import __version__
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


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"foresight-bench {__version__}\n"


def test_an_unknown_verb_is_one_line_with_the_nearest_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["cmpare"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "foresight-bench: unknown verb 'cmpare'; did you mean compare or cache?\n"


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
