"""The wire format of protocol buffers, and of an ONNX graph the weights and who reads them.

Sources: protobuf.dev's "Encoding" page; onnx.proto3 for the numbers of the fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foresight_harness.contracts.errors import CheckpointError

MODEL_GRAPH, GRAPH_NODE, GRAPH_INITIALIZER = 7, 1, 5
NODE_INPUT, NODE_NAME, NODE_KIND = 1, 3, 4
TENSOR_DIMS, TENSOR_DTYPE, TENSOR_NAME, TENSOR_RAW = 1, 2, 8, 9
FLOAT32 = 1
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5


class Node(NamedTuple):
    """One operation of a graph."""

    name: str
    kind: str
    inputs: tuple[str, ...]


class Graph(NamedTuple):
    """Weights by name, and the operations in their order."""

    weights: dict[str, NDArray[np.float32]]
    nodes: tuple[Node, ...]


def fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    """Field numbers and values of one message: an int for a varint, else the bytes.

    Raises:
        ValueError: where the message ends within a field or uses a type that the format has given up.
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        if key & 7 == VARINT:
            value, place = _varint(message, place)
            yield key >> 3, value
            continue
        if key & 7 == LENGTH:
            size, place = _varint(message, place)
        elif key & 7 in (FIXED64, FIXED32):
            size = 8 if key & 7 == FIXED64 else 4
        else:
            raise ValueError(f"field of type {key & 7} at byte {place}")
        if place + size > len(message):
            raise ValueError(f"it ends within a field at byte {place}")
        yield key >> 3, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            break
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ValueError(f"no end of a number at byte {place}")


def read_onnx(content: bytes, what: str) -> Graph:
    """The float32 weights and the operations of an ONNX model.

    Raises:
        CheckpointError: if it is cut, is no such model, or a weight's size contradicts its shape.
    """
    weights: dict[str, NDArray[np.float32]] = {}
    nodes: list[Node] = []
    try:
        for number, graph in fields(memoryview(content)):
            if number == MODEL_GRAPH:
                for kind, part in fields(graph):
                    if kind == GRAPH_NODE:
                        nodes.append(_node(part))
                    elif kind == GRAPH_INITIALIZER:
                        weights.update(_weight(part))
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{what} is no ONNX model that can be read: {error}") from None
    if not weights:
        raise CheckpointError(f"{what} holds no weights")
    return Graph(weights, tuple(nodes))


def _node(message: memoryview) -> Node:
    found: dict[int, list[str]] = {}
    for number, value in fields(message):
        if number in (NODE_INPUT, NODE_NAME, NODE_KIND):
            found.setdefault(number, []).append(bytes(value).decode("utf-8", "replace"))
    return Node("".join(found.get(NODE_NAME, ())), "".join(found.get(NODE_KIND, ())), tuple(found.get(NODE_INPUT, ())))


def _weight(message: memoryview) -> dict[str, NDArray[np.float32]]:
    """One tensor; nothing where it holds no float32 (shapes and indices of the graph)."""
    shape: list[int] = []
    name, dtype, raw = "", 0, memoryview(b"")
    for number, value in fields(message):
        if number == TENSOR_DIMS:
            shape += [value] if isinstance(value, int) else _packed(value)
        elif number == TENSOR_DTYPE:
            dtype = value
        elif number == TENSOR_NAME:
            name = bytes(value).decode("utf-8", "replace")
        elif number == TENSOR_RAW:
            raw = value
    if dtype != FLOAT32:
        return {}
    return {name: np.frombuffer(raw, "<f4").reshape(shape)}


def _packed(message: memoryview) -> list[int]:
    found, place = [], 0
    while place < len(message):
        value, place = _varint(message, place)
        found.append(value)
    return found
