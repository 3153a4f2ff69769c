"""The ablation of the paper, as named estimators."""

from sklearn.base import clone

#: Name -> parameters, in the order of the paper's table.
ABLATION = {
    "both streams, both attentions": {"streams": "both", "attention": "both"},
    "spectral stream": {"streams": "spectral", "attention": "both"},
    "temporal stream": {"streams": "temporal", "attention": "both"},
    "depth attention": {"streams": "both", "attention": "depth"},
    "spatial attention": {"streams": "both", "attention": "spatial"},
    "no attention": {"streams": "both", "attention": "none"},
}


def ablation(estimator):
    """Return the variants of an estimator that the paper's ablation compares [1]_.

    Parameters
    ----------
    estimator : SSTClassifier
        Not changed; anything with parameters ``streams`` and ``attention``.

    Returns
    -------
    estimators : dict of str -> estimator
        For `evaluate`: both streams, each alone, and one kind of attention or none.

    References
    ----------
    .. [1] Jia et al. (2020). SST-EmotionNet. ACM MM, 2909-2917.
           doi:10.1145/3394171.3413724

    Examples
    --------
    >>> from mne_sst import SSTClassifier
    >>> from mne_sst.evaluation import ablation
    >>> len(ablation(SSTClassifier()))
    6
    """
    lacking = {"streams", "attention"} - set(estimator.get_params())
    if lacking:
        raise TypeError(
            f"estimator must have the parameters streams and attention, {type(estimator).__name__} "
            f"lacks {', '.join(sorted(lacking))}."
        )
    return {name: clone(estimator).set_params(**params) for name, params in ABLATION.items()}
