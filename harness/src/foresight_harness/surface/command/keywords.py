"""``-k`` of pytest, for a command that plans its tests without collecting them."""

from __future__ import annotations

from collections.abc import Callable

from foresight_harness.contracts.errors import UsageError


def matching(expression: str) -> Callable[[str, str], bool]:
    """Which tests a keyword expression keeps, by suite and candidate.

    Words are looked for as pytest does: anywhere in the name of the test, of its file or of the candidate, whatever
    the case, joined by ``and``, ``or``, ``not`` and parentheses.

    Raises:
        UsageError: where it cannot be read.
    """
    from _pytest.mark.expression import Expression

    try:
        compiled = Expression.compile(expression)
    except SyntaxError as error:
        raise UsageError(f"-k {expression}: {error}; write words joined by and, or, not and parentheses") from error

    def keeps(suite: str, candidate: str) -> bool:
        names = [name.lower() for name in (f"test_{suite}.py", f"test_{suite}[{candidate}]")]

        def named(word: str, /, **_: str | int | bool | None) -> bool:
            return any(word.lower() in name for name in names)

        return compiled.evaluate(named)

    return keeps
