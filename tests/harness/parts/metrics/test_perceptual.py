from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lpips
import pytest
import torch
from foresight_harness.contracts.errors import CheckpointError, DataError
from foresight_harness.parts.metrics import trunks
from foresight_harness.parts.metrics.perceptual import PerceptualDistance, build_lpips, build_random_trunk
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.image.lpips import _LPIPS

Place = Callable[[Any], Path]


@pytest.fixture(scope="module")
def random_trunk() -> PerceptualDistance:
    return build_random_trunk()


@pytest.fixture(scope="module")
def reference() -> lpips.LPIPS:
    """LPIPS as its package builds it, on a random AlexNet."""
    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")
        return lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Place:
    """Writes a trunk where torch would keep it, under a name that holds its true hash."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("FORESIGHT_WEIGHTS", raising=False)
    monkeypatch.setattr(trunks, "TRUNK_FILES", dict(trunks.TRUNK_FILES))

    def write(content: Any) -> Path:
        folder = tmp_path / "hub" / "checkpoints"
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(content, folder / "trunk.pth")
        digest = hashlib.sha256((folder / "trunk.pth").read_bytes()).hexdigest()
        trunks.TRUNK_FILES["alex"] = f"alexnet-owt-{digest[:8]}.pth"
        return (folder / "trunk.pth").rename(folder / trunks.TRUNK_FILES["alex"])

    return write


def torchvision_state(network: lpips.LPIPS) -> dict[str, Tensor]:
    """The trunk under torchvision's names, beside a classifier that nobody reads."""
    state = {f"features.{name.split('.', 1)[1]}": tensor for name, tensor in network.net.state_dict().items()}
    return state | {"classifier.6.bias": torch.zeros(1000)}


def test_lpips_equals_its_package_and_torchmetrics_on_one_trunk(
    place: Place, reference: lpips.LPIPS, clips: Tensor, noisy: Tensor
) -> None:
    place(torchvision_state(reference))
    found = build_lpips().per_frame(noisy, clips)
    pair = noisy.flatten(0, 1), clips.flatten(0, 1)
    with torch.no_grad():
        expected = reference(*pair, normalize=True).reshape(3, 2)
        with warnings.catch_warnings(), torch.random.fork_rng():
            warnings.simplefilter("ignore")
            other = _LPIPS(pretrained=True, net="alex", pnet_rand=True)
        other.net.load_state_dict(reference.net.state_dict())
        third = other(*pair, normalize=True).reshape(3, 2)
    assert (found.dtype, found.shape) == (torch.float64, (3, 2))
    assert float(found.min()) > 0
    torch.testing.assert_close(found.float(), expected, rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(found.float(), third, rtol=1e-4, atol=1e-7)


def test_random_trunk_equals_the_formula_on_its_own_weights(
    random_trunk: PerceptualDistance, clips: Tensor, noisy: Tensor
) -> None:
    """Unit-length features after each stage of VGG-16, squared difference, calibrated weights, mean over places."""
    weights = [tensor for name, tensor in random_trunk.network.named_parameters() if name.startswith("net.")]
    heads = torch.load(Path(lpips.__file__).parent / "weights/v0.1/vgg.pth", map_location="cpu", weights_only=True)
    shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])

    def features(pictures: Tensor) -> list[Tensor]:
        x = ((2 * pictures - 1) - shift.view(3, 1, 1)) / scale.view(3, 1, 1)
        stages, convolution = [], iter(zip(weights[::2], weights[1::2], strict=True))
        for stage, depth in enumerate((2, 2, 3, 3, 3)):
            x = F.max_pool2d(x, 2) if stage else x
            for _ in range(depth):
                weight, bias = next(convolution)
                x = F.relu(F.conv2d(x, weight, bias, padding=1))
            stages.append(F.normalize(x, dim=1))
        return stages

    expected = torch.zeros(3)
    for index, (a, b) in enumerate(zip(features(noisy[:, 0]), features(clips[:, 0]), strict=True)):
        weighted = (a - b).square() * heads[f"lin{index}.model.1.weight"]
        expected += weighted.sum(dim=1).mean(dim=(1, 2))
    torch.testing.assert_close(random_trunk.per_frame(noisy, clips)[:, 0].float(), expected, rtol=1e-4, atol=1e-7)


def test_two_constructions_are_bit_equal_silent_and_leave_the_global_generator(
    random_trunk: PerceptualDistance, clips: Tensor, noisy: Tensor, capfd: pytest.CaptureFixture[str]
) -> None:
    before = torch.random.get_rng_state()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = build_random_trunk()
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(second(noisy, clips), random_trunk(noisy, clips))
    assert capfd.readouterr() == ("", "")


