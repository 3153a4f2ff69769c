"""The classifier inside MOABB's evaluations, on its fake data."""

import numpy as np
import pytest
from conftest import tiny_classifier

CHANNELS = ["C3", "Cz", "C4", "Fz", "Pz", "O1", "O2", "F3"]


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    """Run an evaluation of MOABB; its files go to a folder of their own."""
    folder = tmp_path_factory.mktemp("moabb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNE_DATA", str(folder))
        from moabb import evaluations
        from moabb.datasets.fake import FakeDataset
        from moabb.paradigms import LeftRightImagery

        dataset = FakeDataset(
            event_list=("left_hand", "right_hand"),
            n_sessions=2,
            n_subjects=2,
            n_runs=1,
            paradigm="imagery",
            channels=CHANNELS,
        )

        def process(name, pipelines, **params):
            evaluation = getattr(evaluations, name)(
                paradigm=LeftRightImagery(),
                datasets=[dataset],
                return_epochs=True,
                overwrite=True,
                hdf5_path=str(folder),
                random_state=0,
                n_jobs=1,
            )
            return evaluation.process(pipelines, **params)

        yield process


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["WithinSessionEvaluation", "CrossSubjectEvaluation"])
def test_moabb_runs_it(process, name):
    clf = tiny_classifier(max_epochs=1)
    plain = process(name, {"plain": clf})
    assert set(plain["pipeline"]) == {"plain"}
    # A score for each session of each subject.
    assert len(plain) == 4
    assert plain["score"].between(0, 1).all()
    searched = process(
        name,
        {"searched": tiny_classifier(grid_shape=(9, 9))},
        param_grid={"searched": {"lr": [1e-3, 1e-4]}},
    )
    assert len(searched[searched["pipeline"] == "searched"]) == 4
    assert np.isfinite(searched["score"]).all()
