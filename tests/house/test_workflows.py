"""The workflows: valid, with few rights, nothing of a pull request in a shell, and every line a thing that exists."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from foresight_harness.surface.command import command
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
MAY_WRITE = {
    ("comment.yml", "pull-requests"): "the sticky comment",
    ("main.yml", "contents"): "branch bench-data",
}
SHELL = re.compile(r'mkdir -p \w+|echo "\$RUNNER_TEMP"/foresight/bin >> "\$GITHUB_PATH"')
INSTALL = ROOT / ".github" / "actions" / "bench" / "install"
XARGS = "printf '%s' \"$BENCH_ARGS\" | xargs "
EXERCISED = {
    "make setup": (".ci/run", "make setup"),
    '"$GITHUB_ACTION_PATH"/install': ("tests/house/test_workflows.py", "INSTALL, environment"),
    'echo "$RUNNER_TEMP"/foresight/bin': ("tests/house/test_workflows.py", "SHELL.fullmatch(line)"),
    "printf '%s' \"$BENCH_ARGS\" | xargs": ("tests/house/test_workflows.py", 'shell = ["bash", "-c", asking]'),
    ".ci/run": (".ci/run", "make test"),
    ".ci/record": ("tests/house/test_ci_scripts.py", '[".ci/record", "runs"]'),
    "python3 .ci/comment.py": ("tests/house/test_ci_scripts.py", "comment.main()"),
    "foresight-bench baseline promote": (
        "tests/harness/judging/comparison/test_workflow_lines.py",
        '"baseline"',
    ),
    "foresight-bench compare": ("tests/harness/judging/comparison/test_workflow_lines.py", '"compare"'),
    "foresight-bench verify": ("tests/harness/judging/comparison/test_workflow_lines.py", '"verify"'),
    ".venv/bin/foresight-bench verify": ("tests/harness/judging/comparison/test_workflow_lines.py", '"verify"'),
    ".venv/bin/foresight-bench history": ("tests/harness/judging/comparison/test_workflow_lines.py", '"history"'),
    "foresight-bench ab": ("tests/harness/surface/command/test_ab.py", "--github"),
    "mkdir -p result": ("tests/house/test_workflows.py", "SHELL.fullmatch(line)"),
}
"""Start of a line: the script or test that carries it out, and where in it."""


def load(path: Path) -> dict[str, Any]:
    return dict(YAML(typ="safe").load(path.read_text(encoding="utf-8")))


def steps_of(path: Path) -> list[dict[str, Any]]:
    content = load(path)
    if "runs" in content:
        return list(content["runs"]["steps"])
    return [step for job in content["jobs"].values() for step in job["steps"]]


STEPS = [(path, step) for path in (*WORKFLOWS, *ACTIONS) for step in steps_of(path)]
LINES = sorted({line for _, step in STEPS for line in str(step.get("run", "")).splitlines() if line})


def validated(schema: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    arguments = ["-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, paths)]
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def test_workflows_and_actions_follow_the_published_schemas(tmp_path: Path) -> None:
    assert validated("github-workflows", *WORKFLOWS).returncode == 0
    assert validated("github-actions", *ACTIONS).returncode == 0
    assert validated("dependabot", ROOT / ".github" / "dependabot.yml").returncode == 0
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOWS[0].read_text(encoding="utf-8").replace("runs-on:", "runs_on:"))
    assert validated("github-workflows", wrong).returncode == 1


@pytest.mark.parametrize("line", LINES)
def test_no_line_of_a_shell_holds_an_expression(line: str) -> None:
    """``${{ }}`` is pasted before the shell reads the line: a branch named `$(...)` would run."""
    assert "${{" not in line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_rights_are_read_only_but_for_what_is_listed(path: Path) -> None:
    content = load(path)
    assert content["permissions"], "no permissions block gives the token everything"
    for block in (content, *content["jobs"].values()):
        for right, level in (block.get("permissions") or {}).items():
            assert level == "read" or (path.name, right) in MAY_WRITE, f"{right}: {level}"
    assert "pull_request_target" not in content["on"]
    assert "secrets." not in path.read_text(encoding="utf-8")


def test_what_runs_code_of_a_pull_request_keeps_no_token() -> None:
    path = ROOT / ".github" / "workflows" / "pull-request.yml"
    assert load(path)["permissions"] == {"contents": "read"}
    for step in steps_of(path):
        if str(step.get("uses", "")).startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        assert "token" not in str(step).lower()


def test_the_job_that_may_comment_checks_out_the_default_branch_only() -> None:
    path = ROOT / ".github" / "workflows" / "comment.yml"
    checkouts = [step for step in steps_of(path) if str(step.get("uses", "")).startswith("actions/checkout@")]
    assert [step["with"]["ref"] for step in checkouts] == ["${{ github.event.repository.default_branch }}"]
    assert [step["run"] for step in steps_of(path) if "run" in step] == [
        'python3 .ci/comment.py "$RUNNER_TEMP"/received/result/compare.json'
    ]


@pytest.mark.parametrize(("name", "job"), [("comment", "comment"), ("main", "record")])
def test_a_job_that_may_write_unpacks_outside_of_the_checkout_and_before_it(name: str, job: str) -> None:
    """An archive that writes beside its folder must reach neither the script that runs next nor the token."""
    steps = load(ROOT / ".github" / "workflows" / f"{name}.yml")["jobs"][job]["steps"]
    kinds = [str(step.get("uses", "run")).partition("@")[0] for step in steps]
    assert kinds == ["actions/download-artifact", "actions/checkout", "run"]
    assert steps[0]["with"]["path"].startswith("${{ runner.temp }}/")


def test_the_comment_follows_the_workflow_and_takes_the_file_that_it_uploads() -> None:
    comment, asked = (load(ROOT / ".github" / "workflows" / f"{name}.yml") for name in ("comment", "pull-request"))
    assert comment["on"]["workflow_run"]["workflows"] == [asked["name"]]
    (job,) = comment["jobs"].values()
    assert job["if"] == "github.event.workflow_run.event == 'pull_request'"
    uploads = [step["with"] for step in asked["jobs"]["sentinels"]["steps"] if "upload" in str(step.get("uses"))]
    assert [one["name"] for one in uploads] == [job["steps"][0]["with"]["name"]]
    assert uploads[0]["path"].split()[0] == "result"


EVENTS = {"pull_request", "push", "schedule", "workflow_dispatch", "workflow_run"}
"""None that gives a token with rights to code or texts of strangers, such as pull_request_target or issue_comment."""


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_only_known_events_start_a_workflow_and_only_main_is_pushed_to(path: Path) -> None:
    events = load(path)["on"]
    assert set(events) <= EVENTS
    if "push" in events:
        assert events["push"] == {"branches": ["main"]}


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: path.name)
def test_actions_are_pinned_to_a_commit_or_our_own(path: Path) -> None:
    for step in steps_of(path):
        used = str(step.get("uses", ""))
        if used.startswith("./"):
            assert used.removeprefix("./head/").removeprefix("./") == ".github/actions/bench"
        elif used:
            assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", used), used
            line = next(line for line in path.read_text(encoding="utf-8").splitlines() if used in line)
            assert re.search(r" # v\d+\.\d+\.\d+$", line), f"{used}: which release is that?"


@pytest.mark.parametrize("line", LINES)
def test_every_line_is_a_command_that_exists(line: str) -> None:
    words = shlex.split(line.removeprefix(XARGS).partition(" > ")[0])
    if words[0] == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert re.search(rf"^{words[1]}:", makefile, re.MULTILINE)
    elif words[0] in ("foresight-bench", ".venv/bin/foresight-bench"):
        assert command().parse_args(words[1:]).verb == words[1]
    elif words[0] == "$GITHUB_ACTION_PATH/install":
        assert os.access(INSTALL, os.X_OK)
    elif words[0] == "python3":
        assert (ROOT / words[1]).is_file()
    elif words[0].startswith(".ci/"):
        assert os.access(ROOT / words[0], os.X_OK)
    else:
        assert SHELL.fullmatch(line), f"{line!r} is exercised nowhere"


@pytest.mark.parametrize("line", LINES)
def test_every_line_is_carried_out_by_the_check_or_a_test(line: str) -> None:
    known = [start for start in EXERCISED if line.startswith(start)]
    assert known, f"{line!r} is carried out nowhere: add it to .ci/run or to a test, then to EXERCISED"
    for place, proof in (EXERCISED[start] for start in known):
        assert proof in (ROOT / place).read_text(encoding="utf-8"), f"{place} does not carry out {line!r}"


def test_no_line_stands_in_the_table_that_no_workflow_has() -> None:
    assert [start for start in EXERCISED if not any(line.startswith(start) for line in LINES)] == []


def stub(path: Path, log: Path) -> None:
    """A program that writes its arguments down, one a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {log}\n')
    path.chmod(0o755)


