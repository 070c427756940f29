"""The built-in data sets as specs. Nothing here imports torch or opens a picture; ``build`` does."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from foresight_harness.contracts.specs import DataRequest, DatasetSpec

if TYPE_CHECKING:
    from foresight_harness.contracts.protocols import Dataset


DRAWN_ORACLE_IOU = 0.85
"""Of drawn objects with tight boxes: a perfect mask scores 0.89 on ``shapes`` and 0.94 on ``kinds``."""


def dataset_specs() -> tuple[DatasetSpec, ...]:
    """The built-in data sets: the user's own (``coco``, ``folder``, ``hf``, ``davis``, ``video``), pictures (``coins``,
    ``digits``, ``photos``, ``shapes``, ``one_shape``, ``kinds`` and its variants) and clips (``moving_digits``,
    ``moving_shapes``, ``moving_shapes_17``, ``moving_kinds``, ``bouncing_balls``, ``debug_clips``)."""
    return (*_picture_specs(), *_own_pictures(), *_kind_specs(), *_clip_specs())


def _picture_specs() -> tuple[DatasetSpec, ...]:
    return (
        DatasetSpec(
            name="coco",
            build=_coco,
            labels=frozenset({"boxes", "masks"}),
            needs_path=True,
            source="coco:DIR or coco:FILE.json, a folder or file of annotations in any layout of COCO exports",
        ),
        DatasetSpec(
            name="coins",
            build=_coins,
            labels=frozenset({"boxes", "masks"}),
            license="no known restrictions (Brooklyn Museum)",
            source="scikit-image data/coins.png: rotated crops, coins segmented by Otsu's threshold",
        ),
        DatasetSpec(
            name="digits",
            build=_digits,
            labels=frozenset({"boxes", "masks"}),
            license="CC BY 4.0 (Alpaydin and Kaynak 1998, UCI Machine Learning Repository)",
            source="scikit-learn's scans of handwritten digits, enlarged, at random places",
        ),
        DatasetSpec(
            name="photos",
            build=_photos,
            license="CC0, CC BY 2.0 or public domain, a photograph",
            source="photographs inside the wheels of scikit-image and scikit-learn: square crops",
        ),
        DatasetSpec(
            name="shapes",
            build=_shapes,
            labels=frozenset({"boxes", "masks"}),
            license="Apache-2.0",
            source="drawn: one to five objects on a textured, noisy background",
            oracle_iou=DRAWN_ORACLE_IOU,
        ),
        DatasetSpec(
            name="one_shape",
            build=_one_shape,
            labels=frozenset({"boxes", "masks"}),
            license="Apache-2.0",
            source="drawn: one object on a textured, noisy background",
            oracle_iou=DRAWN_ORACLE_IOU,
        ),
    )


def _kind_specs() -> tuple[DatasetSpec, ...]:
    """``kinds`` shows four objects, ``kinds_N`` shows N; ``kinds_all`` gives all objects of ``kinds`` boxes."""
    return (
        _kind_spec("kinds", "the star among three other kinds"),
        _kind_spec("kinds_1", "a star alone", shown=1),
        _kind_spec("kinds_2", "the star beside one other kind", shown=2),
        _kind_spec("kinds_3", "the star among two other kinds", shown=3),
        _kind_spec("kinds_5", "the star among four other kinds", shown=5),
        _kind_spec(
            "kinds_all", "the pictures of kinds, each of the four objects with its box and label", everything=True
        ),
    )


def _kind_spec(name: str, shows: str, *, shown: int = 4, everything: bool = False) -> DatasetSpec:
    return DatasetSpec(
        name=name,
        build=partial(_kinds, name=name, shown=shown, everything=everything),
        labels=frozenset({"boxes", "masks"}),
        license="Apache-2.0",
        source=f"drawn: {shows} on a textured, noisy background; colour, contrast, size and turn tell no kind",
        oracle_iou=DRAWN_ORACLE_IOU,
    )


def _own_pictures() -> tuple[DatasetSpec, ...]:
    return (
        DatasetSpec(
            name="folder",
            build=_folder,
            needs_path=True,
            source="a folder DIR of pictures given as folder:DIR, without boxes",
        ),
        DatasetSpec(
            name="hf",
            build=_hf,
            labels=frozenset({"boxes"}),
            labels_at=_labels_of_hf,
            needs_path=True,
            path_is_name=True,
            source="hf:NAME on the Hub or hf:PATH, through the datasets library; boxes where there is a column objects",
        ),
    )


def _clip_specs() -> tuple[DatasetSpec, ...]:
    return (
        DatasetSpec(
            name="davis",
            build=_davis,
            labels=frozenset({"boxes", "masks", "motion"}),
            needs_path=True,
            video=True,
            source="a folder DIR given as davis:DIR, in DAVIS's layout with its masks",
        ),
        DatasetSpec(
            name="video",
            build=_video,
            labels=frozenset({"motion"}),
            needs_path=True,
            video=True,
            source="video:DIR, a folder DIR of clips: Something-Something v2, UCF101, DAVIS, or any video files",
        ),
        DatasetSpec(
            name="moving_digits",
            build=_moving_digits,
            labels=frozenset({"boxes", "masks", "motion"}),
            video=True,
            license="CC BY 4.0 (Alpaydin and Kaynak 1998, UCI Machine Learning Repository)",
            source="scikit-learn's scans of handwritten digits, moving in one of eight directions",
        ),
        DatasetSpec(
            name="moving_shapes",
            build=_moving_shapes,
            labels=frozenset({"boxes", "masks", "motion"}),
            video=True,
            license="Apache-2.0",
            source="drawn: an object moving in one of eight directions on a textured, noisy background",
        ),
        DatasetSpec(
            name="moving_shapes_17",
            build=_long_moving_shapes,
            labels=frozenset({"boxes", "masks", "motion"}),
            video=True,
            license="Apache-2.0",
            source="drawn: moving_shapes in 17 frames, nine to be seen and eight to come",
        ),
        DatasetSpec(
            name="moving_kinds",
            build=_moving_kinds,
            labels=frozenset({"boxes", "masks", "motion"}),
            video=True,
            license="Apache-2.0",
            source="drawn: the star among four kinds that move in as many directions on a textured, noisy background",
        ),
        DatasetSpec(
            name="bouncing_balls",
            build=_bouncing_balls,
            labels=frozenset({"boxes", "masks", "motion"}),
            video=True,
            license="Apache-2.0",
            source="drawn: two to four balls that bounce off each other and off the edges, without loss",
        ),
        DatasetSpec(
            name="debug_clips",
            build=_debug_clips,
            labels=frozenset({"boxes", "masks", "motion"}),
            video=True,
            license="Apache-2.0",
            source="drawn: ten kinds of clips in turns, for looking at a pipeline before it is measured",
        ),
    )


def _coco(request: DataRequest) -> Dataset:
    from foresight_harness.parts.datasets.coco import CocoFolder

    return CocoFolder.open(request)


def _folder(request: DataRequest) -> Dataset:
    from foresight_harness.parts.datasets.folder import PictureFolder

    return PictureFolder.open(request)


def _hf(request: DataRequest) -> Dataset:
    from foresight_harness.parts.datasets.hub import HubSet

    return HubSet.open(request)


def _labels_of_hf(path: str) -> frozenset[str]:
    from foresight_harness.parts.datasets.hub_columns import labels_at

    return labels_at(path)


def _coins(request: DataRequest) -> Dataset:
    from foresight_harness.parts.datasets.coins import Coins

    return Coins(request)


def _photos(request: DataRequest) -> Dataset:
    from foresight_harness.parts.datasets.photos import Photos

    return Photos(request)


def _shapes(request: DataRequest) -> Dataset:
    from foresight_harness.parts.datasets.shapes import Shapes

    return Shapes(request)


def _one_shape(request: DataRequest) -> Dataset:
    from foresight_harness.parts.datasets.shapes import OneShape

    return OneShape(request)


def _kinds(request: DataRequest, *, name: str, shown: int, everything: bool) -> Dataset:
    from foresight_harness.parts.datasets.kinds import Kinds

    return Kinds(request, name=name, shown=shown, everything=everything)


def _digits(request: DataRequest) -> Dataset:
    from foresight_harness.parts.datasets.digits import Digits

    return Digits(request)


def _moving_digits(request: DataRequest) -> Dataset:
    from foresight_harness.parts.datasets.moving_digits import MovingDigits

    return MovingDigits(request)


def _moving_shapes(request: DataRequest) -> Dataset:
    from foresight_harness.parts.datasets.moving_shapes import MovingShapes

    return MovingShapes(request)


def _long_moving_shapes(request: DataRequest) -> Dataset:
    from foresight_harness.parts.datasets.moving_shapes import LongMovingShapes

    return LongMovingShapes(request)


def _moving_kinds(request: DataRequest) -> Dataset:
    from foresight_harness.parts.datasets.moving_kinds import MovingKinds

    return MovingKinds(request)


def _davis(request: DataRequest) -> Dataset:
    from foresight_harness.parts.datasets.video import VideoFolder

    return VideoFolder.open("davis", request)


def _video(request: DataRequest) -> Dataset:
    from foresight_harness.parts.datasets.video import VideoFolder

    return VideoFolder.open("video", request)


def _bouncing_balls(request: DataRequest) -> Dataset:
    from foresight_harness.parts.datasets.bouncing_balls import BouncingBalls

    return BouncingBalls(request)


def _debug_clips(request: DataRequest) -> Dataset:
    from foresight_harness.parts.datasets.clip_kinds import DebugClips

    return DebugClips(request)
