"""Statistics of per-sample values: intervals, paired comparisons, families of tests. Pure numpy."""

from __future__ import annotations

from foresight_harness.parts.statistics.board import Board, judge_board
from foresight_harness.parts.statistics.bootstrap import Estimate, Resamples, bootstrap_mean, bootstrap_means, resamples
from foresight_harness.parts.statistics.corpus import bootstrap_corpus, hierarchical_corpus
from foresight_harness.parts.statistics.corpus_evidence import CorpusEvidence, corpus_evidence, corpus_interval
from foresight_harness.parts.statistics.evidence import MeanEvidence, mean_evidence
from foresight_harness.parts.statistics.families import Comparison, compare_family
from foresight_harness.parts.statistics.hierarchical import hierarchical_mean
from foresight_harness.parts.statistics.interval import Interval
from foresight_harness.parts.statistics.letters import compact_letters
from foresight_harness.parts.statistics.mean_interval import MeanInterval, SeedVariance, mean_interval
from foresight_harness.parts.statistics.multiple import benjamini_hochberg, holm
from foresight_harness.parts.statistics.paired import Paired, flips_needed, paired_difference, paired_differences
from foresight_harness.parts.statistics.planning import least_n, needed_n
from foresight_harness.parts.statistics.power import (
    detectable_beyond,
    minimum_detectable_effect,
    samples_needed,
    samples_to_detect,
    standard_error,
)
from foresight_harness.parts.statistics.ranking import TieGroup, tie_groups
from foresight_harness.parts.statistics.seeded import Seeded, difference_over_seeds

__all__ = [
    "Board",
    "Comparison",
    "CorpusEvidence",
    "Estimate",
    "Interval",
    "MeanEvidence",
    "MeanInterval",
    "Paired",
    "Resamples",
    "SeedVariance",
    "Seeded",
    "TieGroup",
    "benjamini_hochberg",
    "bootstrap_corpus",
    "bootstrap_mean",
    "bootstrap_means",
    "compact_letters",
    "compare_family",
    "corpus_evidence",
    "corpus_interval",
    "detectable_beyond",
    "difference_over_seeds",
    "flips_needed",
    "hierarchical_corpus",
    "hierarchical_mean",
    "holm",
    "judge_board",
    "least_n",
    "mean_evidence",
    "mean_interval",
    "minimum_detectable_effect",
    "needed_n",
    "paired_difference",
    "paired_differences",
    "resamples",
    "samples_needed",
    "samples_to_detect",
    "standard_error",
    "tie_groups",
]
