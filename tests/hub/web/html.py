"""Reading pages in tests: strict parsing, links, counted queries."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
from sqlalchemy import event
from werkzeug.test import TestResponse

from hub.db import Database


def parsed(response: TestResponse) -> Element:
    """The page as a tree; an error of the mark-up is an exception."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    tree: Element = parser.parse(response.get_data(as_text=True))
    return tree


def words(element: Element) -> str:
    """What an element says, white space folded."""
    return " ".join("".join(element.itertext()).split())


def heading(response: TestResponse) -> str:
    """The words of the page's one <h1>."""
    (found,) = parsed(response).iter("h1")
    return words(found)


def by_class(tree: Element, name: str) -> list[Element]:
    """The elements of a class."""
    return [element for element in tree.iter() if name in (element.get("class") or "").split()]


def parts(tree: Element) -> dict[str, Element]:
    """The titled parts of a page, by the id of their heading."""
    return {
        heading.get("id") or "": section
        for section in by_class(tree, "part")
        for heading in section
        if heading.tag in ("h2", "h3") and heading.get("id")
    }


def links(element: Element) -> dict[str, str]:
    """Words -> address of the links inside."""
    return {words(a): a.get("href") or "" for a in element.iter("a")}


def card_titles(response: TestResponse) -> list[str]:
    """Titles of the cards of a page, in order."""
    return [words(title) for title in by_class(parsed(response), "card-title")]


@dataclass
class Counted:
    """Statements that went to the database."""

    statements: list[str] = field(default_factory=list)


@contextmanager
def queries(database: Database) -> Iterator[Counted]:
    """Count what a block asks of the database."""
    counted = Counted()

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            counted.statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield counted
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
