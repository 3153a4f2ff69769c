import json
import re
import shutil
import subprocess

import matplotlib.pyplot as plt
import mne
import numpy as np
import pytest
from conftest import tiny_classifier
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from typer.testing import CliRunner

from mne_sst import FeatureExtractor, SSTClassifier, report, viz
from mne_sst.cli import app
from mne_sst.datasets import simulate_emotion
from mne_sst.evaluation import SubjectKFold, ablation, evaluate, read_results
from mne_sst.report import make_report, spread_over_classes

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SECTIONS = ["Data", "Features", "Training", "Scores", "Attention", "Attribution", "Methods"]


@pytest.fixture(autouse=True)
def _closed():
    yield
    assert plt.get_fignums() == [], "a report leaves no figure open"


@pytest.fixture(scope="module")
def results(features, y, tmp_path_factory):
    """Results of two models as a table and as a file."""
    fname = tmp_path_factory.mktemp("results") / "results.jsonl"
    models = {"guess": DummyClassifier(strategy="uniform"), "commonest": DummyClassifier()}
    table = evaluate(models, features, y, protocol=SubjectKFold(2), seeds=(0, 1), results=fname)
    return table, fname


@pytest.fixture(scope="module")
def page(fitted, features, y, results, tmp_path_factory):
    """A whole report as text, and its file."""
    fname = tmp_path_factory.mktemp("report") / "report.html"
    made = make_report(
        fitted, features, y, results=results[1], ablation=results[0], n_attributed=12, verbose=False
    )
    assert isinstance(made, mne.Report)
    made.save(fname, open_browser=False, verbose="ERROR")
    return fname.read_text(encoding="utf-8"), fname


def headings(text):
    return re.findall(r'<a class="nav-link[^>]*>([^<]+)</a>', text)


def test_sections(page, features, y):
    text, _ = page
    expected = [*SECTIONS[:4], "Ablation", *SECTIONS[4:]]
    assert headings(text) == expected
    for phrase in (
        f"{len(y)} windows of 1 s, 62 channels",
        "95 % interval over subjects",
        "Comparisons",
        "which is not why it decides",
        "Attribution (gradient)",
        "by true class; r is the mean correlation between the maps of two subjects",
        "one scale for each band. n is the number of windows, r is the mean correlation",
        "the mean of the classes. n is the number of windows, r is the mean correlation",
        "Jia, Z.",
        "bands</td>",
        "theta 4-8 Hz",
        "Confusion matrix, commonest",
    ):
        assert phrase in text, phrase


