"""Evaluation of any estimator, without a way for test data to leak into training."""

from . import baselines
from ._ablation import ablation
from ._harness import evaluate
from ._origin import check_split
from ._output import markdown_table, write_results
from ._protocols import (
    CrossSession,
    FixedTrials,
    LeaveOneSubjectOut,
    ShuffledWindows,
    SubjectKFold,
    TrialKFold,
)
from ._scores import scores, trial_vote
from ._statistics import compare, confusion, named_scores, per_subject, summarize
from ._store import read_results

__all__ = [
    "CrossSession",
    "FixedTrials",
    "LeaveOneSubjectOut",
    "ShuffledWindows",
    "SubjectKFold",
    "TrialKFold",
    "ablation",
    "baselines",
    "check_split",
    "compare",
    "confusion",
    "evaluate",
    "markdown_table",
    "named_scores",
    "per_subject",
    "read_results",
    "scores",
    "summarize",
    "trial_vote",
    "write_results",
]
