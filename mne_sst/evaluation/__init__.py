"""Evaluation of any estimator, without a way for test data to leak into training."""

from . import baselines
from ._ablation import ablation
from ._harness import evaluate
from ._protocols import (
    CrossSession,
    FixedTrials,
    LeaveOneSubjectOut,
    SubjectKFold,
    TrialKFold,
    check_split,
)
from ._scores import scores, trial_vote
from ._statistics import compare, confusion, per_subject, summarize

__all__ = [
    "CrossSession",
    "FixedTrials",
    "LeaveOneSubjectOut",
    "SubjectKFold",
    "TrialKFold",
    "ablation",
    "baselines",
    "check_split",
    "compare",
    "confusion",
    "evaluate",
    "per_subject",
    "scores",
    "summarize",
    "trial_vote",
]
