"""Which files of a data set are of which subject and session."""

from .._checks import listed
from ._trials import chosen


def number_sessions(*folders):
    """Number the recordings of each subject by date, alike in several folders.

    Parameters
    ----------
    *folders : dict of (subject, date) -> Path
        Files of one folder each. A folder may lack some of the recordings.

    Returns
    -------
    files : list of dict of (subject, session) -> Path
        One for each folder; sessions count from 1, over the dates of all folders.
    """
    dates = {}
    for subject, date in sorted({key for folder in folders for key in folder}):
        dates.setdefault(subject, []).append(date)
    return [
        {(s, dates[s].index(date) + 1): file for (s, date), file in sorted(folder.items())}
        for folder in folders
    ]


def asked_for(files, subjects, sessions):
    """Keys (subject, session) that were asked for, each of which must be there.

    Parameters
    ----------
    files : dict of (subject, session) -> object
        What can be had.
    subjects, sessions : sequence of int | None
        None for all; a session that was named must be there for every subject.
    """
    subjects = chosen({key[0] for key in files}, subjects, "subjects")
    wanted = chosen({key[1] for key in files}, sessions, "sessions")
    keys = []
    for subject in subjects:
        own = sorted(n for s, n in files if s == subject)
        lacking = [n for n in wanted if n not in own]
        if lacking and sessions is not None:
            raise ValueError(
                f"sessions={wanted}: subject {subject} has no session {listed(lacking)}, only "
                f"{listed(own)}. Give subjects= that have all of them, or leave sessions out."
            )
        keys += [(subject, n) for n in wanted if n in own]
    return keys


def check_paired(raw, keys, name):
    """Raise FileNotFoundError if there are signals of some recordings, but not of others.

    Parameters
    ----------
    raw : dict of (subject, session) -> Path
        Files of signals; none at all is allowed.
    keys : list of (subject, session)
        Recordings whose features are read.
    name : str
        Of the data set.
    """
    lacking = [key for key in keys if key not in raw]
    if lacking and len(lacking) < len(keys):
        subject, session = lacking[0]
        raise FileNotFoundError(
            f"{name}: {len(lacking)} of {len(keys)} recordings have features but no signals, the "
            f"first one subject {subject}, session {session}. Get their files, or read those "
            "with signals and those without by themselves: subjects=, sessions=."
        )