@pytest.mark.slow
def test_features_of_classes_have_their_stability(fitted, features, y):
    titles, maps = [], []
    drawn = viz.plot_features

    def watched(values, *args, stability, counts, **options):
        titles.append((counts, stability))
        maps.append(values)
        return drawn(values, *args, stability=stability, counts=counts, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mne_sst.viz.plot_features", watched)
        make_report(fitted, features, y, method=None, verbose=False)
    subject, own = features.metadata["subject"].to_numpy(), features.spectral
    mean = np.array(
        [[own[(subject == s) & (y == c)].mean(axis=0) for c in np.unique(y)] for s in (1, 2)]
    )
    away = mean - mean.mean(axis=1, keepdims=True)
    for (counts, stability), values, units in zip(titles, maps, (mean, away), strict=True):
        for i, c in enumerate(np.unique(y)):
            assert counts[c] == (y == c).sum()
            np.testing.assert_allclose(values[c], units[:, i].mean(axis=0), rtol=1e-3, atol=1e-5)
            r = [np.corrcoef(*units[:, i, :, k])[0, 1] for k in range(5)]
            np.testing.assert_allclose(stability[c], r, atol=1e-4)


def test_scores_are_those_of_the_results(page, results):
    text, _ = page
    mean = results[0].groupby("estimator")["accuracy"].mean()
    for name, value in mean.items():
        row = re.search(rf"<td>{name}</td>(\s*<td>[^<]*</td>){{4}}", text)
        assert f"{value:.3f}" in row[0], name


def test_without_results_the_windows_given_are_scored(fitted, features, y):
    made = make_report(fitted, features, y, method=None, verbose=False)
    text = "".join(made.html)
    assert "Attribution" not in made.tags
    assert "if the network was trained on them, this says nothing of new ones" in text
    own = (features.metadata["subject"] == 2).to_numpy()
    accuracy = np.mean(fitted.predict(features[own]) == y[own])
    assert re.search(rf"<td>2</td>\s*<td>{accuracy:.3f}</td>", text)


def test_scores_over_trials_of_one_subject(fitted, features, y):
    own = (features.metadata["subject"] == 1).to_numpy()
    text = "".join(make_report(fitted, features[own], y[own], method=None, verbose=False).html)
    assert "Accuracy of each trial" in text
    assert "one scale for each band. n is the number of windows, r is" in text
    # A trial is of one class: there are no differences within it.
    assert "than the mean of the classes. n is the number of windows." in text
    assert "maps of two trials" in text
    low, high = re.search(r"95 % interval over trials (-?\d\.\d+) to (\d\.\d+)", text).groups()
    assert float(low) < fitted.score(features[own], y[own]) < float(high)


@pytest.mark.slow
def test_contrasts_over_six_subjects(features, y):
    # Each pair of trials stands for a person, so that there are enough of them.
    two = y != "neutral"
    features, y = features[two], y[two]
    person = np.arange(len(y)) % 6
    clf = tiny_classifier(validation_fraction=0.0, max_epochs=1).fit(features, y)
    made = make_report(clf, features, y, groups=person, n_attributed=24, verbose=False)
    text = "".join(made.html)
    assert text.count("negative - positive, spectral stream") >= 2
    assert "cluster permutation test over groups" in text
    assert "Within groups, mean over 6" in text
    assert "of the odds of negative: on windows of negative less on windows of positive" in text
    assert "Masks on windows of negative less those on windows of positive" in text
    # For bands and moments gradients are summed by size.
    bands = re.search(r"Attribution \(gradient\)[^<]* without sign\. Mean over", text)
    assert bands
    few = make_report(clf, features, y, groups=person, n_attributed=10, verbose=False)
    assert "than 6 groups have both, of the 10 windows that are shown here" in "".join(few.html)


def test_one_stream_and_no_attention(features, y):
    clf = tiny_classifier(streams="spectral", attention="none", max_epochs=1).fit(features, y)
    text = "".join(make_report(clf, features, y, n_attributed=6, verbose=False).html)
    assert "Attribution of bands" in text
    assert "Attribution of moments" not in text
    assert "Attention on the head" not in text


@pytest.mark.slow
def test_classes_called_as_columns_are(features, y):
    names = {"negative": "side", "neutral": "region", "positive": "bad $1 or $2"}
    labels = np.array([names[v] for v in y])
    clf = tiny_classifier(max_epochs=1).fit(features, labels)
    text = "".join(make_report(clf, features, labels, n_attributed=6, verbose=False).html)
    assert "<th>region</th>\n      <th>side</th>\n      <th>bad $1 or $2</th>" in text


def test_settings_of_a_preset_are_those_that_were_used(features, y):
    clf = SSTClassifier(preset="paper", grid_shape=(8, 8), max_epochs=1, verbose=False)
    clf.fit(features, y)
    text = "".join(make_report(clf, features, y, method=None, verbose=False).html)
    cells = dict(re.findall(r"<td>(\w+)</td>\s*<td>([^<]*)</td>", text))
    assert (cells["preset"], cells["lr"], cells["n_networks"]) == ("paper", "0.0001", "1")
    assert cells["noise"] == "0.0"


@pytest.mark.slow
def test_two_channels_and_six_subjects(capsys):
    """Too few for neighbours, and nothing is printed."""
    epochs = simulate_emotion(n_subjects=6, n_trials=3, n_windows=2).pick(["O1", "O2"])
    features = FeatureExtractor(verbose=False).transform(epochs)
    y = np.where(epochs.metadata["emotion"] == "neutral", "a", "b")
    clf = tiny_classifier(max_epochs=1, interpolation="nearest").fit(features, y)
    text = "".join(make_report(clf, features, y, verbose=False).html)
    assert "a - b, spectral stream" in text
    assert "32 sign flips" in text
    out, err = capsys.readouterr()
    assert not out
    assert not err


def test_pairs_that_are_not_compared_are_told(fitted, features, y):
    text = "".join(make_report(fitted, features, y, method=None, verbose=False).html)
    assert "fewer than 6 subjects have both" in text


def test_heads_need_positions(epochs, y):
    bare = epochs.copy().set_montage(None)
    clf = tiny_classifier(max_epochs=1, interpolation="layout").fit(bare, y)
    with pytest.raises(ValueError, match="no position for"):
        make_report(clf, bare, y, verbose=False)


@pytest.mark.slow
def test_names_of_classes_are_no_html(features, y):
    strange = np.where(y == "neutral", "<script>alert(1)</script>", "a & b")
    clf = tiny_classifier(max_epochs=1).fit(features, strange)
    text = "".join(make_report(clf, features, strange, method=None, verbose=False).html)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"clf": SSTClassifier()}, NotFittedError, "not fitted"),
        ({"clf": make_pipeline(SSTClassifier())}, TypeError, r"got Pipeline; .* pipeline\[-1\]"),
        ({"method": "guess"}, ValueError, "method must be one of"),
        ({"n_attributed": 0}, ValueError, "n_attributed must lie in"),
        ({"groups": "person"}, ValueError, "groups must be a column of the metadata"),
        ({"groups": [None, *"a" * 47]}, ValueError, "groups holds 1 missing value.*window 0"),
        ({"groups": [1.0] * 47 + [np.nan]}, ValueError, "groups holds 1 missing.*window 47"),
        ({"groups": [1, 2]}, ValueError, "one value for each of 48 windows"),
        ({"y": ["glad"] * 48}, ValueError, "labels that the classifier does not know: glad"),
        ({"results": "nowhere.jsonl"}, FileNotFoundError, "no results of evaluate"),
    ],
)
def test_bad_input(fitted, features, y, change, error, message):
    params = {"clf": fitted, "X": features, "y": y, "verbose": False, **change}
    with pytest.raises(error, match=message):
        make_report(params.pop("clf"), params.pop("X"), params.pop("y"), **params)


