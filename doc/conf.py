"""Configuration of the documentation.

Without ``MNE_SST_DOC_ONLINE=1`` no inventories of other projects are fetched, so that it
builds without a network; ``MNE_SST_DOC_INVENTORIES=FOLDER`` takes those (``mne.inv``,
``sklearn.inv``, ...) that lie in a folder. ``-D plot_gallery=0`` runs no tutorials.
"""

import os
from pathlib import Path

import matplotlib as mpl

import mne_sst

os.environ.setdefault("OMP_NUM_THREADS", "2")
mpl.use("agg")

project = "mne_sst"
author = "The mne_sst developers"
copyright = author  # noqa: A001
release = version = mne_sst.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "worth.rst"]
templates_path = ["_templates"]
default_role = "py:obj"
myst_heading_anchors = 3
suppress_warnings = [
    # Classes of other projects in the settings below cannot be pickled.
    "config.cache",
    # Cards begin at the level that they have in their own files.
    "myst.header",
]

html_theme = "pydata_sphinx_theme"
html_title = "mne_sst"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}
html_sidebars = {
    page: [] for page in ("index", "install", "data_sets", "whats_new", "contributing")
}

_OTHERS = {
    "python": "https://docs.python.org/3",
    "numpy": "https://numpy.org/doc/stable",
    "scipy": "https://docs.scipy.org/doc/scipy",
    "pandas": "https://pandas.pydata.org/docs",
    "matplotlib": "https://matplotlib.org/stable",
    "mne": "https://mne.tools/stable",
    "sklearn": "https://scikit-learn.org/stable",
    "skorch": "https://skorch.readthedocs.io/en/stable",
    "torch": "https://docs.pytorch.org/docs/stable",
}
# Inventories of other projects: files NAME.inv in a folder, else from the network if allowed.
_folder = Path(os.environ.get("MNE_SST_DOC_INVENTORIES", os.devnull)).resolve()
_files = {name: _folder / f"{name}.inv" for name in _OTHERS}
_online = os.environ.get("MNE_SST_DOC_ONLINE") == "1"
intersphinx_mapping = {
    name: (url, str(_files[name]) if _files[name].is_file() else None)
    for name, url in _OTHERS.items()
    if _online or _files[name].is_file()
}

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = True
numpydoc_xref_aliases = {
    # Ours are written without the module.
    **{
        name: f"mne_sst.{name}"
        for name in mne_sst.__all__
        if isinstance(getattr(mne_sst, name), type)
    },
    "Epochs": "mne.Epochs",
    "Raw": "mne.io.Raw",
    "array": "numpy.ndarray",
    "RandomState": "numpy.random.RandomState",
    "tensor": "torch.Tensor",
    "DataFrame": "pandas.DataFrame",
    "Axes": "matplotlib.axes.Axes",
    "Figure": "matplotlib.figure.Figure",
    "path-like": "os.PathLike",
    "Path": "pathlib.Path",
    "NotFittedError": "sklearn.exceptions.NotFittedError",
    "sequence": "collections.abc.Sequence",
    "bool": "bool",
    "callable": "callable",
}
numpydoc_xref_ignore = (
    {"of", "or", "shape", "sequence", "splitter", "estimator"}
    | {
        f"n_{name}"
        for name in "bands channels classes epochs features outputs samples subjects times "
        "trials windows".split()
    }
    | {"n", "n_maps", "n_regions", "depth", "height", "width", "label", "subject"}
    | {"name", "fmin", "fmax"}
)
numpydoc_validation_checks = {
    "all",
    "ES01",  # many things are said in one sentence
    "SA01",  # see-also sections only where there is something to see
    "EX01",  # checked for every public name by tests/test_docs.py
    "GL01",  # summaries begin on the line of the quotes
    "RT02",  # returned values have names
    "RT03",
    "YD01",
    "SS05",  # "Address", "Axes" and "Mass" are no verbs in the third person
}
numpydoc_validation_exclude = {
    r"\.set_.*_request$",
    r"\.get_metadata_routing$",
    r"\.(get|set)_params$",
    r"\.fit_transform$",
    r"\.set_output$",
    r"SSTEmotionNet\.(?!forward)",
    # Dataclasses: their attributes are their parameters.
    r"contrast\.Contrast$",
    r"features\.FeatureSettings$",
}

sphinx_gallery_conf = {
    "examples_dirs": "../tutorials",
    "gallery_dirs": "auto_tutorials",
    "filename_pattern": r"/\d\d_",
    "within_subsection_order": "FileNameSortKey",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("mne_sst",),
    "reference_url": {"mne_sst": None},
    "image_scrapers": ("matplotlib",),
    "matplotlib_animations": False,
    "remove_config_comments": True,
    "show_memory": False,
    "min_reported_time": 0,
    "download_all_examples": False,
    "abort_on_example_error": True,
    "capture_repr": ("_repr_html_", "__repr__"),
    "ignore_repr_types": r"matplotlib\.(text|axes|figure|collections|lines)",
    "reset_modules": ("matplotlib",),
}

# Names in docstrings are those that a reader of the module would use: they are looked for in the
# packages that make them public.
_HOMES = (
    "",
    *(f"{name}." for name in "attribution contrast datasets features regions viz".split()),
)
_HOMES += ("evaluation.", "evaluation.baselines.")


def _link_ours(app, env, node, contnode):
    """Find what a docstring calls by its short name."""
    if node.get("refdomain") != "py":
        return None
    domain = env.get_domain("py")
    for home in _HOMES:
        target = f"mne_sst.{home}{node['reftarget']}"
        found = domain.resolve_xref(env, node["refdoc"], app.builder, "obj", target, node, contnode)
        if found is not None:
            return found
    return None


def setup(app):
    """Connect what is written above."""
    app.connect("missing-reference", _link_ours)
