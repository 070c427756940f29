"""The wire reader against messages written by hand, and against damage."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness import CheckpointError
from foresight_harness.parts.weights.fetching.protobuf import fields, read_onnx


def varint(value: int) -> bytes:
    """Seven bits a byte, lowest first."""
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def number(field: int, value: int) -> bytes:
    """A field that is a varint."""
    return varint(field << 3) + varint(value)


def block(field: int, content: bytes) -> bytes:
    """A field that is text, bytes or a message."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def tensor(name: str, values: np.ndarray, *, packed: bool) -> bytes:
    """``TensorProto`` of float32."""
    shape = block(1, b"".join(map(varint, values.shape))) if packed else b"".join(number(1, n) for n in values.shape)
    return shape + number(2, 1) + block(8, name.encode()) + block(9, values.astype("<f4").tobytes())


def model(*parts: bytes) -> bytes:
    """``ModelProto`` with a producer's name before and a version after the graph."""
    return block(2, b"someone") + block(7, b"".join(parts)) + number(1, 8)


def test_the_example_of_the_encoding_page_reads_150() -> None:
    assert list(fields(memoryview(b"\x08\x96\x01"))) == [(1, 150)]


def test_fixed_widths_and_text_are_kept_as_bytes() -> None:
    message = bytes([1 << 3 | 5]) + b"abcd" + bytes([2 << 3 | 1]) + b"12345678" + block(300, b"testing")
    assert [(key, bytes(value)) for key, value in fields(memoryview(message))] == [
        (1, b"abcd"),
        (2, b"12345678"),
        (300, b"testing"),
    ]


@pytest.mark.parametrize("packed", [True, False])
def test_weights_and_operations_are_read(packed: bool) -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    node = block(1, b"input") + block(1, b"w") + block(2, b"out") + block(3, b"/layer.0/MatMul") + block(4, b"MatMul")
    whole = number(1, 2) + number(2, 7) + block(8, b"an index") + block(9, bytes(16))
    graph = read_onnx(model(block(1, node), block(5, tensor("w", values, packed=packed)), block(5, whole)), "it")
    assert list(graph.weights) == ["w"]
    np.testing.assert_array_equal(graph.weights["w"], values)
    assert graph.nodes == (("/layer.0/MatMul", "MatMul", ("input", "w")),)


def test_a_cut_model_is_refused_at_every_length() -> None:
    whole = model(block(5, tensor("w", np.ones((4, 4)), packed=True)))
    for length in range(len(whole) - 2):
        with pytest.raises(CheckpointError) as caught:
            read_onnx(whole[:length], "it")
        assert "\n" not in str(caught.value)


def test_a_weight_whose_bytes_contradict_its_shape_is_refused() -> None:
    wrong = number(1, 5) + number(2, 1) + block(8, b"w") + block(9, bytes(16))
    with pytest.raises(CheckpointError, match="no ONNX model that can be read"):
        read_onnx(model(block(5, wrong)), "it")


@pytest.mark.parametrize("content", [b"\xff" * 40, bytes([1 << 3 | 3]) * 4, block(7, b"") + b"\x80"])
def test_what_is_no_such_message_is_refused(content: bytes) -> None:
    with pytest.raises(CheckpointError, match="no ONNX model"):
        read_onnx(content, "it")
