"""What ``doctor`` says of readers of clips: which one works, or what to install."""

from __future__ import annotations

import pytest
from foresight_harness.parts.datasets import video_reading
from foresight_harness.surface.command import doctor


def test_the_working_reader_of_clips_is_named() -> None:
    assert doctor._video() in [("video reader", "ok", name, "") for name in video_reading.MODULES]


def test_no_reader_of_clips_is_a_note_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_reading, "why_not", lambda name, module: "absent")
    video_reading.backend.cache_clear()
    found = doctor._video()
    video_reading.backend.cache_clear()
    assert (found.state, found.found) == ("note", "absent")
    assert "foresight-harness[video]" in found.advice
