from __future__ import annotations

import subprocess
import sys

from foresight_vlm_kit.taps import blocks_needed, llm_depths, llm_taps, tower_taps


def test_names_and_sizes_and_presets_need_no_torch() -> None:
    code = "import sys, foresight_vlm_kit.presets, foresight_vlm_kit.taps; "
    code += "print(sorted({'torch', 'transformers', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_blocks_are_counted_from_0_and_language_states_from_1() -> None:
    tower, language = tower_taps(2, 8, 14), llm_taps(2, 16, 28, stride_frames=2)
    assert [tap.name for tap in (*tower, *language)] == ["patch_embed", "block.00", "block.01", "llm.01", "llm.02"]
    assert [(tap.width, tap.stride_px, tap.stride_frames) for tap in (tower[1], language[0])] == [
        (8, 14, 1),
        (16, 28, 2),
    ]


def test_depths_are_those_of_the_taps_that_are_asked_for() -> None:
    taps = ["llm.12", "block.06", "post_merge", "llm.03", "llm.12", "block.02"]
    assert llm_depths(taps) == [3, 12]
    assert blocks_needed(taps) == 7
    assert (llm_depths(["post_merge"]), blocks_needed(["post_merge"])) == ([], 0)
