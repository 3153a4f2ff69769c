"""Whether a file of EDF or BDF is as long as its own header says."""

from pathlib import Path

#: Bytes of a value.
_SIZES = {".edf": 2, ".bdf": 3}


def check_whole(path):
    """Raise ValueError if a file of EDF or BDF was cut off; others pass.

    Parameters
    ----------
    path : path-like
        The file. MNE reads what there is of it, and only warns.
    """
    path = Path(path)
    size = _SIZES.get(path.suffix.lower())
    if size is None:
        return
    try:
        expected = _expected(path, size)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} cannot be read as {path.suffix[1:].upper()}: {error}. It may have been cut "
            "off in the transfer; remove it and get it again."
        ) from error
    found = path.stat().st_size
    if found < expected:
        raise ValueError(
            f"{path} has {found} bytes, but its header speaks of {expected}: it was cut off. "
            "Remove it and get it again."
        )


def _expected(path, size):
    with path.open("rb") as file:
        main = file.read(256)
        n_bytes, n_records, n_signals = (
            int(main[at : at + n]) for at, n in ((184, 8), (236, 8), (252, 4))
        )
        file.seek(256 + 216 * n_signals)
        samples = [int(file.read(8)) for _ in range(n_signals)]
    # -1 records: the recorder never came to the end.
    return n_bytes + max(n_records, 0) * size * sum(samples)
