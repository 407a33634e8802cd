"""Look at the built book from outside: pictures of its pages, measurements, two builds compared.

`python -m tools.pages screenshots [PAGE ...]` writes _build/screenshots (default: every page),
`... readme` docs/page.png, `... measure` docs/pages.md (of single PAGEs it only prints the rows);
`... compare A B` says whether two folders hold the same files. A PAGE is called book/definition.
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
from tests.browsers import PATIENCE, launch, open_page, serve  # noqa: E402

HTML = ROOT / "_build" / "html"
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
    "print": {"color_scheme": "light", "viewport": {"width": 720, "height": 900}},
}
# Notes layout shifts, and the frames with which the first and the last formula came.
WATCH = """
window.seen = {shift: 0, first: null, last: null};
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) seen.shift += entry.value;
}).observe({type: "layout-shift", buffered: true});
{
  const formulas = document.getElementsByTagName("mjx-math");
  let count = 0;
  const look = () => {
    if (formulas.length > count) {
      count = formulas.length;
      seen.last = performance.now();
      seen.first ??= seen.last;
    }
    if (document.readyState !== "complete") requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
"""
# Opens what waits for an answer.
UNCOVER = "document.documentElement.toggleAttribute('data-answers', true); uncovered();"
READY = """async () => {
  const drawn = (chart) => chart.dataset.drawn !== undefined || !chart.checkVisibility();
  while (![...document.querySelectorAll(".chart")].every(drawn))
    await new Promise((resolve) => setTimeout(resolve, 20));
}"""
# Comes near to what loads when a reader does.
APPROACH = """async () => {
  for (const image of document.querySelectorAll("img[loading=lazy]")) {
    image.loading = "eager";
    await image.decode().catch(() => {}); // a picture that is not there is found elsewhere
  }
  for (const chart of document.querySelectorAll(".chart"))
    while (chart.dataset.drawn === undefined && chart.checkVisibility()) {
      chart.scrollIntoView();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
}"""
SEEN = """() => ({
  ...seen, paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
})"""
FETCHED = """() => {
  const files = performance.getEntries().filter((entry) => entry.decodedBodySize);
  const sizes = new Map(files.map(({ name, decodedBodySize }) => [name, decodedBodySize]));
  return [...sizes.values()].reduce((sum, size) => sum + size);
}"""
# At most, of all that a page fetches: without a chart, with one; and of its layout shift.
LIGHT, LIGHT_WITH_CHART, STILL = 1_000_000, 2_000_000, 0.05


@contextmanager
def opened(browser, url, slower=1, **options):
    """Open a page, on a processor so many times slower while it loads; wait for all it fetches."""

    def prepare(page):
        page.slow = page.context.new_cdp_session(page)
        page.slow.send("Emulation.setCPUThrottlingRate", {"rate": slower})
        page.add_init_script(WATCH)
        page.asked, page.ended = [], []
        page.on("request", lambda request: page.asked.append(request))
        for end in ("requestfinished", "requestfailed"):
            page.on(end, lambda request: page.ended.append(request))

    with open_page(browser, url, prepare, **options) as page:
        page.slow.send("Emulation.setCPUThrottlingRate", {"rate": 1})
        wait_for_all(page)
        yield page


def wait_for_all(page):
    """Wait until nothing was on its way for half a second.

    Playwright's own `networkidle`, which would tell, now and then does not come.
    """
    known = None
    for _ in range(PATIENCE // 500):
        if known == len(page.asked) == len(page.ended):
            return
        known = len(page.asked)
        page.wait_for_timeout(500)
    ended = {request.url for request in page.ended}
    raise TimeoutError(f"still on its way: {[r.url for r in page.asked if r.url not in ended]}")


def show_all(page, width):
    """Make the window as high as the page, so that all of it is drawn: charts and pictures too."""
    for _ in range(2):  # what is drawn changes the height
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(READY)
    wait_for_all(page)


def has_chart(page):
    """Return whether a page of the book has a chart that moves."""
    return 'class="chart"' in (HTML / f"{page}.html").read_text(encoding="utf-8")


def weigh(tab):
    """Return how many bytes an opened page has fetched, and how many it fetches up to its end."""
    size = tab.evaluate(FETCHED)
    tab.evaluate(UNCOVER)
    tab.evaluate(APPROACH)
    return size, tab.evaluate(FETCHED)


def visit(browser, address, page, slower=1):
    """Open a page on a phone; see `opened`."""
    window = LOOKS["phone"]["viewport"]
    return opened(browser, f"{address}/{page}.html", slower, viewport=window)


def measure(tab):
    """Measure how an opened page came.

    Returns ``paint``, ``first`` and ``last``, the milliseconds to the first paint, first and last
    formula; ``shift``, the layout shift.
    """
    return tab.evaluate(SEEN)


def row(browser, address, page, times):
    """Return a page's row of the table: its weight, then what was seen, unslowed and slowed."""
    cells = [page.partition("/")[2], "yes" if has_chart(page) else "no"]
    with visit(browser, address, page) as tab:
        cells += [f"{size / 1e6:.2f}" for size in weigh(tab)]
    for slower in (1, 4):
        runs = []
        for _ in range(times):
            with visit(browser, address, page, slower) as tab:
                runs.append(measure(tab))
        for what in ("paint", "first", "last"):
            drawn = [run[what] for run in runs if run[what] is not None]
            cells.append(f"{statistics.median(drawn) / 1000:.2f}" if drawn else "none")
        cells.append(f"{max(run['shift'] for run in runs):.3f}")
    return f"| {' | '.join(cells)} |"


def measured(pages, times):
    """Return the rows of some pages, printed as they come."""
    lines = []
    with launch() as browser, serve(HTML) as address:
        for page in pages:
            lines.append(row(browser, address, page, times))
            print(lines[-1], flush=True)
    return lines


def write_measurements(times=3):
    """Write the table of every page: weight, first paint, first and last formula, layout shift."""
    lines = measured(listed_pages(), times)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    (ROOT / "docs").mkdir(exist_ok=True)
    (ROOT / "docs" / "pages.md").write_text(
        "# The pages, measured\n\n"
        "Written by `python -m tools.pages measure`, part of `make pages`. A phone's window of "
        "390 × 844, nothing in the cache, from localhost.\n\n"
        "- **MB**: what a page fetches when it opens, uncompressed.\n"
        "- **to the end**: with the charts and pictures that load when a reader comes near them; "
        f"at most {LIGHT_WITH_CHART / 1e6:.1f} with a chart that moves, {LIGHT / 1e6:.1f} without."
        "\n"
        "- **paint, first, last**: seconds from the request to the first paint, and to the frames "
        f"that bring the first and the last formula; median of {times}. Formulas are part of the "
        "page, so the first is there when its paragraph is.\n"
        f"- **shift**: cumulative layout shift, the largest of {times}; at most {STILL}.\n"
        "- **4 ×**: the same with the processor slowed four times.\n\n"
        f"Measured on {platform.system()} {platform.machine()}, {os.cpu_count()} cores{load}.\n\n"
        "| page | chart | MB | to the end | paint | first | last | shift "
        "| paint, 4 × | first, 4 × | last, 4 × | shift, 4 × |\n"
        "|---|---|" + "---:|" * 10 + "\n" + "\n".join(lines) + "\n",
        encoding="utf-8",
    )


def screenshots(pages):
    """Take pictures of each whole page: light, dark, print, a phone before and after answers."""
    folder = ROOT / "_build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    with launch() as browser, serve(HTML) as address:
        for page in pages or listed_pages():
            for look, options in LOOKS.items():
                with opened(browser, f"{address}/{page}.html", **options) as tab:
                    tab.emulate_media(media="print" if look == "print" else "screen")
                    for state in ("-covered", "") if look == "phone" else ("",):
                        if not state:
                            tab.evaluate(UNCOVER)
                        # A "full page" picture would stretch the charts.
                        show_all(tab, options["viewport"]["width"])
                        tab.wait_for_timeout(300)
                        file = folder / f"{page.partition('/')[2]}-{look}{state}.png"
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
    parser.add_argument("command", choices=["screenshots", "readme", "measure", "compare"])
    parser.add_argument("rest", nargs="*", metavar="PAGE | A B")
    given = parser.parse_args(arguments)
    if given.command == "screenshots":
        screenshots(given.rest)
    elif given.command == "readme":
        readme()
    elif given.command == "measure":
        measured(given.rest, 3) if given.rest else write_measurements()
    else:
        left, right = given.rest
        different = differences(left, right)
        print("\n".join(different) or "the same, byte for byte")
        return bool(different)
    return 0


if __name__ == "__main__":
    sys.exit(main())
