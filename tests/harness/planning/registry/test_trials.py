from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from foresight_harness.planning.registry import load_registry, trials

HEAD = "import os, signal, sys\nfrom foresight_harness import hookimpl, EncoderSpec, TapSpec\n"
OFFER = "[EncoderSpec('well', build=None, taps=(TapSpec('a', 1, 14),), default_tap='a', input_px=14)]"
HOOK = "@hookimpl\ndef foresight_encoders():\n    {}\n"
VERB = "import sys; from foresight_harness.surface.command import main; sys.exit(main())"
WELL = HEAD + HOOK.format(f"return {OFFER}")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    return tmp_path / "user"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import sys\nsys.exit(3)", "cannot be imported: it raised SystemExit: 3"),
        ("raise GeneratorExit('over')", "cannot be imported: it raised GeneratorExit: over"),
        ("raise KeyboardInterrupt", "cannot be imported: it raised KeyboardInterrupt"),
        (
            "class Odd(BaseException): pass\nraise Odd('x\\n::error::y')",
            "cannot be imported: it raised Odd: x : :error: :y",
        ),
        ("import os\nos._exit(7)", "cannot be imported: it ended the process with exit code 7"),
        ("import os\nos._exit(0)", "cannot be imported: it ended the process with exit code 0"),
        ("import os\nos.abort()", "cannot be imported: it killed the process by SIGABRT"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "it killed the process by SIGSEGV"),
        (HEAD + HOOK.format("os._exit(4)"), "foresight_encoders ended the process with exit code 4"),
        (HEAD + HOOK.format("sys.exit(2)"), "foresight_encoders raised SystemExit: 2"),
        (HEAD + HOOK.format("raise OSError('no disk')"), "foresight_encoders: OSError: no disk"),
        (HEAD + HOOK.format("yield from [1 / 0]"), "foresight_encoders: ZeroDivisionError: division by zero"),
        (HEAD + HOOK.format("return None"), "foresight_encoders returned None; expected an iterable of EncoderSpec"),
        (HEAD + HOOK.format("return 5"), "foresight_encoders returned a int; expected an iterable of EncoderSpec"),
        (HEAD + HOOK.format(f"return {OFFER[1:-1].replace(repr('well'), '7')},"), "whose name is 7; give it one"),
        (
            HEAD + "@hookimpl\ndef foresight_environment():\n    return None\n",
            "foresight_environment returned a NoneType",
        ),
    ],
)
def test_a_plugin_that_ends_or_misanswers_is_one_line_and_the_others_stand(
    plugin_module: Callable[..., Path], source: str, said: str
) -> None:
    plugin_module("bad", source)
    plugin_module("well", WELL)
    registry = load_registry()
    assert [plugin.name for plugin in registry.broken] == ["bad"]
    error = str(registry.broken[0].error)
    assert error.startswith("plugin 'bad'")
    assert said in error
    assert "\n" not in error
    assert "::" not in error
    assert {"well", "pixels"} <= set(registry.encoders)


def test_a_hook_that_fails_takes_the_other_offers_of_its_plugin_along(plugin_module: Callable[..., Path]) -> None:
    plugin_module("half", WELL + "@hookimpl\ndef foresight_metrics():\n    raise RuntimeError('late')\n")
    registry = load_registry()
    assert "late" in str(registry.broken[0].error)
    assert "well" not in registry.encoders


def test_a_plugin_that_a_child_survived_is_loaded_at_once_and_a_changed_one_is_tried_again(
    plugin_module: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = plugin_module("well", WELL)
    children: list[list[str]] = []
    real = trials._child

    def counted(plugins: dict[str, str]) -> tuple[list[str], str | None, str]:
        children.append(sorted(plugins))
        return real(plugins)

    monkeypatch.setattr(trials, "_child", counted)
    load_registry()
    load_registry()
    assert len(children) == 1
    assert "well" in children[0]
    (folder / "foresight_test_well.py").write_text(WELL + "# changed\n")
    load_registry()
    assert children[1:] == [["well"]]


def test_a_process_that_died_while_loading_has_its_plugins_tried_again(
    plugin_module: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash that depends on more than the sources: the next process no longer trusts what it remembers."""
    plugin_module("moody", "import os\nif os.environ.get('MOODY'):\n    os._exit(5)\n" + WELL)
    assert load_registry().broken == ()
    environment = {**os.environ, "MOODY": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    code = "from foresight_harness.planning.registry import load_registry; print(load_registry().broken[0].error)"
    first = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert first.returncode == 5
    second = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert second.stdout.strip() == "plugin 'moody' cannot be imported: it ended the process with exit code 5"


def test_doctor_and_plugins_say_it_without_a_traceback(plugin_module: Callable[..., Path]) -> None:
    folder = plugin_module("bad", "import os\nos._exit(9)")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)])}
    for verb in ("plugins", "doctor"):
        command = [sys.executable, "-c", VERB, verb, "--json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stderr
        assert "Traceback" not in done.stderr
        assert "ended the process with exit code 9" in json.dumps(json.loads(done.stdout))
