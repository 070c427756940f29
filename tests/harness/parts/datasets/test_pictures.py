"""Picture files of the wild: every format, broken metadata, sizes that are looked at before anything is decoded."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.datasets import pictures
from foresight_harness.parts.datasets.picture_metadata import orientation_in, without_metadata
from foresight_harness.parts.datasets.pictures import read_picture, size_of
from PIL import Image, PngImagePlugin

SIZE = (40, 30)
Pixels = Any


def drawn() -> Image.Image:
    """Left upper quarter white, the rest dark: turned, it lies elsewhere."""
    picture = Image.new("RGB", SIZE, (20, 30, 40))
    picture.paste((250, 240, 230), (0, 0, 20, 15))
    return picture


def corner_of(found: Pixels) -> tuple[bool, bool]:
    """Whether the bright quarter lies below, and whether it lies to the right."""
    rows, cols = found.shape[0] // 2, found.shape[1] // 2
    bright = found.mean(axis=2)
    quarters = [[bright[r : r + rows, c : c + cols].mean() for c in (0, cols)] for r in (0, rows)]
    row, col = np.unravel_index(int(np.argmax(quarters)), (2, 2))
    return bool(row), bool(col)


FORMATS = {
    "a.tif": {},
    "b.tiff": {"compression": "tiff_lzw"},
    "c.tif": {"compression": "jpeg"},
    "d.gif": {},
    "e.avif": {"quality": 95},
    "f.ppm": {},
    "g.jp2": {},
    "h.webp": {"lossless": True},
    "i.bmp": {},
    "j.jpg": {"quality": 95},
    "k.png": {},
    "l.tif": {"compression": "tiff_deflate", "big_tiff": True},
}


@pytest.mark.parametrize(("name", "options"), FORMATS.items(), ids=FORMATS.keys())
def test_a_format_is_read_as_it_was_drawn(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    drawn().save(tmp_path / name, **options)
    found = read_picture(tmp_path / name, SIZE)
    assert found.shape == (30, 40, 3)
    assert np.abs(found - np.asarray(drawn(), dtype=np.float32) / 255).mean() < 0.02
    assert size_of(tmp_path / name) == SIZE


MODES = {
    "grey 16 bit": (Image.fromarray(np.full((30, 40), 6554, dtype=np.uint16)), 0.1),
    "grey float": (Image.fromarray(np.full((30, 40), 0.25, dtype=np.float32)), 0.25),
    "grey": (Image.new("L", SIZE, 51), 0.2),
    "one bit": (Image.new("1", SIZE, 1), 1.0),
    "CMYK": (Image.new("CMYK", SIZE, (0, 0, 0, 204)), 0.2),
    "clear": (Image.new("RGBA", SIZE, (0, 0, 0, 0)), 1.0),
}


@pytest.mark.parametrize(("picture", "expected"), MODES.values(), ids=MODES.keys())
def test_tiff_of_any_mode_is_brought_to_three_channels(picture: Image.Image, expected: float, tmp_path: Path) -> None:
    picture.save(tmp_path / "a.tif")
    assert read_picture(tmp_path / "a.tif", SIZE).mean() == pytest.approx(expected, abs=0.01)


def test_floating_point_beyond_white_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((30, 40), 180, dtype=np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match=r"a\.tif holds floating-point values from 180 to 180, and white is 1"):
        read_picture(tmp_path / "a.tif", SIZE)


def test_of_several_frames_the_first_is_read(tmp_path: Path) -> None:
    later = [Image.new("RGB", SIZE, (200, 0, 0))] * 3
    for name in ("a.gif", "a.tif", "a.webp"):
        drawn().save(tmp_path / name, save_all=True, append_images=later)
        assert corner_of(read_picture(tmp_path / name, SIZE)) == (False, False)


def block(entries: list[tuple[int, int, int, bytes]], data: bytes = b"", order: str = "<") -> bytes:
    """An EXIF block, in either byte order."""
    start = b"II*\0" if order == "<" else b"MM\0*"
    head = struct.pack(order + "IH", 8, len(entries))
    listed = b"".join(struct.pack(order + "HHI", tag, kind, count) + value for tag, kind, count, value in entries)
    return b"Exif\0\0" + start + head + listed + struct.pack(order + "I", 0) + data


def turned(value: int, order: str = "<") -> tuple[int, int, int, bytes]:
    return (0x112, 3, 1, struct.pack(order + "HH", value, 0))


def jpeg_with(*segments: tuple[int, bytes]) -> bytes:
    stream = BytesIO()
    drawn().save(stream, "JPEG", quality=95)
    content = stream.getvalue()
    added = b"".join(bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body for marker, body in segments)
    return content[:2] + added + content[2:]


RATIONAL = 38
"""Where data stands behind two entries."""
BROKEN_BLOCKS = {
    "rational of -1/0": block([turned(3), (0x11A, 10, 1, struct.pack("<I", RATIONAL))], struct.pack("<ii", -1, 0)),
    "rational of 0/0": block([turned(3), (0x11A, 5, 1, struct.pack("<I", RATIONAL))], struct.pack("<II", 0, 0)),
    "offset beyond the block": block([turned(3), (0x11A, 5, 1, struct.pack("<I", 10**6))]),
    "count beyond the block": block([turned(3), (0x10F, 2, 2**31, struct.pack("<I", 38))]),
    "unknown type": block([turned(3), (0x10F, 99, 1, b"abcd")]),
    "text that is none": block([turned(3), (0x13B, 2, 4, b"\xff\xfe\xfd\xfc")]),
    "more entries than there are": block([turned(3)])[:14] + b"\xff\x00" + block([turned(3)])[16:],
    "a directory that points to itself": block([turned(3), (0x8769, 4, 1, struct.pack("<I", 8))]),
    "sub-directory beyond the block": block([turned(3), (0x8769, 4, 1, struct.pack("<I", 10**6))]),
    "position of the wrong kind": block([turned(3), (0x8825, 2, 4, b"abcd")]),
    "big-endian with a float as text": block([turned(3, ">"), (0x11A, 12, 1, struct.pack(">I", 10**5))], order=">"),
    "maker's note of nothing": block([turned(3), (0x927C, 7, 0, b"\0\0\0\0")]),
}


@pytest.mark.parametrize("exif", BROKEN_BLOCKS.values(), ids=BROKEN_BLOCKS.keys())
def test_of_a_broken_exif_block_only_the_orientation_matters(exif: bytes, tmp_path: Path) -> None:
    assert orientation_in(exif) == 3
    (tmp_path / "a.jpg").write_bytes(jpeg_with((0xE1, exif)))
    assert corner_of(read_picture(tmp_path / "a.jpg", SIZE)) == (True, True)
    assert size_of(tmp_path / "a.jpg") == SIZE


BROKEN_REST = {
    "exif of nothing": [(0xE1, b"Exif\0\0")],
    "exif cut short": [(0xE1, b"Exif\0\0II*\0\x08")],
    "exif without a directory": [(0xE1, b"Exif\0\0II*\0" + struct.pack("<I", 10**6))],
    "orientation of 0": [(0xE1, block([turned(0)]))],
    "orientation of 9": [(0xE1, block([turned(9)]))],
    "orientation as text": [(0xE1, block([(0x112, 2, 4, b"abc\0")]))],
    "several pictures that are not there": [(0xE2, b"MPF\0II*\0" + struct.pack("<IH", 8, 1) + b"\xff" * 16)],
    "colour profile cut short": [(0xE2, b"ICC_PROFILE\0\x01\x05" + b"\0" * 20)],
    "colour profile of noise": [(0xE2, b"ICC_PROFILE\0\x01\x01" + bytes(range(200)))],
    "Photoshop block cut short": [(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\xff\xff")],
    "XMP that is no XML": [(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta <<")],
    "a comment of bytes": [(0xFE, b"\xff\xd8\xff\0\x80")],
}


@pytest.mark.parametrize("segments", BROKEN_REST.values(), ids=BROKEN_REST.keys())
def test_broken_metadata_of_a_jpeg_are_passed_over(segments: list[tuple[int, bytes]], tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg_with(*segments))
    assert corner_of(read_picture(tmp_path / "a.jpg", SIZE)) == (False, False)


def chunk(kind: bytes, body: bytes, *, sum_: int | None = None) -> bytes:
    check = zlib.crc32(kind + body) if sum_ is None else sum_
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)


CHUNKS = {
    "text of a wrong sum": chunk(b"tEXt", b"a\0b", sum_=7),
    "compressed text that is none": chunk(b"zTXt", b"a\0\0no stream"),
    "compressed text of 80 MB": chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 80_000_000)),
    "colour profile that is none": chunk(b"iCCP", b"a\0\0no stream"),
    "exif of nothing": chunk(b"eXIf", b""),
    "exif of noise": chunk(b"eXIf", bytes(range(64))),
    "exif with a rational of -1/0": chunk(
        b"eXIf", BROKEN_BLOCKS["rational of -1/0"][6:].replace(b"\3\0\0\0", b"\1\0\0\0", 1)
    ),
    "density cut short": chunk(b"pHYs", b"\0\1"),
    "chromaticities cut short": chunk(b"cHRM", b"\0\1"),
}


@pytest.mark.parametrize("added", CHUNKS.values(), ids=CHUNKS.keys())
def test_broken_metadata_of_a_png_are_passed_over(added: bytes, tmp_path: Path) -> None:
    stream = BytesIO()
    drawn().save(stream, "PNG")
    content = stream.getvalue()
    (tmp_path / "a.png").write_bytes(content[:33] + added + content[33:])
    assert corner_of(read_picture(tmp_path / "a.png", SIZE)) == (False, False)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif", "a.avif"])
def test_orientations_are_applied_as_pillow_applies_them(orientation: int, name: str, tmp_path: Path) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x112] = orientation
    drawn().save(tmp_path / name, exif=exif)
    with Image.open(tmp_path / name) as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"), dtype=np.float32) / 255
    np.testing.assert_array_equal(read_picture(tmp_path / name), expected)
    assert size_of(tmp_path / name) == expected.shape[1::-1]


UNREADABLE: dict[str, tuple[bytes, str]] = {
    "empty.jpg": (b"", "the file is empty"),
    "pointer.png": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        "a Git LFS pointer, run git lfs pull",
    ),
    "page.jpg": (b"<!DOCTYPE html><html>not found</html>", "an HTML page"),
    "drawing.svg": (b"<svg xmlns='x'/>", "SVG"),
    "photo.heic": (b"\0\0\0\x18ftypheic\0\0\0\0heicmif1", "HEIC"),
    "photo.jxl": (b"\xff\x0a\xfa\x1f", "JPEG XL"),
    "layers.psd": (b"8BPS\0\1" + bytes(20), "a Photoshop file"),
    "page.pdf": (b"%PDF-1.7", "PDF"),
    "._photo.jpg": (b"\0\5\x16\x07" + bytes(60), "a resource fork that macOS left"),
    "noise.jpg": (bytes(range(256)), "UnidentifiedImageError"),
}


@pytest.mark.parametrize(
    ("name", "content", "said"), [(name, *of) for name, of in UNREADABLE.items()], ids=UNREADABLE.keys()
)
def test_what_cannot_be_read_is_named_with_what_it_is_and_the_formats_that_can(
    name: str, content: bytes, said: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_picture(tmp_path / name)
    message = str(caught.value)
    assert f"{tmp_path / name} cannot be read as a picture ({said}" in message
    assert "formats that are read: JPEG, PNG, WEBP, BMP, TIFF, GIF, AVIF, PPM, JPEG2000" in message
    assert "\n" not in message


def test_heic_says_which_extra_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "formats", lambda: pictures.FORMATS)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0heicmif1")
    with pytest.raises(DataError, match=r"pip install 'foresight-harness\[heic\]'"):
        read_picture(tmp_path / "a.heic")


def test_heic_is_read_where_the_extra_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif", reason="the extra [heic] is not installed")
    pictures.formats.cache_clear()
    assert "HEIF" in pictures.formats()
    drawn().save(tmp_path / "a.heic", quality=95)
    assert corner_of(read_picture(tmp_path / "a.heic", SIZE)) == (False, False)


def huge(path: Path, side: int) -> Path:
    """A PNG whose header says a size, and whose pixels are not there."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize("look", [size_of, read_picture])
