"""What is known of each data set, in short; the cards tell more."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ._eegbci import KEY, fetch_eegbci
from ._eegmat import fetch_eegmat
from ._emoeeg_mc import fetch_emoeeg_mc
from ._faced import read_faced
from ._fetch import data_folder, spelled
from ._ratings import read_deap, read_dreamer
from ._seed import read_seed, read_seed_iv
from ._seed_v import read_seed_v
from ._seed_vig import read_seed_vig
from ._simulate import simulate_emotion
from ._trials import whole_numbers


@dataclass(frozen=True)
class DataSet:
    """A data set of the field.

    Attributes
    ----------
    title : str
        Its usual name.
    access : {"open", "closed"}
        Whether anyone may have it, or only who signed for it.
    licence, url : str
        Terms, and where it is.
    n_subjects, n_channels : int
        Size.
    target : str
        Column of the metadata that is usually predicted.
    read : callable
        ``read(root, subjects, **params)`` gives Epochs; ``root`` None stands for MNE's data
        folder, to which open sets are downloaded.
    folder : str
        Name in MNE's data folder; without regard to case, hyphens, underscores and blanks.
    files : tuple of str
        Patterns of its files of signals below that.
    subject : str
        Expression that finds the subject in a name.
    n_train : int | None
        First trials of a session that are customarily trained on.
    official_files : tuple of str
        Patterns of the features that came with it, if any.
    official_subject : str
        Expression for their names, where it is another.
    pickled : bool
        Whether files are pickles.
    first : int
        Number of the first subject.
    left_out : tuple of int
        Subjects that do not go together with the others.
    key : str | None
        Of MNE's configuration, for its folder.
    n_files : int
        Files of signals that a subject must have.
    """

    title: str
    access: str
    licence: str
    url: str
    n_subjects: int
    n_channels: int
    target: str
    read: Callable
    folder: str
    files: tuple
    subject: str
    n_train: int | None = None
    official_files: tuple = ()
    official_subject: str = ""
    pickled: bool = False
    first: int = 1
    left_out: tuple = ()
    key: str | None = None
    n_files: int = 1

    def all_subjects(self):
        """Numbers of all subjects that go together."""
        numbers = range(self.first, self.first + self.n_subjects)
        return [number for number in numbers if number not in self.left_out]

    def folder_of(self, root):
        """What to give to ``read``: fetchers find MNE's data folder by themselves."""
        # MNE looks for a layout of several folders below the root by itself, and downloads to it.
        own = self.access == "open" and (root is None or "/" in self.folder)
        return root if own else self.where(root)

    def choose(self, root, subjects, official=False):
        """Return the subjects to read, or say how to get the set if there are none.

        Without a ``root``, all of an open set: what is missing is downloaded.
        """
        if subjects is None:
            fetched = self.access == "open" and root is None
            subjects = self.all_subjects() if fetched else self.subjects(root, official)
            subjects = [s for s in subjects if s not in self.left_out]
        else:
            subjects = whole_numbers(subjects, "subjects", self.all_subjects())
        if not subjects:
            raise FileNotFoundError(
                f"{self.title}: nothing of it in {self.where(root)}. Get it from {self.url} "
                f"({self.licence}) and give its folder as root."
            )
        return subjects

    def where(self, root=None):
        """Folder in which it is looked for: ``root``, or that of the set in ``root``."""
        folder = data_folder(self.folder, root, self.key)
        inner = spelled(folder, self.folder)
        return inner if not self._files_in(folder) and inner.is_dir() else folder

    def _files_in(self, folder, official=None):
        patterns = () if official else self.files
        patterns += () if official is False else self.official_files
        return [file for pattern in patterns for file in folder.glob(pattern)]

    def subjects(self, root=None, official=None):
        """Return the subjects whose files are there, in order.

        Of signals, of ``official`` features, or, for None, of one or the other.
        """
        files = self._files_in(self.where(root), official)
        if not self.subject:  # one file for all, or none at all
            return self.all_subjects() if files or not self.files else []
        expression = "|".join(filter(None, (self.subject, self.official_subject)))
        matches = (re.search(expression, f.name) for f in files)
        found = Counter(int(match[match.lastindex]) for match in matches if match)
        return sorted(subject for subject, n_files in found.items() if n_files >= self.n_files)


def _local(reader):
    """A reader of a closed set, looked for in MNE's data folder where no root is given."""

    def read(root, subjects, **params):
        return reader(Path(root), subjects, **params)

    return read


def _fetched(fetcher):
    def read(root, subjects, **params):
        return fetcher(subjects, path=root, **params)

    return read


def _simulated(root, subjects, **params):
    given = sorted({"window", "overlap"} & set(params))
    if given:
        raise ValueError(f"{given[0]}: simulated windows are of 1 s, side by side; leave it out.")
    epochs = simulate_emotion(n_subjects=max(subjects), n_sessions=2, **params)
    return epochs[epochs.metadata["subject"].isin(subjects).to_numpy()]


_SJTU = "for research, on application to BCMI, Shanghai Jiao Tong University"

