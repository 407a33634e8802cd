"""A real browser for the tests, pages in it that must be silent, and a server for them."""

import functools
import http.server
import io
import shutil
import threading
import time
from contextlib import contextmanager, suppress

FLAGS = [
    "--no-sandbox",  # containers and CI run as root
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-sync",
    "--disable-component-update",
]
PIECE, PAUSE = 16_384, 0.02  # bytes and seconds: 6.5 Mbit/s for each of six files at once
PATIENCE = 120_000  # milliseconds; a machine may be busy with other tests
# What moves or fades has come to its end, as has an animation that is replaced on the way. What the
# page's scripts then measure is drawn two frames later.
STILL = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  await Promise.allSettled(document.getAnimations()
    .filter((animation) => animation.effect.getComputedTiming().endTime < Infinity)
    .map((animation) => animation.finished));
  await frame();
  await frame();
}"""
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")


def find():
    """Return the path of an installed browser, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def launch(path=None):
    """Start Chromium, the one at `path` or the first that is found."""
    from playwright.sync_api import sync_playwright

    path = path or find()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@contextmanager
def open_page(browser, url, prepare=None, **options):
    """Open a page that must neither complain nor fetch anything from elsewhere.

    `prepare(page)` is called before.
    """
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    complaints = []
    page.on("console", lambda message: complaints.extend(_complaint(message)))
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("request", lambda request: complaints.extend(_foreign(request.url)))
    if prepare:
        prepare(page)
    try:
        page.goto(url)
        yield page
        assert not complaints, f"{url} should be silent, but: {complaints}"
    finally:
        context.close()


def resize(page, width, height):
    """Give the window another size, and wait until all has its place and the scripts know."""
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate(STILL)


def _complaint(message):
    # The theme logs what it does; errors and warnings are ours to mend.
    return [f"{message.type}: {message.text}"] if message.type in ("error", "warning") else []


def _foreign(url):
    local = ("file:", "data:", "blob:", "http://127.0.0.1:")
    return [] if url.startswith(local) else [f"fetched {url}"]


@contextmanager
def serve(folder, slowly=False):
    """Serve a folder on a free port of this machine and give its address.

    `slowly` means as over a slow line: what is large comes piece by piece.
    """
    handler = functools.partial(_Slow if slowly else _Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # as real servers: many files over one connection

    def log_message(self, *_):
        pass

    def copyfile(self, source, outputfile):
        with suppress(BrokenPipeError, ConnectionResetError):  # the browser went to another page
            super().copyfile(source, outputfile)


class _Slow(_Quiet):
    def copyfile(self, source, outputfile):
        while piece := source.read(PIECE):
            time.sleep(PAUSE)
            super().copyfile(io.BytesIO(piece), outputfile)
