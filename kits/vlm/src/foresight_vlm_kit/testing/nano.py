"""What the nano sizes of every vision-language plugin keep beside the contracts of all encoders."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from foresight_harness import BuildRequest, CheckpointError, EncoderSpec, MetricSpec
from foresight_harness.weights import provenance_of
from torch import Tensor

from foresight_vlm_kit.consistency.answerer import Answerer
from foresight_vlm_kit.counting import count
from foresight_vlm_kit.nano import command, loop

TRIAL = ["--share", "0.001", "--close-steps", "2", "--kinds-steps", "2", "--whole-steps", "2", "--save-every", "0"]


class NanoConformance:
    """What is carried is what was trained; training starts at the random weights and goes on where it was killed."""

    specs: ClassVar[Sequence[EncoderSpec]]
    """The nano sizes."""
    carried: ClassVar[Path]
    """Folder of the weights that the package carries."""
    kept: ClassVar[Sequence[str]]
    """Names of the sizes whose weights it carries."""
    family: ClassVar[command.Family]
    projected: ClassVar[str]
    """Tap of what the language model is given."""

    def own_scores(self, model: Any, pixels: Tensor, words: Tensor) -> Tensor:
        """Next-word scores of whole pictures by the class's own way. [B, L, vocabulary]"""
        raise NotImplementedError

    def test_weights_are_carried_small_and_their_origin_is_nano(self) -> None:
        assert sorted(path.name for path in self.carried.glob("*") if path.is_dir()) == sorted(self.kept)
        for spec in self.with_weights():
            found = provenance_of(spec.name, spec.config, BuildRequest(weights="nano"), repo=spec.repo)
            assert found.kind == "nano"
            assert str(self.carried) not in json.dumps(found.as_json())
            assert (self.carried / spec.name / command.WEIGHTS).stat().st_size < 1_500_000

    def test_the_record_is_of_these_weights(self) -> None:
        for spec in self.with_weights():
            folder = self.carried / spec.name
            record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
            assert record["sha256"] == hashlib.sha256((folder / command.WEIGHTS).read_bytes()).hexdigest()
            assert record["choices"] == vars(loop.Choices(spec.name.rpartition("_")[2], 0))  # type: ignore[arg-type]
            assert (record["family"], record["start"]) == (self.family.name, "seed 0")

    def test_sizes_differ_from_their_start_and_from_each_other_and_the_count_is_exact(self) -> None:
        clips = torch.rand(1, 1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
        requests = [(spec, BuildRequest(weights="nano")) for spec in self.with_weights()]
        requests += [(self.specs[0], BuildRequest())]
        built = [spec.build(request).encode(clips, ["llm.04"])["llm.04"].tokens for spec, request in requests]
        assert all(not torch.equal(one, other) for at, one in enumerate(built) for other in built[:at])
        for spec in self.specs:
            assert count(self.family.start(0)) == spec.params

    def test_all_share_a_start_that_is_the_random_weights_of_their_seed(self) -> None:
        clips = torch.rand(2, 1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
        taps = [self.projected, "llm.01", "llm.04"]
        random = [spec.build(BuildRequest(seed=3)) for spec in self.specs]
        found = [encoder.encode(clips, taps) for encoder in random]
        for tap in taps:
            assert all(torch.equal(one[tap].tokens, found[0][tap].tokens) for one in found)
        own = self.family.start(3).state_dict()
        for part in self.parts_of(random[0]):
            for name, tensor in part.items():
                assert torch.equal(own[name], tensor), name

    def test_a_size_that_is_not_carried_says_how_to_get_it(self) -> None:
        for spec in self.specs:
            if spec.name not in self.kept:
                with pytest.raises(CheckpointError, match=r"does not carry it.*--weights-source") as refused:
                    spec.build(BuildRequest(weights="nano"))
                assert "\n" not in str(refused.value)

    def check_says_what_the_class_says(self, found: Answerer, metrics: Iterable[MetricSpec]) -> None:
        """Captions and answers of a carried size against greedy words by the class's own way, one picture at a time."""
        (name,) = self.kept
        assert [spec.name for spec in metrics] == [f"consistency_{kind}_{name}_v1" for kind in ("caption", "yesno")]
        model = self.family.load(self.carried / name).eval()
        pictures = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
        for picture, caption, answers in zip(pictures, found.captions(pictures), found.answers(pictures), strict=True):
            told: list[int] = []
            with torch.inference_mode():
                while True:
                    row = torch.tensor([[*told, 0]])
                    likely = self.own_scores(model, picture[None], row)[0, -1].log_softmax(-1)
                    if not told:
                        assert [bool(likely[one.yes] > likely[one.no]) for one in found.talk.questions] == list(answers)
                    if int(likely.argmax()) in found.talk.ends or len(told) == found.talk.most:
                        break
                    told.append(int(likely.argmax()))
            assert found.talk.said(told) == caption

    def with_weights(self) -> list[EncoderSpec]:
        """Those that are carried."""
        return [spec for spec in self.specs if spec.name in self.kept]

    def parts_of(self, encoder: Any) -> Sequence[Mapping[str, Tensor]]:
        """State of an encoder's built parts, under the names of the whole model that is trained."""
        raise NotImplementedError

    def test_scores_and_slopes_of_training_are_those_of_the_class_itself(self) -> None:
        source = torch.Generator().manual_seed(0)
        model = self.family.start(0).requires_grad_(True)
        pixels, words = torch.rand(2, 3, 224, 224, generator=source), torch.randint(16, 60, (2, 5), generator=source)
        read, own = self.family.read(model, pixels, words), self.own_scores(model, pixels, words)
        torch.testing.assert_close(read, own, atol=1e-4, rtol=1e-4)
        parameters = list(model.parameters())
        slopes = [torch.autograd.grad(one.square().mean(), parameters, allow_unused=True) for one in (read, own)]
        for slope, expected in zip(*slopes, strict=True):
            if slope is not None or (expected is not None and expected.any()):
                torch.testing.assert_close(slope, expected, atol=1e-5, rtol=1e-3)

    def test_a_close_up_is_read_at_its_place_and_whole(self) -> None:
        """Scores answer to the corner and to the first and the last of the tokens."""
        source = torch.Generator().manual_seed(0)
        model, words = self.family.start(0), torch.randint(16, 60, (1, 5), generator=source)
        pixels, corner = torch.rand(1, 3, 112, 112, generator=source), torch.tensor([[1, 3]])
        read = self.family.read(model, pixels, words, corner)
        assert read.shape[:2] == words.shape
        for place in (slice(0, 14), slice(98, 112)):
            changed = pixels.clone()
            changed[..., place, place] = 0
            assert not torch.allclose(self.family.read(model, changed, words, corner), read, atol=1e-4)
        assert not torch.allclose(self.family.read(model, pixels, words, corner.flip(1)), read, atol=1e-4)

    @pytest.mark.slow
    def test_a_killed_training_ends_with_the_digest_of_an_undisturbed_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def train(name: str) -> int:
            folders = ["-o", str(tmp_path / name), "--pictures", str(tmp_path)]
            return command.main(self.family, ["--objective", "where", *folders, *TRIAL])

        assert train("whole") == 0
        real, calls = loop.loss_at, []

        def killed(*arguments: Any) -> Any:
            calls.append(arguments)
            if len(calls) == 4:
                raise KeyboardInterrupt
            return real(*arguments)

        monkeypatch.setattr(loop, "loss_at", killed)
        with pytest.raises(KeyboardInterrupt):
            train("parts")
        monkeypatch.setattr(loop, "loss_at", real)
        assert train("parts") == 0
        read = [(tmp_path / name / "training.json").read_text(encoding="utf-8") for name in ("whole", "parts")]
        assert json.loads(read[0])["sha256"] == json.loads(read[1])["sha256"]
        encoder = self.specs[1].build(BuildRequest(weights="nano", source=str(tmp_path / "whole")))
        assert encoder.encode(torch.rand(1, 1, 3, 224, 224), ["llm.04"])["llm.04"].tokens.isfinite().all()
