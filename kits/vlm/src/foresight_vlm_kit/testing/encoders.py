"""What every encoder of a vision-language plugin keeps beside the contracts of all encoders."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import pytest
import torch
from foresight_harness import BuildRequest, CandidateError, EncoderSpec, UsageError
from foresight_harness.contracts.errors import GridError
from foresight_harness.parts.checks.pictures import random_clips
from foresight_harness.parts.checks.watching import watch_modules
from foresight_harness.testing import EncoderConformance
from torch import nn

from foresight_vlm_kit import blueprint, library
from foresight_vlm_kit.counting import count
from foresight_vlm_kit.taps import llm_depth


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """With two threads on a busy 2-core machine a step of a tiny model takes a hundred times longer."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class VlmConformance(EncoderConformance):
    """For every tiny encoder: how much is built and runs, and what is refused; a subclass says what its own is."""

    counted_taps = ("llm",)
    runs: ClassVar[Mapping[tuple[str, ...], tuple[int, int]]]
    """Taps that are read together -> blocks of the tower and of the language model that run."""
    repos: ClassVar[Mapping[str, str]]
    """Published size -> Hub id of its checkpoint."""
    too_large: ClassVar[tuple[str, str]]
    """A published size whose vision side needs more than 1 GiB, and what its refusal names."""
    too_deep: ClassVar[tuple[str, int, str]]
    """A published size that does not fit with ``llm.14`` into so many GiB, though its vision side does, and so on."""

    def tower_blocks(self, encoder: Any) -> Sequence[nn.Module]:
        """Blocks of the tower."""
        raise NotImplementedError

    def test_importing_and_listing_imports_no_torch(self) -> None:
        code = f"import sys, foresight_{self.plugin} as plugin; list(plugin.foresight_encoders()); "
        code += "print(sorted({'torch', 'transformers', 'numpy'} & set(sys.modules)))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"

    def test_every_published_size_is_on_offer_with_its_hub_id_and_its_weights(self) -> None:
        offered = self.offered()
        assert {one.name: one.repo for one in offered if one.size == "published"} == self.repos
        weights = {one.size: one.weights for one in offered if "nano" not in one.weights}
        assert weights == {"tiny": ("random",), "published": ("random", "pretrained")}

    def test_building_leaves_the_preset_as_published(self, spec: EncoderSpec) -> None:
        before = json.dumps(dict(spec.config))
        spec.build(BuildRequest(attention="eager"))
        assert json.dumps(dict(spec.config)) == before

    def test_vision_taps_build_no_language_model(self, spec: EncoderSpec) -> None:
        encoder: Any = spec.build(BuildRequest())
        encoder.encode(random_clips((112, 140)), [tap.name for tap in spec.taps if llm_depth(tap.name) is None])
        assert encoder.language is None
        assert encoder.facts()["llm_blocks"] == 0
        assert encoder.facts()["params_built"] == count(*encoder.vision_side()) < encoder.facts()["params"] / 2

    def test_language_model_is_built_as_deep_as_needed_and_anew_only_to_go_deeper(self, spec: EncoderSpec) -> None:
        """With the same features: cached ones are found by seed and tap, whatever else was asked for."""
        encoder: Any = spec.build(BuildRequest())
        clips = random_clips((112, 140))
        shallow = encoder.encode(clips, ["llm.02"])["llm.02"].tokens
        built = encoder.language
        assert encoder.facts()["llm_blocks"] == 2
        assert torch.equal(encoder.encode(clips, ["llm.01", "llm.02"])["llm.02"].tokens, shallow)
        assert encoder.language is built
        assert torch.equal(encoder.encode(clips, ["llm.02", "llm.04"])["llm.02"].tokens, shallow)
        assert encoder.facts()["llm_blocks"] == 4

    def test_parameters_of_a_tap_do_not_depend_on_what_was_read_before(self, spec: EncoderSpec) -> None:
        """Resident bytes of a tap: one encoder in memory serves cells of a vision tap and of a deep one alike."""
        fresh: dict[str, int] = {}
        for tap in ("llm.01", "llm.02", "llm.04"):
            encoder: Any = spec.build(BuildRequest())
            encoder.encode(random_clips((112, 140)), [tap])
            fresh[tap] = encoder.facts()["params_built"]
        assert fresh["llm.01"] < fresh["llm.02"] < fresh["llm.04"]
        by_tap = encoder.facts()["params_by_tap"]
        assert {tap: by_tap[tap] for tap in fresh} == fresh
        vision = [tap.name for tap in spec.taps if llm_depth(tap.name) is None]
        assert {by_tap[tap] for tap in vision} == {count(*encoder.vision_side())}

    def test_no_more_blocks_run_than_the_taps_need_and_no_hook_stays(self, spec: EncoderSpec) -> None:
        encoder: Any = spec.build(BuildRequest())
        layers = list(encoder.language_of(4).language_model.layers)
        places = (list(self.tower_blocks(encoder)), layers)
        found = {}
        for taps in self.runs:
            with watch_modules() as calls:
                encoder.encode(random_clips((112, 140)), taps)
            found[taps] = tuple(sum(call.module is one for call in calls.finished for one in some) for some in places)
        assert found == dict(self.runs)
        assert list(encoder.language.language_model.layers) == layers
        assert not any(module._forward_hooks for some in places for module in some)

    def test_bfloat16_weights_are_the_float32_weights_rounded(self, spec: EncoderSpec) -> None:
        full, half = (self._parts(spec.build(BuildRequest(dtype=dtype))) for dtype in ("float32", "bfloat16"))
        for wide, narrow in zip(full, half, strict=True):
            rounded = dict(narrow.named_parameters())
            assert all(torch.equal(one.bfloat16(), rounded[name]) for name, one in wide.named_parameters())

    @staticmethod
    def _parts(encoder: Any) -> list[nn.Module]:
        return [*encoder.vision_side(), encoder.language_of(1).language_model]

    def test_what_cannot_be_encoded_is_refused(self, spec: EncoderSpec) -> None:
        encoder = self.build(spec)
        with pytest.raises(CandidateError, match=rf"{spec.name} has no tap 'block\.99'; nearest: block\.0\d, "):
            encoder.encode(random_clips((112, 112)), ["block.99"])
        with pytest.raises(CandidateError, match=rf"{spec.name} is asked for no tap; it has patch_embed, block\.00"):
            encoder.encode(random_clips((112, 112)), [])
        with pytest.raises(GridError, match=r"got shape \(1, 3, 112, 112\)"):
            encoder.encode(torch.rand(1, 3, 112, 112), ["block.00"])

    def test_weights_that_are_not_on_offer_are_refused(self, spec: EncoderSpec) -> None:
        with pytest.raises(UsageError, match="has no nano weights; choose random or pretrained"):
            spec.build(BuildRequest(weights="nano"))

    def test_what_memory_does_not_hold_is_refused_before_anything_is_allocated(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        offered = {one.name: one for one in self.offered()}
        for module, name in ((blueprint, "materialise"), (library, "seeded_model")):
            monkeypatch.setattr(module, name, lambda *given: pytest.fail("something was allocated"))
        (large, told), (deep, gib, both) = self.too_large, self.too_deep
        monkeypatch.setattr("foresight_harness.parts.weights.preflight._free_bytes", lambda device: 2**30)
        with pytest.raises(UsageError) as caught:
            offered[large].build(BuildRequest())
        assert f"{large} ({told}" in str(caught.value)
        monkeypatch.setattr("foresight_harness.parts.weights.preflight._free_bytes", lambda device: gib * 2**30)
        with pytest.raises(UsageError) as caught:
            offered[deep].build(BuildRequest(taps=("patch_embed", "llm.14")))
        assert f"{deep} ({both} and 14 blocks of the language model) needs " in str(caught.value)
