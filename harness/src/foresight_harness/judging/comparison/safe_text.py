"""Texts of plugins, data and pull requests made harmless. Standard library only: CI's comment job loads this file."""

from __future__ import annotations

import re

MARKER = "<!-- foresight-bench compare -->"
"""By this the one comment of a pull request is found again."""
COMMENT_BYTES = 60_000
"""GitHub refuses a comment over 64 KB."""


def markdown_text(text: str, most: int = 300) -> str:
    """Plain text in Markdown: no markup, no HTML, no link, no mention, no break of a table; cut after ``most``."""
    flat = re.sub(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]", " ", text)[:most]
    flat = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    flat = re.sub(r"([\\`*_{}\[\]()#+!|~])", r"\\\1", flat)
    flat = flat.replace("://", ":&#47;&#47;").replace("www.", "www&#46;")
    # Mentions are looked for in the rendered text, where an entity is a plain @ again: a comment parts it instead.
    return re.sub(r"(?<!\w)@", "@<!-- -->", flat)


def xml_text(text: str) -> str:
    """Without the characters that XML cannot hold, and cut."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd]", "?", text)[:1000]


def command_message(text: str) -> str:
    """Escaped as the runner wants its messages, so that no text can end the command or start another."""
    return text[:500].replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
