"""Files of the Hub's DINOv2 repositories: commits and hashes, each found in two public sources; empty where not."""

from __future__ import annotations

from foresight_harness import PublishedFile, PublishedWeights

LICENSE = "Apache-2.0"
WEIGHTS = "model.safetensors"


def _row(name: str, commit: str, weights: tuple[str, int], config: tuple[str, int]) -> PublishedWeights:
    files = (PublishedFile("config.json", *config), PublishedFile(WEIGHTS, *weights))
    return PublishedWeights(f"dinov2_{name}", f"facebook/dinov2-{name}", LICENSE, files, commit=commit)


HUB = {
    row.name: row
    for row in (
        _row(
            "small",
            "ed25f3a31f01632728cabb09d1542f84ab7b0056",
            ("ae1e99fcefd534ed978cdeb8326f08030c96e28b7a81ffcbc98a857c84d14be1", 88_249_960),
            ("1809f83e3bdb1609a501a610ad4a742f4fd8ae44d72ca4aa0df52d1f2ac8628d", 547),
        ),
        _row(
            "base",
            "f9e44c814b77203eaa57a6bdbbd535f21ede1415",
            ("d73036b56966966d07975d696bde331762f37297e2f095de8cea0040c3aa0841", 346_345_912),
            ("f7ff4cfa73d2f70647dbf6950541ad25d73082d54c2e7e9bded160c7656b2a70", 548),
        ),
        _row(
            "large",
            "47b73eefe95e8d44ec3623f8890bd894b6ea2d6c",
            ("399fba97a95f22c36834418bc69373364a99af3a1153da1c0fb31db567c92e23", 1_217_522_888),
            ("12df51c069a2dc1305e34ba71ef58bc2407ea553b75f4722a1715c1bce3bbed0", 549),
        ),
        _row(
            "giant",
            "611a9d42f2335e0f921f1e313ad3c1b7178d206d",
            ("917d3c470db999d32a312f8542149be91c7cbac61ee8fb4b67ae3d82b79ce21f", 4_546_005_432),
            ("", 548),
        ),
    )
}
"""By the encoder's name. The repositories of models with registers are known to no public source that was found."""
