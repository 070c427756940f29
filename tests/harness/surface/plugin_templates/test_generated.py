"""What the command writes works as it stands: it builds, installs, is found, passes its own tests, and is scored."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from foresight_harness.planning.registry import load_registry
from foresight_harness.running.run_folder.record_file import read_records
from foresight_harness.surface.plugin_templates import KINDS

ROOT = Path(__file__).resolve().parents[4]
ENV = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")} | {
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""Of the fresh environment: it finds the plugins by itself."""


@pytest.mark.parametrize("kind", KINDS)
def test_its_wheel_holds_the_package_the_entry_point_and_the_mark_of_types(kind: str, generated) -> None:
    with zipfile.ZipFile(generated.wheels[kind]) as wheel:
        names = set(wheel.namelist())
        (points,) = (name for name in names if name.endswith("entry_points.txt"))
        assert wheel.read(points).decode().split() == ["[foresight]", f"made_{kind}", "=", f"foresight_made_{kind}"]
    assert {f"foresight_made_{kind}/__init__.py", f"foresight_made_{kind}/py.typed"} <= names
    assert not any(name.endswith(".tmpl") for name in names)


def test_every_kind_is_found_with_what_it_says_it_offers(generated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(generated.site))
    registry = load_registry()
    assert registry.broken == ()
    for kind in KINDS.values():
        for offer in kind.offers:
            owner = registry.owners[(kind.name, offer.format(name=f"made_{kind.name}"))]
            assert (owner.name, owner.distribution) == (f"made_{kind.name}", f"foresight-made-{kind.name}")


def test_finding_them_imports_no_torch(generated) -> None:
    code = (
        "import sys; from foresight_harness.planning.registry import load_registry;"
        "names = [one.name for one in load_registry().plugins];"
        "print(sum(name.startswith('made_') for name in names), 'torch' in sys.modules)"
    )
    done = subprocess.run([generated.python, "-c", code], env=ENV, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(len(KINDS)), "False"]


def test_every_kind_passes_its_own_tests(generated) -> None:
    command = [str(generated.python), "-m", "pytest", "-q", "-rs", "--import-mode=importlib", "-p", "no:cacheprovider"]
    folders = [f"made_{kind}" for kind in KINDS]
    done = subprocess.run(
        [*command, *folders], cwd=generated.sources, env=ENV, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
    last = done.stdout.strip().splitlines()[-1]
    assert "skipped" not in last
    assert int(last.split(" passed")[0].split()[-1]) > 90


@pytest.mark.slow
def test_every_kind_appears_in_a_benchmark_session_of_the_fresh_environment_with_no_edit(
    generated, tmp_path: Path
) -> None:
    unwanted = shutil.ignore_patterns("perf", "studies", "__pycache__")
    shutil.copytree(ROOT / "benchmarks", tmp_path / "benchmarks", ignore=unwanted)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nmarkers = suite(name): the suite\naddopts = --import-mode=importlib"
    )
    sessions = {kind.name: shlex.split(kind.try_it.format(name=f"made_{kind.name}")) for kind in KINDS.values()}
    sessions["smoke"] = []  # the encoder alone is scored without being named
    done = subprocess.run(
        [generated.python, "-c", COLLECT, json.dumps(sessions)],
        **{"cwd": tmp_path, "env": ENV, "capture_output": True, "text": True, "check": True},
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert {name: code for name, (code, _) in found.items()} == dict.fromkeys(sessions, 0)
    for name, (_, tests) in found.items():
        wanted = "made_encoder_tiny@" if name == "smoke" else f"made_{name}"
        if name not in ("dataset", "metric"):  # these are no part of a candidate's name; they are scored below
            assert any(wanted in test for test in tests), name
    assert len(found["dataset"][1]) == 1


COLLECT = """
import contextlib, io, json, sys, pytest
class Names:
    def pytest_collection_finish(self, session):
        self.found = [item.nodeid for item in session.items]
told, quick = {}, ["-p", "no:cacheprovider", "-p", "no:unraisableexception"]
for name, arguments in json.loads(sys.argv[1]).items():
    names, said = Names(), io.StringIO()
    with contextlib.redirect_stdout(said):
        code = pytest.main(["benchmarks", "--collect-only", "-q", *quick, *arguments], plugins=[names])
    told[name] = [int(code), names.found]
print(json.dumps(told))
"""


def test_all_six_are_scored_together_with_no_edit(
    generated, few_pictures, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(generated.site))
    shutil.copytree(ROOT / "benchmarks", pytester.path / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))
    pytester.makeini("[pytest]\nmarkers = suite(name): the suite\naddopts = --import-mode=importlib")
    candidate = "made_encoder_tiny@last+pixels@patch/made_enhancer/made_fusion/made_decoder"
    result = pytester.runpytest_inprocess(
        *("benchmarks", "--candidate", candidate, "--dataset", "made_dataset", "-k", "reconstruction", "-q"),
        *("-p", "no:cacheprovider", "--benchmark-quiet"),
    )
    assert result.ret == 0
    records = read_records(pytester.path / "runs" / "latest" / "records.jsonl")
    own = [record for record in records if record.candidate == candidate]
    found = {record.metric: record for record in own if record.dataset == "made_dataset"}
    assert found["made_metric"].n == found["psnr"].n > 0
    assert 0 < found["made_metric"].value < 0.5
    assert all(record.status == "ok" for record in own)


def test_the_smoke_matrix_scores_a_new_encoder_with_no_edit(
    generated, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from foresight_harness.surface.command import main

    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(generated.site))
    assert main(["candidates", "--matrix", "smoke", "--json"]) == 0
    named = {row["candidate"] for row in json.loads(capsys.readouterr().out)}
    assert "made_encoder_tiny@last/identity/single/linear" in named
