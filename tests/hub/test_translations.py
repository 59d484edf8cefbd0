"""The interface in two languages: every text is translated, and no page mixes the two."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask
from jinja2 import Environment, nodes
from sqlalchemy import select
from werkzeug.test import TestResponse

from hub.domain import alerts
from hub.domain.alert_text import Links
from hub.domain.saved_search import Search
from hub.models import Alert
from hub.models.reference import Municipality, Prefecture
from hub.services import Services
from tests.conftest import NOW
from tests.hub.web.browser import Browser
from tests.hub.web.html import parsed
from tests.market import firm, organisation_of, person, publish_call, publish_solution, town

ROOT = Path(__file__).parents[2]
PO = ROOT / "hub/translations/en/LC_MESSAGES/messages.po"
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None, "N_": None, "gettext": None, "lazy_gettext": None, "pgettext": ((1, "c"), 2),
}  # fmt: skip
# Kana, kanji, full-width forms and Japanese punctuation.
JAPANESE = re.compile("[\u3001-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff9f]+")
PLACEHOLDER = re.compile(r"%\(\w+\)[ds]")
# Japanese that code of the pages means as such: a language's own name, one prefecture, a full stop.
MEANT = {"日本語", "北海道", "。"}
# What shows when a value was forgotten, and what libraries say by themselves.
UNFILLED = re.compile(r"%\(|\{[{%]|^\s*(None|True|False|null|undefined|NaN)\s*$")
FOREIGN = re.compile(r"\b(None|True|False|Error|Submit|Invalid|Required|Not Found)\b")


# --- The catalogue ------------------------------------------------------------------------------


@lru_cache
def catalogue() -> Catalog:
    """The English catalogue."""
    with PO.open("rb") as file:
        return read_po(file, locale="en", abort_invalid=True)


@lru_cache
def in_use() -> frozenset[tuple[str | None, str]]:
    """(context, message id) of every text in code and templates."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(ROOT, methods, options, keywords=KEYWORDS)
    return frozenset((context, str(message)) for _file, _line, message, _notes, context in found)


def translated() -> list[Message]:
    """The entries of the catalogue without its header."""
    return [message for message in catalogue() if message.id]


def test_every_text_is_translated_and_nothing_is_left_behind() -> None:
    known = {(message.context, message.id) for message in translated()}
    assert in_use() - known == set(), "run `make messages` and translate"
    assert known - in_use() == set(), "run `make messages`"
    assert [message.id for message in translated() if not message.string] == []
    assert [message.id for message in translated() if message.fuzzy] == []
    assert list(catalogue().obsolete) == []


def test_placeholders_agree() -> None:
    for message in translated():
        wanted, given = (Counter(PLACEHOLDER.findall(s)) for s in (message.id, message.string))
        assert given == wanted, message.id
        assert list(message.check(catalogue())) == [], message.id


def test_english_is_written_in_latin_letters() -> None:
    assert [m.string for m in translated() if JAPANESE.search(m.string)] == []


def test_sentences_end_as_sentences() -> None:
    for message in translated():
        if message.id.endswith("。"):
            assert message.string[-1] in ".:?", message.string
        assert "  " not in message.string.strip()


@lru_cache
def compiled() -> bytes:
    """The catalogue as the application reads it."""
    file = BytesIO()
    write_mo(file, catalogue())
    return file.getvalue()


def test_the_catalogue_compiles() -> None:
    english = GNUTranslations(BytesIO(compiled()))
    for message in translated():
        said = (
            english.pgettext(message.context, message.id)
            if message.context
            else english.gettext(message.id)
        )
        assert said == message.string


# --- Texts that would escape translation --------------------------------------------------------


def _bare_in_template(source: str) -> Iterator[str]:
    tree = Environment(extensions=["jinja2.ext.do"]).parse(source)
    marked = {
        id(argument)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in KEYWORDS
        for argument in call.args
    }
    for const in tree.find_all(nodes.Const):
        if id(const) not in marked and isinstance(const.value, str):
            yield const.value
    for data in tree.find_all(nodes.TemplateData):
        yield re.sub("<rp>.</rp>", "", data.data)


