"""Check the links inside the built site: every file, image and anchor is there.

python doc/check_links.py doc/_build/html
"""

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


if __name__ == "__main__":
    n_pages, found = broken_links(sys.argv[1])
    for place, link in found:
        print(f"{place}: {link}")
    print(f"{n_pages} pages, {len(found)} broken links")
    sys.exit(bool(found) or not n_pages)
