"""Files that torchvision publishes: one a model, whose name carries the start of its sha256."""

from __future__ import annotations

from functools import partial

from foresight_harness import CheckpointError, PublishedFile, PublishedWeights

LICENSE = "BSD-3-Clause (torchvision's weights; the terms of ImageNet apply to what they were trained on)"

HASHES = {
    "alexnet-owt-7be5be79.pth": "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
    "vgg16-397923af.pth": "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
}
"""Whole sha256 of files of torchvision, each found in two public sources; of the others the first digits stand in the
name."""


def published_weights(model: str, file: str, size: int | None = None) -> PublishedWeights:
    """What torchvision publishes of a model: one file, whose name carries the start of its sha256."""
    entry = PublishedFile(file, HASHES.get(file, ""), size)
    return PublishedWeights(
        f"torchvision:{model}", "torchvision", LICENSE, (entry,), address=partial(address_of, model, file)
    )


def address_of(model: str, file: str) -> str:
    """torchvision knows where its files lie. Raises: CheckpointError where this version publishes another file."""
    from torchvision import models

    addresses = [str(entry.url) for entry in models.get_model_weights(model)]
    found = [address for address in addresses if address.endswith(f"/{file}")]
    if not found:
        raise CheckpointError(f"torchvision {model}: {file} is not among what this version publishes")
    return found[0]