def _bare_in_code(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    known = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", "")
            arguments = node.args if name in KEYWORDS else []
            known |= {id(part) for argument in arguments for part in ast.walk(argument)}
        elif isinstance(node, ast.Expr):  # a docstring
            known.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in known:
            yield node.value


@pytest.mark.parametrize(
    ("room", "bare"), [("templates", _bare_in_template), ("hub/web", _bare_in_code)]
)
def test_no_text_escapes_translation(room: str, bare: object) -> None:
    assert callable(bare)
    found = {
        str(path.relative_to(ROOT)): escaped
        for path in sorted((ROOT / room).rglob("*.*"))
        if path.suffix in (".html", ".py")
        if (escaped := [t for t in bare(path.read_text()) if JAPANESE.search(t) and t not in MEANT])
    }
    assert found == {}


# --- Pages --------------------------------------------------------------------------------------

WORDS = {
    "title": "A place for children after school",
    "summary": "We look for a partner who keeps a room open until the evening.",
    "problem": "Parents who work late have nowhere to turn.",
    "wanted": "Ideas that use empty classrooms.",
    "department": "Child section",
}
OFFER = {
    "title": "A room where homework gets done",
    "summary": "We keep a room open and let parents know.",
    "solves": "Children no longer wait alone.",
    "brings": "People who watch over them.",
}
ANSWERS = {
    "/search?page=0": 400,
    "/search?page=9": 404,
    "/no-such-page": 404,
    "/alerts/confirm/x": 404,
    "/r/ACD-EFG": 404,
}  # fmt: skip - others: 200
MISTAKES = {"opens_on": "soonish", "closes_on": "12/31", "closes_time": "99", "budget_max": "much"}


def _pages(app: Flask, services: Services, language: str) -> Iterator[tuple[str, TestResponse]]:
    """Public pages, pages for members, and refused forms, in a market that writes English."""
    services.settings.operator_name = "The operators"
    with services.database.unit_of_work() as session:
        officer, owner, visitor = town(session), firm(session, "Hidamari Ltd"), person(session)
        for number, user in enumerate((officer, owner, visitor)):
            user.name = f"Person {number}"
        call = publish_call(session, officer, **WORDS)
        solution = publish_solution(session, owner, **OFFER)
        ours, theirs = organisation_of(session, officer).id, organisation_of(session, owner).id
    public = ["/", "/search", "/search?target=solution", "/search?q=children&theme=childcare",
              "/search?q=nowhere&prefecture=13&prefecture=14", "/search?page=0", "/search?page=9",
              "/towns", "/towns?name=fu", "/towns?name=xyz", "/towns/042021", "/towns/040002",
              "/towns/132063", f"/calls/{call.id}", f"/solutions/{solution.id}",
              f"/organisations/{theirs}", "/ranking", "/accessibility", "/licences", "/privacy",
              "/contact", "/sign-in", "/register", "/no-such-page",
              "/alerts/new?q=children&theme=childcare", "/alerts/new?target=solution",
              "/alerts/sent", "/alerts/confirm/x", "/r", "/r/ACD-EFG",
              *_alert_pages(services)]  # fmt: skip
    home = f"/my/organisations/{ours}"
    inside = [home, f"{home}/matches", f"{home}/members", f"{home}/profile", f"{home}/calls/new",
              f"/calls/{call.id}", f"/calls/{call.id}/preview", f"/calls/{call.id}/edit",
              f"/calls/{call.id}/matches", "/my/organisations/new",
              "/my/organisations/new?kind=municipality"]  # fmt: skip
    beside = [f"/my/organisations/{theirs}", f"/my/organisations/{theirs}/solutions/new",
              f"/solutions/{solution.id}/preview", f"/solutions/{solution.id}/edit",
              f"/solutions/{solution.id}/matches"]  # fmt: skip
    for user, urls in ((None, public), (officer, inside), (owner, beside)):
        for url in urls:
            response = Browser(app, user).get(in_language(url, language))
            assert response.status_code == ANSWERS.get(url, 200), url
            yield url, response
    refused = [
        (None, "/sign-in", {"email": "a@b.jp", "password": "?"}),
        (None, "/register", {"email": "x"}),
        (None, "/alerts/new?q=children", {"email": "x"}),
        (visitor, "/my/organisations/new", {"kind": "company", "corporate_number": "12"}),
        (visitor, "/my/organisations/new", {"kind": "municipality", "body_code": "x"}),
        (officer, f"{home}/calls/new", MISTAKES),
    ]
    for user, url, form in refused:
        response = Browser(app, user).post(in_language(url, language), form)
        assert response.status_code == 422, url
        yield f"POST {url}", response


def _alert_pages(services: Services) -> list[str]:
    """Pages of an alert that waits, of one that runs, of one that has ended."""
    links = Links("http://localhost", services.settings.secret)
    with services.database.unit_of_work() as session:
        for text in ("waits", "runs", "ended"):
            alerts.subscribe(
                session,
                email="reader@example.jp",
                search=Search(text=text),
                title=text,
                language="en",
                links=links,
                now=NOW,
            )
        _waits, runs, ended = rows = session.scalars(select(Alert).order_by(Alert.id)).all()
        for alert in (runs, ended):
            alerts.confirm(session, alert, now=NOW)
        runs.last_sent_at = NOW
        alerts.end(session, ended, now=NOW)
    return [
        path
        for alert in rows
        for path in (
            f"/alerts/confirm/{links.token('confirm', alert.nonce)}",
            f"/alerts/end/{links.token('end', alert.nonce)}",
            f"/r/{alert.reference}",
        )
    ]


def in_language(url: str, language: str) -> str:
    """The address with the language chosen."""
    return f"{url}{'&' if '?' in url else '?'}lang={language}"


def _said(element: Element) -> Iterator[str]:
    """Texts and spoken attributes of a page, except what is marked as another language."""
    if element.get("lang") is not None and element.tag != "html":
        return
    if isinstance(element.tag, str) and element.tag not in ("script", "style", "rp"):
        yield element.text or ""
        yield from (value for name, value in element.items() if name not in ("href", "action"))
        for child in element:
            yield from _said(child)
            yield child.tail or ""


@pytest.fixture
def bilingual(app: Flask, tmp_path: Path) -> Flask:
    """The application with the catalogue as it is written now."""
    folder = tmp_path / "en" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.mo").write_bytes(compiled())
    app.extensions["babel"].translation_directories = [str(tmp_path)]
    return app


def _place_names(services: Services) -> set[str]:
    """What stays Japanese on an English page: places, as they are signposted."""
    with services.database.session() as session:
        towns = session.scalars(select(Municipality)).all()
        prefectures = session.scalars(select(Prefecture)).all()
        return {
            name
            for row in (*towns, *prefectures)
            for name in (row.name, row.kana, getattr(row, "full_name", row.name))
        }


def test_english_pages_are_english(bilingual: Flask, services: Services) -> None:
    places = _place_names(services)
    mixed = {
        url: odd
        for url, response in _pages(bilingual, services, "en")
        if (
            odd := [
                text.strip()
                for text in _said(parsed(response))
                if set(JAPANESE.findall(text)) - places or UNFILLED.search(text)
            ]
        )
    }
    assert mixed == {}


def test_japanese_pages_are_japanese(bilingual: Flask, services: Services) -> None:
    english = {m.string.strip() for m in translated() if m.string != m.id} - {""}
    mixed = {
        url: odd
        for url, response in _pages(bilingual, services, "ja")
        if (
            odd := [
                text.strip()
                for text in _said(parsed(response))
                if text.strip() in english or UNFILLED.search(text) or FOREIGN.search(text)
            ]
        )
    }
    assert mixed == {}
