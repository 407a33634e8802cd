"""No link of the built book leads nowhere."""

from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

from tests.browser.conftest import HTML, PAGES


class Anchors(HTMLParser):
    """Collects where a page links to, and the anchors it has."""

    def __init__(self):
        super().__init__()
        self.targets, self.ids = [], set()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids |= {attributes[name] for name in ("id", "name") if attributes.get(name)}
        target = attributes.get("href") if tag in ("a", "link") else attributes.get("src")
        if target:
            self.targets.append(target)


@cache
def anchors(path):
    parser = Anchors()
    parser.feed(Path(path).read_text(encoding="utf-8"))
    return parser


def leads_nowhere(page, target):
    """Return whether a relative link of a built page has no file or no anchor behind it."""
    if urlsplit(target).scheme or target.startswith("//"):
        return False
    path, anchor = urldefrag(target)
    path = page if not path else page.parent / unquote(path.partition("?")[0])
    if path.is_dir():
        path = path / "index.html"
    if not path.exists():
        return True
    return bool(anchor and path.suffix == ".html" and unquote(anchor) not in anchors(path).ids)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    path = HTML / f"{page}.html"
    broken = {target for target in anchors(path).targets if leads_nowhere(path, target)}
    assert not broken, f"{page}.html links to what is not there: {sorted(broken)}"


def test_a_broken_link_is_noticed(tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<h1 id="here">x</h1>')
    assert not leads_nowhere(page, "#here")
    assert not leads_nowhere(page, "page.html#here")
    assert leads_nowhere(page, "#there")
    assert leads_nowhere(page, "other.html")


def test_the_pages_form_one_chain():
    """Following "next" from the first page visits every page once, in the order of the book."""
    visited, path = [], HTML / f"{PAGES[0]}.html"
    while path is not None:
        visited.append(path.relative_to(HTML).with_suffix("").as_posix())
        following = [path.parent / target for target in next_links(path)]
        path = following[0].resolve() if following else None
        assert len(visited) <= len(PAGES), "the chain of next links does not end"
    assert visited == PAGES


def next_links(path):
    """Return the target of a page's "next" link, if it has one."""
    import re

    return re.findall(r'<a class="right-next"\s+href="([^"#]+)"', path.read_text(encoding="utf-8"))