def test_a_picture_beyond_the_limit_is_refused_by_its_header(look: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"a\.png has 13000x13000 pixels, more than 120,000,000; .* --max-pixels 169000000"
    ):
        look(huge(tmp_path / "a.png", 13000))


def test_a_size_that_is_not_the_annotated_one_is_refused_by_the_header(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.png is 9000x9000 pixels and its annotations say 40x30"):
        read_picture(huge(tmp_path / "a.png", 9000), SIZE)


def test_the_limit_can_be_moved_both_ways(tmp_path: Path) -> None:
    drawn().save(tmp_path / "a.png")
    with pytest.raises(DataError, match="has 40x30 pixels, more than 1,199"):
        read_picture(tmp_path / "a.png", max_pixels=1199)
    assert size_of(huge(tmp_path / "b.png", 20000), max_pixels=400_000_000) == (20000, 20000)
    assert Image.MAX_IMAGE_PIXELS is not None  # others keep Pillow's own


def test_a_file_without_metadata_has_the_same_pixels() -> None:
    stream = BytesIO()
    exif = Image.Exif()
    exif[0x10F] = "maker"
    drawn().convert("CMYK").save(stream, "JPEG", exif=exif, comment=b"words")
    plain = without_metadata(stream.getvalue())
    assert b"maker" not in plain
    assert b"words" not in plain
    with Image.open(BytesIO(stream.getvalue())) as one, Image.open(BytesIO(plain)) as two:
        assert one.mode == two.mode == "CMYK"
        assert one.tobytes() == two.tobytes()
    stream = BytesIO()
    info = PngImagePlugin.PngInfo()
    info.add_text("who", "maker")
    drawn().quantize(4).save(stream, "PNG", pnginfo=info, transparency=0)
    plain = without_metadata(stream.getvalue())
    assert b"maker" not in plain
    with Image.open(BytesIO(stream.getvalue())) as one, Image.open(BytesIO(plain)) as two:
        assert one.convert("RGBA").tobytes() == two.convert("RGBA").tobytes()
