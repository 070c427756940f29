"""Texts of others: one line, nothing that a terminal or a CI job would carry out, no secret."""

from __future__ import annotations

import pytest
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.text import one_line, without_secrets, without_secrets_in


@pytest.mark.parametrize(
    "text",
    [
        "a.jpg\n::error::stop",
        "::error file=x::stop",
        "  ::set-output name=x::y",
        "a\r::warning::x",
        "a\u2028::error::x",
        "a\x1b[2J\x07\x08b",
        "##[error]stop",
        "a\u202egpj.exe",
        "\x85::error::x",
        "half \ud800 of a character",
    ],
)
def test_text_is_one_line_that_no_runner_and_no_terminal_carries_out(text: str) -> None:
    for line in (one_line(text), str(DataError(text))):
        assert line.splitlines() == [line]
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
        assert line.isprintable()
        line.encode("utf-8")


def test_other_letters_stay_as_they_are() -> None:
    assert one_line("街景一/cam_1: 12 µs — ok") == "街景一/cam_1: 12 µs — ok"
    assert one_line("abcdefgh", 6) == "abc..."


@pytest.mark.parametrize(
    "text",
    [
        "https://me:PASSWORD@host/a/b",
        "https://me:P@PASSWORD@host/a",
        "https://PASSWORD@host",
        "Repo id must be in the form 'namespace/name': 'https://me:PASSWORD'",
        "s3://key:PASSWORD@bucket/folder",
        "https://host/a?token=PASSWORD&x=1",
        "https://host/a?X-Amz-Signature=PASSWORD",
        "https://host/a;sig=PASSWORD/b",
        "https://host/a#access_token=PASSWORD",
        "coco:https://me:PASSWORD@host/set?sig=PASSWORD",
        "--weights-source 'dinov2=https://x:PASSWORD@host/w.safetensors'",
        "cannot read (https://me:PASSWORD@host/a): 403",
        "hf:some/set?token=PASSWORD",
        "HF_TOKEN=PASSWORD failed",
        "Authorization: Bearer PASSWORD",
        '{"url": "https://me:PASSWORD@host/a"}',
    ],
)
def test_no_secret_of_an_address_stays(text: str) -> None:
    assert "PASSWORD" not in without_secrets(text)
    assert "PASSWORD" not in str(DataError(text))
    assert "PASSWORD" not in str(without_secrets_in({"a": [text, {"b": text}], text: (text,)}))
    assert without_secrets(without_secrets(text)) == without_secrets(text)


@pytest.mark.parametrize(
    "text",
    [
        "did you mean shapes?",
        "https://github.com/a/b#readme",
        "dinov2_?iny@last/identity/single/linear",
        "org/model@0123abc",
        "coco:/data/set@home",
        "tokens=196, keys=4",
        "s3://bucket/folder",
        "https://host:8080/a/b.tar.gz",
    ],
)
def test_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert without_secrets(text) == text