def test_bench_line_hands_its_arguments_on_whole_and_carries_nothing_out(tmp_path: Path) -> None:
    """Quotes and brackets of ``-k`` survive the way through environment and shell; a command in them does not run."""
    stub(tmp_path / "bin" / "foresight-bench", tmp_path / "log")
    (asking,) = [line for line in LINES if line.startswith(XARGS)]
    asked = "-k 'a and (b or c)' --baseline '$(touch here)' ; touch here"
    shell = ["bash", "-c", asking]
    variables = {"BENCH_ARGS": asked, "BENCH_ADMISSION": "strict", "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    subprocess.run(shell, cwd=tmp_path, env=variables, check=True)
    words = ["-k", "a and (b or c)", "--baseline", "$(touch here)", ";", "touch", "here"]
    assert (tmp_path / "log").read_text().splitlines() == ["run", "--admission", "strict", *words]
    assert not (tmp_path / "here").exists()


def test_action_installs_once_and_then_only_what_the_directory_holds(tmp_path: Path) -> None:
    """One set-up for base and head; in a repository that is not ours, its package on top."""
    log, environment = tmp_path / "log", tmp_path / "environment"
    for name in ("head/harness", "head/plugins/mine", "base/harness", "theirs"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "pyproject.toml").write_text("")
    stub(tmp_path / "bin" / "python3", tmp_path / "venv-log")
    stub(environment / "bin" / "python", tmp_path / "pip-log")
    stub(environment / "bin" / "uv", log)
    variables = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    installed = []
    for directory, package in (("base", ""), ("head", ""), ("theirs", ".")):
        command_line = [INSTALL, environment, tmp_path / "head", tmp_path / directory, package]
        subprocess.run([str(word) for word in command_line], env=variables, check=True)
        installed.append(log.read_text().splitlines())
        log.unlink()
    assert (tmp_path / "venv-log").read_text().splitlines() == ["-m", "venv", str(environment)]
    assert str(tmp_path / "head" / "plugins" / "mine") in installed[0]
    assert installed[0].count("install") == 2
    assert installed[0][-2:] == ["--editable", str(tmp_path / "base" / "harness")]
    assert "--no-deps" in installed[1]
    assert installed[1].count("install") == 1
    assert installed[2][-2:] == ["--editable", f"{tmp_path / 'theirs'}/."]
