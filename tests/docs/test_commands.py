"""Every command in a shell block of the pages and of README is carried out here, or stands in a table with the reason.

A benchmark session is carried out up to the point where scoring would begin (pytest's ``--collect-only``): options,
candidates, matrices, data sets, weights, gates and baselines are found as in a run, and a slip is exit 4. ``SCORED`` is
scored for real, and ``SCORED_TOO`` with words behind it that leave a cell or two.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from foresight_harness.planning.options import scale
from foresight_harness.surface.command import command as parser_of_the_command
from foresight_harness.surface.command import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

SCORED = 'pytest benchmarks/ -k "dinov2 and spatial" --dataset shapes'
"""Of README; what it writes is the run that the commands on run folders are given."""

ELSEWHERE = {
    "make bench": ".ci/run carries it out",
    "make test": ".ci/run carries it out, and this test with it",
    "foresight-bench ab": "needs two commits; tests/harness/surface/command/test_ab.py types it in a clone",
    "foresight-bench run": "tests/benchmarks/test_installed.py types it in an empty folder",
    "foresight-bench people": "needs people; tests/harness/surface/command/test_people.py types it",
    "foresight-bench gate RUN c1_success --answers": "needs their answers; the same test types it",
    "foresight-bench search": "takes minutes; tests/benchmarks/test_search.py types it",
    "foresight-bench demo": "tests/harness/surface/command/test_demo.py types it",
    "pip install foresight-": "needs an index; tests/benchmarks/test_installed.py installs wheels that it built",
    "UV_TORCH_BACKEND=cpu uv pip install": "needs the index of CPU builds; the page says what is known",
    "python -m foresight_qwen2_5_vl.train_nano": "trains; plugins/qwen2_5_vl/tests/test_nano.py does so in small",
    "python -m foresight_llava_next.train_nano": "trains; plugins/llava_next/tests/test_nano.py does so in small",
    "python -m foresight_internvl2.train_nano": "trains; plugins/internvl2/tests/test_nano.py does so in small",
    "python -m foresight_cogvlm2.train_nano": "trains; plugins/cogvlm2/tests/test_nano.py does so in small",
    "python -m foresight_dinov2.train_nano": "trains; plugins/dinov2/tests/test_nano.py does so in small",
    "python benchmarks/studies/nano_vlms.py": "takes twins that were trained; the last test here reads its words",
    "python benchmarks/studies/nano_families.py": "takes minutes; the last test here reads its words",
    "pytest --pyargs foresight_benchmarks": "tests/benchmarks/test_installed.py types it in an empty folder",
    "foresight-bench weights fetch": "needs an index; tests/harness/parts/weights/fetching fetches from its own",
    "pip install 'foresight-harness[hf]'": "needs an index; tests/harness/parts/datasets/test_hub.py reads with it",
    "python docs/examples/condition_ltx.py": "takes an adapter; tests/benchmarks/test_exported_fits.py carries it out",
    "pip install 'foresight-harness[mlflow]'": "needs an index; tests/harness/exporters holds the extra's name",
}
"""Commands that are not carried out here, and why."""

ONE = ("--candidate", "dinov2_tiny@last/identity/single/linear")
CELL = (*ONE, "-k", "test_spatial", "--dataset", "shapes")
SCORED_TOO = {
    "pytest benchmarks/ --candidate 'dinov2*' --dataset coco:DIR": (
        "-k",
        "test_spatial and last/identity/single/linear",
    ),
    "pytest benchmarks/ --dataset coco:DIR": (*ONE, "-k", "test_spatial"),
    "pytest benchmarks/ --dataset folder:DIR": (*ONE, "-k", "test_reconstruction"),
    "pytest benchmarks/ --dataset video:DIR": (*ONE, "-k", "test_temporal"),
    "pytest benchmarks/ --candidate 'qwen2_5_vl_tiny@pre_merge": ("-k", "test_spatial", "--dataset", "shapes"),
    "pytest benchmarks/ --feature-cache .foresight/cache": CELL,
    "pytest benchmarks/test_reconstruction.py --metric consistency": (*ONE, "--dataset", "shapes"),
    "pytest benchmarks/test_reconstruction.py --dataset moving_shapes --metric consistency": ONE,
    "pytest benchmarks/ -k 'identity and single and test_spatial' --baseline base": CELL[:2] + CELL[4:],
    "pytest benchmarks/ --baseline main": CELL,
}
"""Start of a session that is scored, and what narrows it. Not here: what takes published weights, a GPU, a bucket, a
share, a tracker or more processes; ``tests/harness`` has a test of each but the first two."""

WHOLE_PAGES = {
    "experiments.md": "tests/benchmarks/test_experiments.py plans each, and finds its gates and their matrix",
    "plugins.md": "tests/harness/surface/plugin_templates/test_plugins_page.py carries the page out as it stands",
}

STANDS_FOR = {
    "RUN": "latest",
    "coco:DIR": "coco:photographs",
    "coco:pictures": "coco:photographs",
    "folder:DIR": "folder:photographs/images",
    "hf:DIR": "hf:photographs/images",
    "video:DIR": "video:clips",
    "mae_b=/data/mae_b.safetensors": "mae_b=mae_b.safetensors",
}
"""Words that a reader replaces."""

EXITS = {"foresight-bench gate": 3, "foresight-bench decide": 3}
"""Where another code than 0 is the answer: random weights settle no gate."""


def commands(page: Path) -> list[str]:
    """Lines of the page's shell blocks, without their comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def bare(line: str) -> list[str]:
    """Words of a command, its comment left out and what stands for the reader's own replaced."""
    return [STANDS_FOR.get(word, word) for word in shlex.split(line, comments=True)]