def test_distance_to_itself_is_zero_and_a_sample_is_the_mean_of_its_frames(
    random_trunk: PerceptualDistance, clips: Tensor, noisy: Tensor
) -> None:
    assert random_trunk(clips, clips).tolist() == [0.0] * 3
    per_frame = random_trunk.per_frame(noisy, clips)
    torch.testing.assert_close(random_trunk(noisy, clips), per_frame.mean(1))
    assert random_trunk(noisy[:1, :1], clips[:1, :1]).shape == (1,)


def test_random_trunk_orders_strengths_of_one_distortion(
    random_trunk: PerceptualDistance, clips: Tensor, generator: torch.Generator
) -> None:
    noise = torch.randn(clips.shape, generator=generator)
    values = [random_trunk((clips + strength * noise).clamp(0, 1), clips) for strength in (0.02, 0.05, 0.1, 0.2)]
    assert bool((torch.stack(values).diff(dim=0) > 0).all())


def test_chunk_changes_memory_not_values(random_trunk: PerceptualDistance, clips: Tensor, noisy: Tensor) -> None:
    small = PerceptualDistance(random_trunk.network, "vgg", chunk=1)
    torch.testing.assert_close(small(noisy, clips), random_trunk(noisy, clips), rtol=1e-4, atol=1e-7)


def test_absent_trunk_is_named_with_the_folders_searched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("FORESIGHT_WEIGHTS", raising=False)
    with pytest.raises(CheckpointError, match=r"alexnet-owt-7be5be79.pth, not found in .*/hub/checkpoints"):
        build_lpips()


def test_trunk_of_another_hash_is_refused(place: Place, reference: lpips.LPIPS) -> None:
    path = place(torchvision_state(reference))
    path.write_bytes(path.read_bytes() + b"tail")
    with pytest.raises(CheckpointError, match="its name says"):
        build_lpips()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"features.0.weight": torch.zeros(64, 3, 11, 11)}, "is not torchvision's state dict: 'features.0.bias'"),
        ([1, 2], "is not torchvision's state dict"),
        (Path("code"), "is not torchvision's state dict: Weights only load failed"),
    ],
)
def test_file_that_is_no_trunk_is_refused_in_one_line(place: Place, content: Any, message: str) -> None:
    place(content)
    with pytest.raises(CheckpointError, match=message) as caught:
        build_lpips()
    assert "\n" not in str(caught.value)


def test_trunk_of_another_shape_is_refused(place: Place, reference: lpips.LPIPS) -> None:
    place(torchvision_state(reference) | {"features.0.weight": torch.zeros(64, 3, 7, 7)})
    with pytest.raises(CheckpointError, match=r"slice1.0.weight has shape \(64, 3, 7, 7\)"):
        build_lpips()


def test_range_and_size_are_guarded(random_trunk: PerceptualDistance, clips: Tensor) -> None:
    with pytest.raises(DataError, match="Divide by 255"):
        random_trunk(clips * 255, clips)
    with pytest.raises(DataError, match=r"needs sides of 16 px, got 40x15"):
        random_trunk(clips[..., :15], clips[..., :15])


def test_remembered_target_gives_the_same_values_and_notices_a_change() -> None:
    torch.manual_seed(0)
    target, other, output = (torch.rand(2, 1, 3, 32, 32) for _ in range(3))
    metric = build_random_trunk()
    first = metric(output, target)
    assert torch.equal(metric(output, target), first)
    metric(output, other)
    assert torch.equal(metric(output, target), first)
    target[0] = output[0]
    changed = metric(output, target)
    assert changed[0] == 0
    assert changed[1] == first[1]


def test_remembered_target_costs_no_second_pass_unless_the_chunk_changes(
    random_trunk: PerceptualDistance, clips: Tensor, noisy: Tensor
) -> None:
    metric = PerceptualDistance(random_trunk.network, "vgg", chunk=3)
    passes = 0

    def count(*_: object) -> None:
        nonlocal passes
        passes += 1

    handle = metric.network.get_submodule("net").register_forward_hook(count)
    try:
        counted = []
        for chunk in (3, 3, 2):
            metric.chunk, passes = chunk, 0
            metric(noisy, clips)
            counted.append(passes)
    finally:
        handle.remove()
    # Six frames: two chunks of three or three of two, for output and target, or for the output alone.
    assert counted == [4, 2, 6]
