"""Pictures of every page, wide and on a phone, for looking at them.

    python -m tests.journeys.shots OUTDIR [BASE] [NAME …]

BASE is the address of a running site with the demo market; without it one is started. NAMEs of
views take only those.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.installation import Installation
from tests.journeys.browser import PHONE, WIDE, Cast, launch
from tests.journeys.views import VIEWS, find


def main(outdir: str, base: str = "", *names: str) -> None:
    """Take the pictures."""
    folder = Path(outdir)
    folder.mkdir(parents=True, exist_ok=True)
    with site(base) as address, sync_playwright() as playwright:
        browser = launch(playwright)
        cast = Cast(browser, address)
        places = find(cast)
        for view in VIEWS:
            if names and view.name not in names:
                continue
            page = view.open(cast, places)
            for size in (WIDE, PHONE):
                page.set_viewport_size(size)  # type: ignore[arg-type]
                page.screenshot(path=folder / f"{view.name}-{size['width']}.png", full_page=True)
            page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        browser.close()


@contextmanager
def site(base: str) -> Iterator[str]:
    """The running site, or one of our own for as long as it is needed."""
    if base:
        yield base
        return
    with tempfile.TemporaryDirectory() as folder:
        settings = {"DEMO": "true", "SIGN_IN_LIMIT": "1000 per hour"}
        installation = Installation(Path(folder) / "data", **settings).start().wait_ready()
        try:
            yield f"http://127.0.0.1:{installation.port}"
        finally:
            installation.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
