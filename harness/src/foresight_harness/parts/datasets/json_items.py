"""A JSON object of any size read item by item: what COCO's largest files need to fit into memory."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from foresight_harness.contracts.errors import DataError

CHUNK_BYTES = 2**22
LONGEST_NUMBER = 64
PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstandard",
}
"""By first bytes."""
BLANK = re.compile(r"[ \t\n\r]*")


class Item(NamedTuple):
    """One value below a key of the outermost object, or one entry of the list below it."""

    key: str
    value: Any
    text: str
    """The value as it stands in the file."""
    listed: bool
    """Whether it is an entry of a list."""


def items_of(path: Path) -> Iterator[Item]:
    """Read a file that holds one JSON object: entries of its lists one by one, other values whole.

    UTF-8 with or without byte-order mark, UTF-16 and UTF-32 are read. An empty list yields nothing but its key with an
    empty list as value.

    Raises:
        DataError: where the file cannot be read, is no JSON, or holds no object.
    """
    try:
        yield from _items(_Text(path), path)
    except json.JSONDecodeError as error:
        said = error.msg.removesuffix(" at")  # some of Python's messages lead on to the place themselves
        raise DataError(f"{path} is not valid JSON: {said} at character {error.pos}") from error
    except UnicodeDecodeError as error:
        if packed := _packed(path):
            raise DataError(f"{path} is packed ({packed}); unpack it") from error
        raise DataError(f"{path} is not valid JSON: it is not written in {error.encoding}; save it as UTF-8") from error
    except RecursionError as error:
        raise DataError(f"{path} is not valid JSON: its lists are nested too deeply") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or type(error).__name__})") from error


def _packed(path: Path) -> str | None:
    """What a file is packed with, by its first bytes; None for any other."""
    with path.open("rb") as stream:
        start = stream.read(8)
    return next((name for mark, name in PACKED.items() if start.startswith(mark)), None)


def _items(text: _Text, path: Path) -> Iterator[Item]:
    if text.peek() != "{":
        value, _ = text.value()
        raise DataError(f"{path} holds a {type(value).__name__}, not the object of a COCO file")
    text.skip()
    first = True
    while text.peek() != "}":
        if not first:
            text.expect(",")
        first = False
        if text.peek() != '"':
            raise text.wrong("Expecting a name in double quotes")
        key, _ = text.value()
        text.expect(":")
        if text.peek() == "[":
            yield from _entries(text, key)
        else:
            yield Item(key, *text.value(), listed=False)
    text.skip()
    if text.peek():
        raise text.wrong("Extra data")


def _entries(text: _Text, key: str) -> Iterator[Item]:
    text.skip()
    if text.peek() == "]":
        text.skip()
        yield Item(key, [], "[]", listed=False)
        return
    while True:
        yield Item(key, *text.value(), listed=True)
        if text.peek() != ",":
            break
        text.skip()
    text.expect("]")


class _Text:
    """A text file of which only the part at hand is kept."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("rb")
        head = self._stream.read(4)
        self._stream.seek(0)
        self._decode = codecs.getincrementaldecoder(json.detect_encoding(head))("strict")
        # What raw_decode calls, without a frame of its own: a million items take a tenth less time.
        self._scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
        self._text, self._at, self._before, self._ended = "", 0, 0, False

    def peek(self) -> str:
        """The next character that is not blank; empty at the end."""
        if self._at < len(self._text) and self._text[self._at] not in " \t\n\r":
            return self._text[self._at]
        while True:
            found = BLANK.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more(CHUNK_BYTES):
                return ""

    def skip(self) -> None:
        """Pass over one character."""
        self._at += 1

    def expect(self, character: str) -> None:
        """Pass over that character. Raises: JSONDecodeError where another one stands."""
        if self.peek() != character:
            raise self.wrong(f"Expecting {character!r}")
        self.skip()

    def value(self) -> tuple[Any, str]:
        """The next value, and its text."""
        self.peek()
        size = CHUNK_BYTES
        while True:
            try:
                value, end = self._scan(self._text, self._at)
            except json.JSONDecodeError as error:
                if not self._more(size):
                    raise self.wrong(error.msg, error.pos) from None
            except StopIteration as error:
                if not self._more(size):
                    raise self.wrong("Expecting value", error.value) from None
            else:
                # A number near the end of what was read may go on behind it.
                if end + LONGEST_NUMBER < len(self._text) or not self._more(size):
                    text = self._text[self._at : end]
                    self._at = end
                    return value, text
            size *= 2

    def wrong(self, message: str, at: int | None = None) -> json.JSONDecodeError:
        """An error at the place in the whole file."""
        found = json.JSONDecodeError(message, "", 0)
        found.pos = self._before + (self._at if at is None else at)
        return found

    def _more(self, size: int) -> bool:
        if self._ended:
            return False
        read = self._stream.read(size)
        self._before += self._at
        self._text = self._text[self._at :] + self._decode.decode(read, final=not read)
        self._at = 0
        if not read:
            self._ended = True
            self._stream.close()
        return True
