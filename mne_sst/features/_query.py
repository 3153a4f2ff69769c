"""Windows chosen by what the metadata say of them."""

import numpy as np

from .._checks import listed


def rows_of_query(query, metadata):
    """Rows that fit a query such as ``"emotion == 'neutral'"``, as `pandas.DataFrame.query` has it.

    Parameters
    ----------
    query : str
        The query.
    metadata : DataFrame | None
        A row a window.

    Returns
    -------
    rows : array of int

    Raises
    ------
    KeyError
        If there are no metadata, or they cannot answer.
    """
    if metadata is None:
        raise KeyError(f"{query!r} asks for metadata, and these features have none.")
    table = metadata.reset_index(drop=True)
    try:
        found = table.query(query, engine="python")
        return np.asarray(found.index, dtype=int)
    except Exception as error:
        raise KeyError(
            f'{query!r} is no query of the metadata, such as "trial == 3"; they have the columns '
            f"{listed(table.columns)} ({error})."
        ) from error
