"""How a person works a page: with a mouse, or with keys alone."""

import re
from abc import ABC, abstractmethod

from playwright.sync_api import Locator, Page

from tests.journeys.browser import visit

MOST_TABS = 300


class Hands(ABC):
    """What one does on a page. Things are named as they are read, never by their code."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def go(self, path: str) -> None:
        """Open an address."""
        visit(self.page, path)

    def write(self, label: str, text: str, nth: int = 0) -> None:
        """Type into the field whose label begins so, instead of what stood there."""
        self._write(self._labelled(label).nth(nth), text)

    def press(self, button: str | Locator) -> None:
        """Press a button of the main part."""
        self._activate(self._found("button", button))

    def follow(self, link: str | Locator) -> None:
        """Follow a link of the main part."""
        self._activate(self._found("link", link))

    def tick(self, box: str | Locator) -> None:
        """Tick a checkbox."""
        self._tick(self._found("checkbox", box))

    def choose(self, label: str) -> None:
        """Choose one of several radio buttons by the first words beside it."""
        self._choose(self._labelled(label).and_(self.page.get_by_role("radio")))

    def _labelled(self, label: str) -> Locator:
        return self.page.get_by_role("main").get_by_label(re.compile(f"^{label}"))

    def _found(self, role: str, thing: str | Locator) -> Locator:
        if not isinstance(thing, str):
            return thing
        main = self.page.get_by_role("main")
        return main.get_by_role(role, name=thing, exact=True).first  # type: ignore[arg-type]

    @abstractmethod
    def unfold(self, summary: str) -> None:
        """Open a folded part by its words."""

    @abstractmethod
    def _write(self, field: Locator, text: str) -> None: ...

    @abstractmethod
    def _activate(self, target: Locator) -> None: ...

    @abstractmethod
    def _tick(self, box: Locator) -> None: ...

    @abstractmethod
    def _choose(self, radio: Locator) -> None: ...


class Mouse(Hands):
    """Clicks."""

    def unfold(self, summary: str) -> None:
        """Click the words."""
        self.page.locator("summary", has_text=summary).click()

    def _write(self, field: Locator, text: str) -> None:
        field.click()
        field.fill(text)

    def _activate(self, target: Locator) -> None:
        target.click()

    def _tick(self, box: Locator) -> None:
        box.check()

    def _choose(self, radio: Locator) -> None:
        radio.check()


class Keyboard(Hands):
    """Tab, Enter, Space and arrows; never a click."""

    def unfold(self, summary: str) -> None:
        """Reach the words, press Enter."""
        self._reach(self.page.locator("summary", has_text=summary))
        self.page.keyboard.press("Enter")

    def _reach(self, target: Locator) -> None:
        target.wait_for()
        for _ in range(MOST_TABS):
            if target.evaluate("e => e === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {target}")

    def _write(self, field: Locator, text: str) -> None:
        self._reach(field)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def _activate(self, target: Locator) -> None:
        self._reach(target)
        self.page.keyboard.press("Enter")

    def _tick(self, box: Locator) -> None:
        self._reach(box)
        self.page.keyboard.press("Space")
        assert box.is_checked()

    def _choose(self, radio: Locator) -> None:
        """One stop for the whole group; arrows move inside it."""
        radio.wait_for()
        same = "(e) => document.activeElement.name === e.name"
        for _ in range(MOST_TABS):
            if radio.evaluate(same):
                break
            self.page.keyboard.press("Tab")
        self.page.keyboard.press("Space")
        for _ in range(MOST_TABS):
            if radio.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"arrows do not reach {radio}")
