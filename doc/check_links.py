"""Check the built site: every file, image and anchor that is linked is there, and every method.

python doc/check_links.py doc/_build/html
"""

import inspect
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """Links and anchors of a page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        """Note what a tag points to and what it is called."""
        found = dict(attrs)
        self.anchors |= {found.get("id"), found.get("name")}
        self.links += [found[key] for key in ("href", "src") if found.get(key)]


def broken_links(folder):
    """List (page, link) of links that lead nowhere."""
    pages = {
        path.resolve(): Page(path)
        for path in Path(folder).rglob("*.html")
        # Templates of the theme.
        if "_static" not in path.relative_to(folder).parts
    }
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            known = pages[target].anchors if target in pages else None
            lost = known is not None and anchor and anchor not in known
            if not target.exists() or lost:
                broken.append((path.relative_to(Path(folder).resolve()), link))
    return len(pages), broken


def undocumented(folder):
    """List public methods of public classes that their page does not describe."""
    import mne_sst

    lost = []
    for name in mne_sst.__all__:
        kind = getattr(mne_sst, name)
        page = Path(folder) / "generated" / f"mne_sst.{name}.html"
        if not isinstance(kind, type) or not page.exists():
            continue
        anchors = Page(page).anchors
        ours = [base for base in kind.__mro__ if base.__module__.startswith("mne_sst")]
        own = sorted({n for base in ours for n in vars(base)} - {"get_params"})
        methods = [n for n in own if n[0] != "_" and inspect.isfunction(getattr(kind, n))]
        wanted = [f"mne_sst.{name}.{n}" for n in methods if not n.endswith("_request")]
        lost += [method for method in wanted if method not in anchors]
    return lost


if __name__ == "__main__":
    n_pages, found = broken_links(sys.argv[1])
    for place, link in found:
        print(f"{place}: {link}")
    print(f"{n_pages} pages, {len(found)} broken links")
    lost = undocumented(sys.argv[1])
    if lost:
        print(f"not described: {', '.join(lost)}")
    sys.exit(bool(found) or bool(lost) or not n_pages)
