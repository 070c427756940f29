"""What a file is that cannot be read as a picture, by its first bytes."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

HEAD_BYTES = 64
STARTS = (
    (b"version https://git-lfs", "a Git LFS pointer, run git lfs pull; "),
    (b"<!doctype html", "an HTML page; "),
    (b"<html", "an HTML page; "),
    (b"<svg", "SVG; "),
    (b"<?xml", "XML, perhaps SVG; "),
    (b"%pdf", "PDF; "),
    (b"\xff\x0a", "JPEG XL; "),
    (b"\0\0\0\x0cjxl ", "JPEG XL; "),
    (b"8bps", "a Photoshop file; "),
    (b"v/1\x01", "OpenEXR; "),
    (b"\0\x05\x16\x07", "a resource fork that macOS left; "),
    (b"pk\x03\x04", "a ZIP archive; "),
)
"""In lower case."""
HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def kind_of(source: Path | BytesIO) -> str:
    """What a file seems to be, as the beginning of a sentence in brackets; empty where it is not known."""
    try:
        if isinstance(source, BytesIO):
            head = source.getvalue()[:HEAD_BYTES]
        else:
            with source.open("rb") as stream:
                head = stream.read(HEAD_BYTES)
    except OSError:
        return ""
    if not head:
        return "the file is empty; "
    if head[4:8] == b"ftyp" and head[8:12] in HEIF:
        return "HEIC: pip install 'foresight-harness[heic]'; "
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    return next((said for begin, said in STARTS if start.startswith(begin) or head.lower().startswith(begin)), "")
