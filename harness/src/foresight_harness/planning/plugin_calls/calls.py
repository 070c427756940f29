"""One call of plugin code: who is named when it fails, and what of the process is watched meanwhile."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from foresight_harness.contracts.errors import ForesightError, PluginFailure
from foresight_harness.planning.plugin_calls.process_state import ProcessState

MAKER = "_foresight_maker"
"""Attribute of a built object that says who built it; it goes along where the object is copied."""


@dataclass(frozen=True)
class Maker:
    """Whose code is called."""

    plugin: str
    """Empty where no single plugin can be named."""
    part: str = ""
    """``encoder 'dinov2_tiny'``; empty for the plugin itself."""

    def said(self, hook: str) -> str:
        """``plugin 'dinov2', build of encoder 'dinov2_tiny'``"""
        where = f"{hook} of {self.part}" if self.part else hook
        return f"plugin {self.plugin!r}, {where}" if self.plugin else where


def made_by(thing: Any, maker: Maker) -> Any:
    """The thing itself, with its maker written on it where it takes attributes."""
    with contextlib.suppress(Exception):  # slots, frozen classes, builtin types: named by their module then
        object.__setattr__(thing, MAKER, maker)
    return thing


def maker_of(thing: Any) -> Maker:
    """Who built an object; where nobody wrote it down, the package that its class comes from."""
    if isinstance(thing, Maker):
        return thing
    known = getattr(thing, "__dict__", {}).get(MAKER)
    if isinstance(known, Maker):
        return known
    kind = thing if isinstance(thing, type) else type(thing)
    return Maker(kind.__module__.partition(".")[0], kind.__qualname__)


class calling:  # read as a phrase: with calling(encoder, "encode"):
    """A context around one call of plugin code.

    What ends the call but an ``Exception`` or the user's own interrupt (SystemExit, GeneratorExit, pytest's outcomes)
    becomes a ``PluginFailure``; an ``Exception`` keeps its type and is noted with plugin and hook. What the call
    changed of the process is put back; a change of what moves numbers is a ``PluginFailure`` too.

    Args:
        thing: The built object whose method is called, or its ``Maker``.
        hook: What is called: ``encode``, ``build``, ``foresight_encoders``.
        random: Whether the random states of torch, numpy and ``random`` are put back too. Not around forwards: noise
            that is drawn anew for every batch must stay visible to whoever encodes twice.
    """

    __slots__ = ("_before", "_hook", "_random", "_thing")

    def __init__(self, thing: Any, hook: str, *, random: bool = False) -> None:
        self._thing, self._hook, self._random = thing, hook, random

    def __enter__(self) -> None:
        self._before = ProcessState.now(random=self._random)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        moved = self._before.put_back()
        if error is None:
            if moved:
                raise PluginFailure(
                    f"{maker_of(self._thing).said(self._hook)} changed {moved} of the whole process; it was put back "
                    "and what the call made is not used: such a change moves the numbers of every other part"
                )
        elif isinstance(error, Exception):
            note(error, maker_of(self._thing).said(self._hook))
        elif not is_interrupt(error):
            raise failure_of(error, maker_of(self._thing).said(self._hook)) from error


def failure_of(error: BaseException, where: str) -> PluginFailure:
    """What is raised in place of an end that is no ``Exception``: one line."""
    said = " ".join(str(error).split())[:300]
    return PluginFailure(f"{where} raised {type(error).__name__}{f': {said}' if said else ''}")


def note(error: BaseException, where: str) -> None:
    """Say on an error whose code it came from; the innermost call has the word."""
    if said_of(error) is None and not isinstance(error, ForesightError):  # such a line is complete
        error.add_note(f"in {where}")


def said_of(error: BaseException) -> str | None:
    """Plugin and hook that an error came from; None where none was noted, and for lines meant for the user."""
    if isinstance(error, ForesightError):
        return None
    noted = (text for text in getattr(error, "__notes__", ()) if text.startswith("in plugin "))
    return next((text.removeprefix("in ") for text in noted), None)


def is_interrupt(error: BaseException) -> bool:
    """Whether an error is the user's own interrupt: a KeyboardInterrupt that no statement of a plugin raised.

    That of a signal appears between two instructions or in a handler of ``signal`` or the harness; one that code
    raises stands at its ``raise``.
    """
    if not isinstance(error, KeyboardInterrupt):
        return False
    import dis  # rarely needed, and discovery waits for it

    trace = error.__traceback__
    if trace is None:
        return True
    while trace.tb_next is not None:
        trace = trace.tb_next
    frame = trace.tb_frame
    code = frame.f_code.co_code
    raised = dis.opname[code[trace.tb_lasti]] == "RAISE_VARARGS" and code[trace.tb_lasti + 1] > 0
    own = str(frame.f_globals.get("__name__", "")).partition(".")[0] in ("foresight_harness", "signal", "_pytest")
    return own or not raised