def test_results_are_read_back(results, tmp_path):
    table, fname = results
    again = read_results(fname)
    assert again.to_dict("records") == table.to_dict("records")
    assert again.attrs == table.attrs
    assert len(read_results(fname.parent)) == len(table)
    (tmp_path / "other.jsonl").write_text('{"kind": "notes"}\n')
    for other in (tmp_path / "other.jsonl", tmp_path / "no.jsonl", tmp_path):
        with pytest.raises((ValueError, FileNotFoundError), match="no results of evaluate"):
            read_results(other)


def test_a_table_of_something_else_is_refused(fitted, features, y, results):
    with pytest.raises(ValueError, match="ablation must be what evaluate"):
        make_report(fitted, features, y, ablation=results[0].drop(columns="fold"))


def test_windows_are_spread_over_the_classes():
    y = np.array(["a"] * 90 + ["b"] * 6 + ["c"] * 4)
    rows = spread_over_classes(y, 15)
    assert [np.sum(y[rows] == c) for c in "abc"] == [5, 5, 4]
    assert {0, 89, 90, 95, 96, 99} <= set(rows)
    assert len(set(rows)) == len(rows)


def test_windows_are_spread_over_the_subjects():
    y = np.tile(["a", "b", "c"], 70)
    subject = np.repeat(np.arange(7), 30)
    rows = spread_over_classes(y, 12, subject)
    for label in "abc":
        assert subject[rows][y[rows] == label].tolist() == [0, 1, 2, 3]
    rows = spread_over_classes(y, 66, subject)
    for label in "abc":
        assert np.bincount(subject[rows][y[rows] == label]).tolist() == [4, 3, 3, 3, 3, 3, 3]
    # One that has no window of a class leaves its share to the others.
    kept = ~((y == "a") & (subject == 0))
    rows = spread_over_classes(y[kept], 18, subject[kept])
    assert np.bincount(subject[kept][rows][y[kept][rows] == "a"]).tolist() == [0, 1, 1, 1, 1, 1, 1]
    assert len(spread_over_classes(y, 10**6, subject)) == len(y)


