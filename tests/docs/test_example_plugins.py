"""The plugins that docs/plugins.md shows: short, whole, and kept to every contract by the kit that authors get."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest
from foresight_harness.surface.conformance.offers import plugin_specs
from foresight_harness.testing import EncoderConformance

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
NAMES = ("resnet", "convnext", "siglip")
sys.path.insert(0, str(EXAMPLES.parent))


class TestResNet(EncoderConformance):
    """A token of ``layer4`` sees all of the picture, and its cells lie half a token off: one is granted."""

    plugin = "examples.resnet"


class TestConvNeXt(EncoderConformance):
    plugin = "examples.convnext"


class TestSiglip(EncoderConformance):
    plugin = "examples.siglip"
    sizes: ClassVar[tuple[tuple[int, int], ...]] = ((224, 336), (224, 224))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_a_whole_plugin_in_less_than_50_lines(name: str) -> None:
    assert len((EXAMPLES / f"{name}.py").read_text(encoding="utf-8").splitlines()) < 50
    assert {spec.size for spec in plugin_specs(f"examples.{name}", "foresight_encoders")} == {"tiny", "published"}


def test_listing_the_examples_imports_no_torch() -> None:
    asked = "; ".join(f"import examples.{name} as it; list(it.foresight_encoders())" for name in NAMES)
    code = f"import sys; sys.path.insert(0, {str(EXAMPLES.parent)!r}); {asked}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("name", NAMES)
def test_the_page_on_plugins_shows_the_example(name: str) -> None:
    page = (EXAMPLES.parent / "plugins.md").read_text(encoding="utf-8")
    assert f"(examples/{name}.py)" in page