ALL = [(page, line) for page in PAGES if page.name not in WHOLE_PAGES for line in commands(page)]
HERE = [(page, line) for page, line in ALL if not line.startswith(tuple(ELSEWHERE))]
ON_RUNS = [line for _, line in HERE if line.startswith("foresight-bench")]
SESSIONS = [(page, line) for page, line in HERE if line.startswith("pytest")]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, write_photographs: Callable[[Path], Path]) -> Iterator[Path]:
    """What a clone holds, a folder of photographs, a checkpoint's name, and two runs of README's command."""
    folder = tmp_path_factory.mktemp("clone")
    unwanted = shutil.ignore_patterns("perf", "studies", "__pycache__")
    shutil.copytree(ROOT / "benchmarks", folder / "benchmarks", ignore=unwanted)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = suite(name): the suite\naddopts = --import-mode=importlib")
    (folder / "mae_b.safetensors").write_bytes(b"")
    write_photographs(folder / "photographs")
    write_clips(folder / "clips")
    few = {"train": 24, "test": 16, "pictures": 2, "permutations": 5, "resamples": 200}
    with pytest.MonkeyPatch.context() as patch, chdir(folder):
        patch.setitem(scale.SCALES, "smoke", replace(scale.SCALES["smoke"], **few))
        assert session(bare(SCORED)[1:])[0] == 0
        _as_if_committed((folder / "runs" / "latest").resolve())
        yield folder


def write_clips(folder: Path) -> None:
    """Six clips as folders of numbered frames."""
    from PIL import Image

    for clip in range(6):
        (folder / str(clip)).mkdir(parents=True)
        for number in range(10):
            Image.new("RGB", (32, 24), (20 * number, 10 * clip, 90)).save(folder / str(clip) / f"{number}.png")


def score_again(clone: Path, count: int) -> None:
    """A rerun of one commit, to the last digit: what ``latest`` is after the session of a block."""
    latest = clone / "runs" / "latest"
    run = latest.resolve()
    again = Path(shutil.copytree(run, run.with_name(f"{run.name[:-4]}{count:04x}")))
    for name in ("run.json", "records.jsonl"):
        (again / name).write_text((again / name).read_text().replace(run.name, again.name))
    latest.unlink()
    latest.symlink_to(again.name)


def _as_if_committed(run: Path) -> None:
    """As a run of a clean checkout: ``aa`` measures reruns of one commit only."""
    manifest = json.loads((run / "run.json").read_text())
    manifest["environment"] |= {"git_sha": "0" * 40, "git_dirty": "no"}
    (run / "run.json").write_text(json.dumps(manifest))


QUICK = ("-p", "no:cacheprovider", "-p", "no:unraisableexception")
"""The latter collects garbage twice a session: two thirds of its time."""


def session(arguments: list[str]) -> tuple[int, str]:
    """A pytest session in this process: its exit code, and what it said. Its suites are imported anew by the next."""
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = pytest.main([*arguments, "--benchmark-quiet", *QUICK])
    for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
        del sys.modules[name]
    return int(code), said.getvalue()