def test_from_the_shell(fitted, epochs, results, tmp_path):
    fitted.save(tmp_path / "model.safetensors")
    epochs.save(tmp_path / "sim-epo.fif", verbose="ERROR")
    command = ["report", str(tmp_path / "model.safetensors"), str(tmp_path / "sim-epo.fif")]
    command += ["--label", "emotion", "--groups", "subject", "--results", str(results[1])]
    command += ["--output", str(tmp_path / "r.html"), "--windows", "6", "--quiet"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.stderr
    assert headings((tmp_path / "r.html").read_text(encoding="utf-8")) == SECTIONS
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr


def test_variants_of_the_ablation_have_rows(features, y):
    variants = ablation(tiny_classifier(max_epochs=1))
    table = evaluate(dict(list(variants.items())[:2]), features, y, protocol=SubjectKFold(2))
    clf = tiny_classifier(max_epochs=1).fit(features, y)
    made = report.make_report(clf, features, y, ablation=table, method=None, verbose=False)
    assert "both streams, both attentions" in "".join(made.html)


#: Put into the page: what went wrong, which images are empty, which sections stand where.
PROBE = """<script>
window.problems = [];
window.addEventListener("error", e => window.problems.push(String(e.message)));
window.addEventListener("load", () => {
  document.documentElement.style.scrollBehavior = "auto";
  const links = [...document.querySelectorAll("#toc-navbar a")];
  const found = {
    problems: window.problems,
    images: document.images.length,
    empty: [...document.images].filter(i => !i.complete || !i.naturalWidth).length,
    wide: document.documentElement.scrollWidth - window.innerWidth,
    width: window.innerWidth,
    sections: links.map(a => {
      location.hash = a.getAttribute("href");
      const place = document.querySelector(a.getAttribute("href")).getBoundingClientRect();
      return [a.textContent, place.height, Math.abs(place.top) < window.innerHeight];
    }),
  };
  window.parent.postMessage(JSON.stringify(found), "*");
});
</script>"""
#: Chromium has no windows below 500 px: the page stands in a frame, and tells this one.
FRAME = """<!doctype html><body style="margin:0"><pre id="found"></pre><script>
addEventListener("message", e => document.getElementById("found").textContent = e.data);
</script><iframe src="{}" style="border:0;width:{}px;height:900px"></iframe></body>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
@pytest.mark.parametrize("width", [1280, 400])
def test_in_a_browser(page, width, tmp_path):
    text, _ = page
    fname = tmp_path / "probed.html"
    fname.write_text(text.replace("<head>", "<head>" + PROBE, 1), encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    outer = tmp_path / "outer.html"
    outer.write_text(FRAME.format(fname.name, width), encoding="utf-8")
    command += ["--window-size=1300,950", f"--user-data-dir={tmp_path / 'profile'}"]
    command += ["--virtual-time-budget=10000", "--dump-dom", outer.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in done.stderr, done.stderr
    found = json.loads(re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)[1])
    assert found["problems"] == []
    assert found["width"] == width
    assert found["images"] > 15
    assert found["empty"] == 0
    assert found["wide"] <= 0, "the page scrolls sideways"
    assert [name for name, *_ in found["sections"]] == headings(text)
    for name, height, seen in found["sections"]:
        assert height > 50, name
        assert seen, name
