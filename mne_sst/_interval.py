"""Mean and confidence interval over subjects."""

import numpy as np
from scipy import stats


def interval(values, confidence=0.95):
    """Mean, standard deviation (n - 1) and confidence interval by Student's t.

    Parameters
    ----------
    values : array, shape (n,)
        One a subject.
    confidence : float
        Of the interval.

    Returns
    -------
    summary : dict
        ``mean, std, low, high``; all but the mean are NaN for one value.
    """
    n, mean = len(values), values.mean()
    std = values.std(ddof=1) if n > 1 else np.nan
    half = stats.t.ppf((1 + confidence) / 2, n - 1) * std / np.sqrt(n) if n > 1 else np.nan
    return {"mean": mean, "std": std, "low": mean - half, "high": mean + half}
