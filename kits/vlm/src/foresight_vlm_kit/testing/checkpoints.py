"""Checkpoints in the published layout, through the same path as a user's download."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from foresight_harness import BuildRequest, CheckpointError, EncoderSpec
from foresight_harness.parts.checks.pictures import random_clips
from foresight_harness.surface.conformance.kit import ConformanceKit
from foresight_harness.weights import read_tensors
from torch import Tensor

Change = Callable[[dict[str, Tensor]], Any]
Write = Callable[..., Path]
"""Fixture ``write_checkpoint`` of a plugin: ``write(change, **config)`` of the tiny encoder's tensors."""

CLIPS = random_clips((112, 140))
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def write_checkpoint(
    folder: Path,
    tensors: Mapping[str, Tensor],
    config: Mapping[str, Any],
    change: Change | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Path:
    """Write a checkpoint as users download it: two shards with an index, and a configuration.

    Args:
        folder: Where to; it may not be there yet.
        tensors: Under published names.
        config: As published.
        change: Changes the tensors before they are written.
        changes: Entries of the configuration that are replaced; one that is a mapping is merged into the entry.

    Returns:
        ``folder``.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    written = dict(tensors)
    if change is not None:
        change(written)
    names = sorted(written)
    halves = (names[: len(names) // 2], names[len(names) // 2 :])
    for shard, members in zip(SHARDS, halves, strict=True):
        save_file({name: written[name].contiguous() for name in members}, folder / shard, metadata={"format": "pt"})
    total = sum(tensor.numel() * tensor.element_size() for tensor in written.values())
    where = {name: shard for shard, members in zip(SHARDS, halves, strict=True) for name in members}
    index = {"metadata": {"total_size": total}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    merged = dict(config)
    for name, value in (changes or {}).items():
        merged[name] = {**merged[name], **value} if isinstance(value, dict) and value and name in merged else value
    (folder / "config.json").write_text(json.dumps(merged), encoding="utf-8")
    return folder


class CheckpointConformance(ConformanceKit):
    """What a plugin accepts and refuses; a subclass names tensors and fields of its own layout."""

    hook = "foresight_encoders"
    encoders: ClassVar[tuple[str, ...]] = ()
    """Names; empty means every tiny encoder of the plugin."""
    projected: ClassVar[str]
    """Tap of what the language model is given."""
    missing: ClassVar[tuple[tuple[str, str, str], ...]]
    """Published tensor, tap that needs it, and how the refusal names it, the first on the vision side."""
    unexpected: ClassVar[tuple[tuple[str, str], ...]]
    """Name that no such model has, and a tap whose part it would belong to."""
    misshapen: ClassVar[tuple[tuple[str, str], ...]]
    """Published tensor of the vision side, and how the refusal names it."""
    refused: ClassVar[tuple[tuple[Mapping[str, Any], str], ...]]
    """Changed entries of the configuration, and what their refusal says."""

    @classmethod
    def parametrizations(cls) -> dict[str, list[tuple[str, Any]]]:
        """``spec``: the encoders; the others: each case of the subclass."""
        specs = cls.chosen(cls.encoders, lambda spec: spec.size == "tiny" and "nano" not in spec.weights, "encoder")
        cases = {name: getattr(cls, name) for name in ("missing", "unexpected", "misshapen", "refused")}
        named = {name: [(str(case[0]), case) for case in some] for name, some in cases.items()}
        return {"spec": [(spec.name, spec) for spec in specs], **named}

    def load(self, spec: EncoderSpec, folder: Path | str) -> Any:
        """The encoder with the checkpoint's weights."""
        return spec.build(BuildRequest(weights="pretrained", source=str(folder)))

    def refusal(self, spec: EncoderSpec, folder: Path, tap: str | None = None) -> str:
        """The one line in which a checkpoint is refused when ``tap`` is read."""
        with pytest.raises(CheckpointError) as caught:
            self.load(spec, folder).encode(CLIPS, [tap or self.projected])
        assert "\n" not in str(caught.value)
        return str(caught.value)

    def test_language_model_is_loaded_only_when_and_as_deep_as_needed(
        self, spec: EncoderSpec, write_checkpoint: Write
    ) -> None:
        encoder = self.load(spec, write_checkpoint())
        encoder.encode(CLIPS, [self.projected])
        assert encoder.language is None
        encoder.encode(CLIPS, ["llm.02"])
        assert encoder.facts()["llm_blocks"] == 2
        assert encoder.facts()["params"] == spec.params

    def test_checkpoint_is_found_in_an_offline_mirror(
        self, spec: EncoderSpec, write_checkpoint: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = write_checkpoint()
        monkeypatch.setenv("FORESIGHT_WEIGHTS", str(folder.parent))
        assert self.load(spec, folder.name).facts()["params"] == spec.params

    def test_loading_leaves_the_global_generator_alone(self, spec: EncoderSpec, write_checkpoint: Write) -> None:
        """Also where a tensor is missing, which a library may fill at random before we can refuse."""
        folder = write_checkpoint(lambda tensors: tensors.pop(self.missing[0][0]))
        before = torch.random.get_rng_state()
        assert "1 missing" in self.refusal(spec, folder)
        assert torch.equal(before, torch.random.get_rng_state())

    def test_missing_tensor_is_refused_by_name_when_it_is_needed(
        self, spec: EncoderSpec, write_checkpoint: Write, missing: tuple[str, str, str]
    ) -> None:
        name, tap, told = missing
        message = self.refusal(spec, write_checkpoint(lambda tensors: tensors.pop(name)), tap)
        assert f"missing (first: {told})" in message

    def test_unexpected_tensor_is_refused_by_name(
        self, spec: EncoderSpec, write_checkpoint: Write, unexpected: tuple[str, str]
    ) -> None:
        name, tap = unexpected
        message = self.refusal(spec, write_checkpoint(lambda tensors: tensors.update({name: torch.zeros(3)})), tap)
        told = re.search(r"1 unexpected \(first: (.*?)\)", message)
        assert told is not None
        assert told[1].split(".")[-2:] == name.split(".")[-2:]

    def test_tensor_of_another_shape_is_refused_by_name(
        self, spec: EncoderSpec, write_checkpoint: Write, misshapen: tuple[str, str]
    ) -> None:
        name, told = misshapen
        folder = write_checkpoint(lambda tensors: tensors.update({name: torch.zeros(tensors[name].ndim * (5,))}))
        assert f"1 of another shape (first: {told})" in self.refusal(spec, folder)

    def test_truncated_shard_is_refused(self, spec: EncoderSpec, write_checkpoint: Write) -> None:
        shard = write_checkpoint() / SHARDS[1]
        shard.write_bytes(shard.read_bytes()[:-100])
        assert f"{SHARDS[1]} is damaged" in self.refusal(spec, shard.parent)

    def test_absent_shard_is_refused(self, spec: EncoderSpec, write_checkpoint: Write) -> None:
        shard = write_checkpoint() / SHARDS[0]
        shard.unlink()
        assert f"names {SHARDS[0]} (1 absent)" in self.refusal(spec, shard.parent)

    def test_pickled_weights_are_refused_and_not_opened(self, spec: EncoderSpec, write_checkpoint: Write) -> None:
        folder = write_checkpoint()
        for path in folder.glob("*.safetensors*"):
            path.unlink()
        (folder / "pytorch_model.bin").write_bytes(b"\x80\x04never read")
        assert "as a pickle (pytorch_model.bin)" in self.refusal(spec, folder)

    def test_weights_beside_those_of_the_index_are_passed_over(
        self, spec: EncoderSpec, write_checkpoint: Write
    ) -> None:
        from safetensors.torch import save_file

        folder = write_checkpoint()
        name = next(iter(dict(read_tensors(folder))))
        save_file({name: torch.full((3, 3), 9.0)}, folder / "model_ema.safetensors", metadata={"format": "pt"})
        assert self.load(spec, folder).encode(CLIPS, [self.projected])[self.projected].tokens.isfinite().all()

    def test_shards_without_an_index_are_read(self, spec: EncoderSpec, write_checkpoint: Write) -> None:
        folder = write_checkpoint()
        wanted = self.load(spec, folder).encode(CLIPS, [self.projected])[self.projected].tokens
        (folder / "model.safetensors.index.json").unlink()
        assert torch.equal(self.load(spec, folder).encode(CLIPS, [self.projected])[self.projected].tokens, wanted)

    def test_a_wrapper_of_training_in_front_of_every_name_is_taken_away(
        self, spec: EncoderSpec, write_checkpoint: Write
    ) -> None:
        def wrap(tensors: dict[str, Tensor]) -> None:
            wrapped = {f"module.{name}": tensor for name, tensor in tensors.items()}
            tensors.clear()
            tensors.update(wrapped)

        wanted = self.load(spec, write_checkpoint()).encode(CLIPS, [self.projected])[self.projected].tokens
        found = self.load(spec, write_checkpoint(wrap)).encode(CLIPS, [self.projected])[self.projected].tokens
        assert torch.equal(found, wanted)

    def test_quantised_weights_are_refused(self, spec: EncoderSpec, write_checkpoint: Write) -> None:
        name = self.misshapen[0][0]
        folder = write_checkpoint(lambda tensors: tensors.update({name: torch.zeros(4, 4, dtype=torch.int8)}))
        assert "is stored as I8: the weights are quantised" in self.refusal(spec, folder)
        folder = write_checkpoint(quantization_config={"quant_method": "awq", "bits": 4})
        assert "has a quantization_config (awq): the weights are quantised" in self.refusal(spec, folder)

    def test_a_shard_that_is_a_pointer_or_a_link_to_nothing_is_refused(
        self, spec: EncoderSpec, write_checkpoint: Write
    ) -> None:
        shard = write_checkpoint() / SHARDS[1]
        shard.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
        assert "a Git LFS pointer, not the file" in self.refusal(spec, shard.parent)
        shard.unlink()
        shard.symlink_to("../../blobs/0123")
        assert "is a link to ../../blobs/0123, which is not there" in self.refusal(spec, shard.parent)

    def test_configuration_of_another_model_is_refused(
        self, spec: EncoderSpec, write_checkpoint: Write, refused: tuple[Mapping[str, Any], str]
    ) -> None:
        changes, told = refused
        assert told.format(spec=spec) in self.refusal(spec, write_checkpoint(**changes))


class BlueprintCheckpoints(CheckpointConformance):
    """The same of models that a plugin lays out itself, which reads tensors one by one."""

    reads: ClassVar[Mapping[str, str]]
    """Tap -> pattern of all published names that are read for it when nothing else was."""
    incomplete: ClassVar[tuple[str, str]]
    """Entry of the configuration, and the field in it that is taken away."""

    def test_only_the_needed_tensors_are_read(
        self, spec: EncoderSpec, write_checkpoint: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read: list[str] = []

        def watched(folder: Path, wanted: Callable[[str], bool]) -> Any:
            for name, tensor in read_tensors(folder, wanted):
                read.append(name)
                yield name, tensor

        monkeypatch.setattr("foresight_vlm_kit.blueprint.read_tensors", watched)
        encoder = self.load(spec, write_checkpoint())
        for tap, pattern in self.reads.items():
            encoder.encode(CLIPS, [tap])
            assert read
            assert [name for name in read if not re.fullmatch(pattern, name)] == []
            read.clear()

    def test_incomplete_configuration_is_refused(self, spec: EncoderSpec, write_checkpoint: Write) -> None:
        folder = write_checkpoint()
        config = json.loads((folder / "config.json").read_text())
        part, field = self.incomplete
        del config[part][field]
        (folder / "config.json").write_text(json.dumps(config))
        assert f"config.json lacks '{field}'" in self.refusal(spec, folder)
