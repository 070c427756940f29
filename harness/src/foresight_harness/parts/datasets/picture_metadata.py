"""Metadata of picture files that may be broken: the one entry that decides a pixel, and a file without all others."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

ORIENTATION = 0x0112
KEPT_SEGMENTS = {0xE0, 0xEE}
"""JPEG's JFIF and Adobe segments: the latter says how CMYK is stored."""
KEPT_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"sRGB"}
"""Of PNG: what decides a pixel."""
PNG = b"\x89PNG\r\n\x1a\n"


def orientation_of(picture: Image) -> int:
    """How a picture is to be turned, 1 to 8 as EXIF counts; 1 where nothing is said that can be read."""
    if picture.format == "TIFF":  # Pillow turns these itself, and only these
        return 1
    block = picture.info.get("exif")
    found = orientation_in(block) if isinstance(block, bytes) else 1
    if not 2 <= found <= 8:
        try:
            found = picture.getexif().get(ORIENTATION, 1)  # it may stand elsewhere, in XMP
        except Exception:  # Pillow raises whatever a broken entry makes it raise, and only one entry matters
            found = 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def orientation_in(block: bytes) -> int:
    """Orientation of an EXIF block, however broken its other entries are; 1 where none is found.

    Source: TIFF 6.0, section 2 (image file directories of 12 bytes an entry).
    """
    start = block.find(b"II*\0")
    start, order = (start, "<") if start >= 0 else (block.find(b"MM\0*"), ">")
    if start < 0:
        return 1
    block = block[start:]
    try:
        (directory,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, directory)
        for number in range(count):
            tag, _, _, value = struct.unpack_from(order + "HHIH", block, directory + 2 + 12 * number)
            if tag == ORIENTATION:
                return int(value)
    except struct.error:
        pass
    return 1


def exif_block(content: bytes) -> bytes:
    """The EXIF block of a JPEG or PNG file; empty where it has none."""
    for start in (content.find(b"Exif\0\0"), content.find(b"eXIf")):
        if start >= 0:
            return content[start : start + 2**16]
    return b""


def without_metadata(content: bytes) -> bytes:
    """A JPEG or PNG file without anything that its pixels do not need; other files as they are."""
    if content.startswith(b"\xff\xd8"):
        return _plain_jpeg(content)
    return _plain_png(content) if content.startswith(PNG) else content


def _plain_jpeg(content: bytes) -> bytes:
    kept, at = [content[:2]], 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # fill bytes
            at += 1
            continue
        if marker == 0xDA:  # pixels follow
            break
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if marker in KEPT_SEGMENTS or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(content[at:end])
        at = end
    return b"".join([*kept, content[at:]])


def _plain_png(content: bytes) -> bytes:
    kept, at = [PNG], len(PNG)
    while at + 12 <= len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")
        if content[at + 4 : at + 8] in KEPT_CHUNKS:
            kept.append(content[at:end])
        at = end
    return b"".join(kept)