def promote_what_is_named(words: list[str]) -> None:
    """The baseline that a command compares with, where there is none yet."""
    if "--baseline" in words:
        name = words[words.index("--baseline") + 1]
        if not (Path("runs") / "baselines" / name).is_dir():
            assert main(["baseline", "promote", "latest", "--name", name, "--reason", "a test"]) == 0


def test_every_command_is_carried_out_or_stands_in_a_table_with_its_reason() -> None:
    known = len(ON_RUNS) + len(SESSIONS) + len(ALL) - len(HERE)
    assert known == len(ALL) > 20
    assert SCORED in [line for _, line in SESSIONS]
    for start in ELSEWHERE:
        assert any(line.startswith(start) for _, line in ALL), f"{start} stands in no page"
    for name in WHOLE_PAGES:
        assert commands(ROOT / "docs" / name), name


@pytest.mark.parametrize(("page", "line"), SESSIONS, ids=[f"{page.name}-{line[:90]}" for page, line in SESSIONS])
def test_session_finds_all_that_it_names_and_has_something_to_score(page: Path, line: str, clone: Path) -> None:
    words = bare(line)[1:]
    with chdir(clone):
        promote_what_is_named(words)
        code, said = session([*words, "--collect-only", "-q"])
    assert code == 0, said[-2000:]
    assert "::test_" in said


def test_commands_on_runs_do_what_the_pages_say_in_their_order(clone: Path) -> None:
    with chdir(clone):
        for count, line in enumerate(ON_RUNS):
            words = bare(line)[1:]
            if "compare" in words:
                score_again(clone, count)
            said = StringIO()
            with redirect_stdout(said), redirect_stderr(said):
                code = main(words)
            expected = next((one for start, one in EXITS.items() if line.startswith(start)), 0)
            assert code == expected, (line, code, said.getvalue()[-1500:])
        written = [name for line in ON_RUNS for name in re.findall(r"--(?:junit|md) (\S+)", line)]
        assert written
        assert all((clone / name).stat().st_size for name in written)


@pytest.mark.parametrize("start", SCORED_TOO)
def test_session_scores_what_it_names(start: str, clone: Path) -> None:
    (line,) = [line for _, line in SESSIONS if line.startswith(start)]
    words = bare(line)[1:]
    with chdir(clone):
        promote_what_is_named(words)
        code, said = session([*words, *SCORED_TOO[start]])
    assert code == 0, said[-2000:]
    assert re.search(r"^[1-9]\d* cells scored, 0 failed", said, re.MULTILINE), said[-2000:]
    if "--baseline" in words:
        assert "No sentinel regressed against" in said
    if "--feature-cache" in words:
        assert list((clone / ".foresight" / "cache").rglob("*.safetensors"))


PLACEHOLDER = {"RUN": "latest", "DIR": "d", "FILE": "f", "NAME": "x", "M": "iou", "GLOB": "*", "BASELINE": "main"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_within_sentences_are_ones_that_the_command_understands(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for found in re.findall(r"`foresight-bench ([^`]+)`", text):
        words = shlex.split(re.sub(r"\[[^\]]*\]|\.\.\.", "", found).partition("|")[0])
        verb = words[0]
        with redirect_stderr(StringIO()) as said:
            try:
                parser_of_the_command().parse_args([PLACEHOLDER.get(word, word) for word in words])
            except SystemExit:  # a verb alone may lack what it needs; an unknown verb or option may not stand there
                wrong = said.getvalue()
                assert "unrecognized" not in wrong, (page.name, found, wrong)
                assert "invalid choice" not in wrong, (page.name, found, wrong)
        assert verb


@pytest.mark.parametrize(("study", "count"), [("nano_vlms", 2), ("nano_families", 1)])
def test_commands_of_the_studies_of_nano_models_are_ones_that_they_understand(study: str, count: int) -> None:
    """In its own process, as it imports its neighbours by their bare names."""
    lines = [line for _, line in ALL if line.startswith(f"python benchmarks/studies/{study}.py")]
    assert len(lines) == count
    code = f"import sys, {study}; [{study}.read_words(line.split()) for line in sys.argv[1:]]"
    words = [" ".join(shlex.split(line, comments=True)[2:]) for line in lines]
    studies = ROOT / "benchmarks" / "studies"
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=studies, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-1000:]
