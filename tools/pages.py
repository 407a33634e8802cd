"""Look at the built book from outside: pictures of its pages, their weight, two builds compared.

`python -m tools.pages screenshots [PAGE ...]` writes _build/screenshots (default: every page),
`... readme` docs/page.png, `... weights` docs/pages.md; `... compare A B` says whether two
folders hold the same files.
"""

import argparse
import filecmp
import os
import platform
import statistics
import sys
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.book.notebooks import listed_pages  # noqa: E402
from tests.browsers import launch, serve  # noqa: E402

HTML = ROOT / "_build" / "html"
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}
# Calls back with the time, in milliseconds since the page was asked for, of the first formula.
WATCH = """
new MutationObserver((_, observer) => {
  if (!document.querySelector("mjx-container > mjx-math")) return;
  observer.disconnect();
  requestAnimationFrame(() => (window.firstFormula = performance.now()));
}).observe(document, {childList: true, subtree: true});
"""
READY = """async () => {
  const drawn = (chart) => chart.dataset.drawn !== undefined;
  while (![...document.querySelectorAll(".chart")].every(drawn))
    await new Promise((resolve) => setTimeout(resolve, 20));
}"""


@contextmanager
def opened(browser, url, **options):
    """Open a page, with its formulas and charts drawn."""
    context = browser.new_context(**options)
    try:
        page = context.new_page()
        page.add_init_script(WATCH)
        page.bytes = {}
        page.on("response", lambda response: page.bytes.setdefault(response.url, response))
        page.goto(url)
        page.evaluate(READY)
        page.wait_for_load_state("networkidle")
        yield page
    finally:
        context.close()


def weigh(browser, address, page):
    """Return all the bytes that a page fetches, and the milliseconds to its first formula."""
    with opened(browser, f"{address}/{page}.html") as tab:
        size = sum(len(response.body()) for response in list(tab.bytes.values()))
        return size, tab.evaluate("window.firstFormula ?? null")


def weights(times=3):
    """Write the table of every page's weight and time to the first formula."""
    lines = []
    with launch() as browser, serve(HTML) as address:
        for page in listed_pages():
            runs = [weigh(browser, address, page) for _ in range(times)]
            drawn = [time for _, time in runs if time is not None]
            time = f"{statistics.median(drawn) / 1000:.2f}" if drawn else "none"
            has_chart = 'class="chart"' in (HTML / f"{page}.html").read_text(encoding="utf-8")
            kind = "yes" if has_chart else "no"
            lines.append(f"| {page.partition('/')[2]} | {kind} | {runs[0][0] / 1e6:.2f} | {time} |")
            print(lines[-1], flush=True)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    (ROOT / "docs").mkdir(exist_ok=True)
    (ROOT / "docs" / "pages.md").write_text(
        "# The weight of the pages\n\n"
        "Written by `python -m tools.pages weights`. Megabytes: all that a page fetches, "
        "uncompressed, with nothing in the cache.\n"
        "A page with a chart should stay within 3.0 MB, any other within 2.0 MB. "
        "Seconds: from the request to the first formula on the screen, from localhost, "
        f"median of {times}; the bar is 0.7 s.\n\n"
        f"Measured on {platform.system()} {platform.machine()}, {os.cpu_count()} cores{load}.\n\n"
        "| page | chart | MB | first formula (s) |\n|---|---|---:|---:|\n"
        + "\n".join(lines)
        + "\n",
        encoding="utf-8",
    )


def screenshots(pages):
    """Take a picture of each whole page: light, dark, and on a phone."""
    folder = ROOT / "_build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    with launch() as browser, serve(HTML) as address:
        for page in pages or listed_pages():
            for look, options in LOOKS.items():
                with opened(browser, f"{address}/{page}.html", **options) as tab:
                    # A window as high as the page: a "full page" picture stretches the charts.
                    height = tab.evaluate("document.documentElement.scrollHeight")
                    tab.set_viewport_size({**options["viewport"], "height": height})
                    tab.wait_for_timeout(300)
                    file = folder / f"{page.partition('/')[2]}-{look}.png"
                    tab.screenshot(path=file)
                    print(file.relative_to(ROOT), flush=True)


def readme():
    """Take the picture for the README: the top of the chapter on the definition."""
    with launch() as browser, serve(HTML) as address:
        window = {"width": 1200, "height": 860}
        url = f"{address}/book/definition.html"
        with opened(browser, url, viewport=window, color_scheme="light") as tab:
            tab.evaluate("document.querySelector('.bd-article figure').scrollIntoView()")
            tab.evaluate("scrollBy(0, -155)")
            tab.wait_for_timeout(300)
            tab.screenshot(path=ROOT / "docs" / "page.png")


def differences(left, right):
    """Return the files that only one of two folders has, or that differ."""

    def files(folder):
        return {p.relative_to(folder).as_posix() for p in Path(folder).rglob("*") if p.is_file()}

    ours, theirs = files(left), files(right)
    differing = {
        name
        for name in ours & theirs
        if not filecmp.cmp(Path(left) / name, Path(right) / name, shallow=False)
    }
    return sorted(ours ^ theirs | differing)


def main(arguments=None):
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["screenshots", "readme", "weights", "compare"])
    parser.add_argument("rest", nargs="*", metavar="PAGE | A B")
    given = parser.parse_args(arguments)
    if given.command == "screenshots":
        screenshots(given.rest)
    elif given.command == "readme":
        readme()
    elif given.command == "weights":
        weights()
    else:
        left, right = given.rest
        different = differences(left, right)
        print("\n".join(different) or "the same, byte for byte")
        return bool(different)
    return 0


if __name__ == "__main__":
    sys.exit(main())
