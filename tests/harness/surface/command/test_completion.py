"""The Tab key: what argcomplete answers for our parsers, and the code that each shell is given."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from foresight_harness.surface.command import main
from foresight_harness.surface.command.completion import SHELLS

CODE = "import sys; from foresight_harness.surface.command import main; sys.exit(main())"


@pytest.fixture
def pressed(tmp_path: Path):
    """What is offered where a line ends, as a shell asks for it: in a process of its own, by file descriptor 8."""

    def press(line: str) -> set[str]:
        asked = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "COMP_LINE": line, "COMP_POINT": str(len(line))}
        command = ["bash", "-c", 'exec "$@" 8>&1 9>/dev/null >/dev/null', "-", sys.executable, "-c", CODE]
        done = subprocess.run(
            command, cwd=tmp_path, env={**os.environ, **asked}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return {word.strip() for word in done.stdout.split("\n")}

    return press


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("foresight-bench can", "candidates"),
        ("foresight-bench plan --tra", "--train-size"),
        ("foresight-bench run --scale s", "small"),
        ("foresight-bench run --device m", "mps"),
        ("foresight-bench run --candidate pix", "pixels@patch"),
        ("foresight-bench rank --suite spa", "spatial"),
        ("foresight-bench versus ", "latest"),
        ("foresight-bench completion f", "fish"),
    ],
)
def test_tab_offers_verbs_options_and_names_of_this_environment(pressed, line: str, offered: str) -> None:
    assert offered in pressed(line)


def test_tab_offers_runs_and_baselines_of_the_folder_and_matrices_of_ones_own(pressed, tmp_path: Path) -> None:
    (tmp_path / "runs" / "20260101T000000Z_abcdef0_1234").mkdir(parents=True)
    (tmp_path / "runs" / "baselines" / "main").mkdir(parents=True)
    (tmp_path / "matrices").mkdir()
    (tmp_path / "matrices" / "ours.toml").write_text("candidates = []")
    offered = pressed("foresight-bench compare ")
    assert {"latest", "20260101T000000Z_abcdef0_1234", "main"} <= offered
    assert "ours" in pressed("foresight-bench candidates --matrix o")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_is_given_code_that_names_the_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    said = capsys.readouterr().out
    assert "foresight-bench" in said
    assert {"bash": "complete ", "zsh": "compdef", "fish": "complete --command"}[shell] in said


def test_bash_itself_completes_with_it(tmp_path: Path) -> None:
    """The code is read by a real bash, whose answer comes from the program."""
    program = tmp_path / "foresight-bench"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{CODE}" "$@"\n')
    program.chmod(0o755)
    script = (
        f'PATH={tmp_path}:$PATH; eval "$(foresight-bench completion bash)"\n'
        'COMP_LINE="foresight-bench deci"; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9; COMP_WORDS=(foresight-bench deci)\n'
        'COMP_CWORD=1; _python_argcomplete foresight-bench deci foresight-bench; echo "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "decide", done.stderr
