"""Pages that are watched: errors, violations of the content security policy, and what axe finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

from tests.running import ROOT

DASHBOARD = ROOT / "taskmgr/api/dashboard/index.html"
NARROW: ViewportSize = {"width": 360, "height": 740}
PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
# All columns of the board are in view.
WIDE: ViewportSize = {"width": 2080, "height": 900}
# An answer with a problem is an error to the console, too, and so is an advice of Swagger UI.
_EXPECTED = ("Failed to load resource", "Deprecated: escaping deep link")
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@dataclass
class Watched:
    """A page, and what has gone wrong in it."""

    page: Page
    mistakes: list[str] = field(default_factory=list)


OpenPage = Callable[..., Watched]


def watch(page: Page) -> Watched:
    """Collects uncaught errors and errors in the console, among them violations of the policy."""
    watched = Watched(page)
    page.on("pageerror", lambda error: watched.mistakes.append(str(error)))
    page.on("console", lambda message: _note(watched, message))
    return watched


def _note(watched: Watched, message: Any) -> None:
    if message.type == "error" and not message.text.startswith(_EXPECTED):
        watched.mistakes.append(message.text)


def accessibility_findings(page: Page) -> list[str]:
    """Returns what axe finds at the width of a phone and of a desk, in light, dark and high contrast."""
    found = []
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for scheme, contrast in (("light", "no-preference"), ("dark", "no-preference"), ("dark", "more")):
            page.emulate_media(color_scheme=scheme, contrast=contrast)  # type: ignore[arg-type]
            page.wait_for_timeout(200)  # until the colours no longer change
            where = f"{size['width']} {scheme} {contrast}"
            for violation in Axe().run(page, options=_RULES).response["violations"]:
                nodes = "; ".join(f"{node['target']} {node['failureSummary']}" for node in violation["nodes"])
                found.append(f"{where}: {violation['id']}: {nodes}")
    page.emulate_media(color_scheme=None, contrast=None)
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    return found