#: Name -> data set.
SETS = {
    "simulated": DataSet(
        title="Simulated emotions",
        access="open",
        licence="none needed",
        url="made by mne_sst.datasets.simulate_emotion",
        n_subjects=3,
        n_channels=62,
        target="emotion",
        read=_simulated,
        folder="simulated",
        files=(),
        subject="",
        n_train=9,
    ),
    "eegmat": DataSet(
        title="EEGMAT",
        access="open",
        licence="ODC-By 1.0",
        url="https://physionet.org/content/eegmat/1.0.0/",
        n_subjects=36,
        n_channels=19,
        target="state",
        read=_fetched(fetch_eegmat),
        folder="eegmat",
        files=("Subject*_[12].edf",),
        subject=r"Subject(\d+)_[12]",
        first=0,
        n_files=2,
    ),
    "eegbci": DataSet(
        title="EEGMMIDB",
        access="open",
        licence="ODC-By 1.0",
        url="https://physionet.org/content/eegmmidb/1.0.0/",
        n_subjects=109,
        n_channels=64,
        target="state",
        read=_fetched(fetch_eegbci),
        folder="MNE-eegbci-data/files/eegmmidb/1.0.0",
        files=("S*/S*R02.edf",),
        subject=r"S(\d+)R02",
        left_out=(88, 92, 100),  # sampled at 128 Hz
        key=KEY,
    ),
    "emoeeg-mc": DataSet(
        title="EmoEEG-MC",
        access="open",
        licence="CC0",
        url="https://openneuro.org/datasets/ds005540",
        n_subjects=60,
        n_channels=64,
        target="emotion",
        read=_fetched(fetch_emoeeg_mc),
        folder="ds005540",
        files=("derivatives/sub-*/ses-*/**/*_reorder.npy",),
        subject=r"^sub-(\d+)_",
    ),
    "seed": DataSet(
        title="SEED",
        access="closed",
        licence=_SJTU,
        url="https://bcmi.sjtu.edu.cn/home/seed/seed.html",
        n_subjects=15,
        n_channels=62,
        target="emotion",
        read=_local(read_seed),
        folder="SEED",
        files=("Preprocessed_EEG/**/*.mat",),
        subject=r"^(\d+)_\d{8}",
        n_train=9,
        official_files=("ExtractedFeatures*/**/*.mat",),
    ),
    "seed-iv": DataSet(
        title="SEED-IV",
        access="closed",
        licence=_SJTU,
        url="https://bcmi.sjtu.edu.cn/home/seed/seed-iv.html",
        n_subjects=15,
        n_channels=62,
        target="emotion",
        read=_local(read_seed_iv),
        folder="SEED-IV",
        files=("eeg_raw_data/*/*.mat",),
        subject=r"^(\d+)_\d{8}",
        n_train=16,
        official_files=("eeg_feature_smooth/*/*.mat",),
    ),
    "seed-v": DataSet(
        title="SEED-V",
        access="closed",
        licence=_SJTU,
        url="https://bcmi.sjtu.edu.cn/home/seed/seed-v.html",
        n_subjects=16,
        n_channels=62,
        target="emotion",
        read=_local(read_seed_v),
        folder="SEED-V",
        files=("EEG_raw/*.cnt",),
        subject=r"^(\d+)_[123]_",
        official_files=("EEG_DE_features/*.npz",),
        official_subject=r"^(\d+)_123\.npz",
        pickled=True,
    ),
    "seed-vig": DataSet(
        title="SEED-VIG",
        access="closed",
        licence=_SJTU,
        url="https://bcmi.sjtu.edu.cn/home/seed/seed-vig.html",
        n_subjects=21,
        n_channels=17,
        target="state",
        read=_local(read_seed_vig),
        folder="SEED-VIG",
        files=("Raw_Data/*.mat",),
        subject=r"^(\d+)_\d{8}",
        official_files=("EEG_Feature_5Bands/*.mat",),
    ),
    "deap": DataSet(
        title="DEAP",
        access="closed",
        licence="for research, end user licence agreement of Queen Mary University of London",
        url="https://www.eecs.qmul.ac.uk/mmv/datasets/deap/",
        n_subjects=32,
        n_channels=32,
        target="emotion",
        read=_local(read_deap),
        folder="DEAP",
        files=("data_preprocessed_*/s*", "s[0-9][0-9].*"),
        subject=r"^s(\d\d)\.(?:mat|dat)$",
        pickled=True,
    ),
    "dreamer": DataSet(
        title="DREAMER",
        access="closed",
        licence="for research, request on Zenodo",
        url="https://zenodo.org/records/546113",
        n_subjects=23,
        n_channels=14,
        target="emotion",
        read=_local(read_dreamer),
        folder="DREAMER",
        files=("DREAMER.mat",),
        subject="",
    ),
    "faced": DataSet(
        title="FACED",
        access="closed",
        licence="for research, with a Synapse account",
        url="https://www.synapse.org/Synapse:syn50614194",
        n_subjects=123,
        n_channels=30,
        target="emotion",
        read=_local(read_faced),
        folder="FACED",
        files=("Processed_data/sub*.pkl",),
        subject=r"^sub(\d+)",
        first=0,
        official_files=("EEG_Features/DE/sub*.pkl", "DE/sub*.pkl"),
        pickled=True,
    ),
}
