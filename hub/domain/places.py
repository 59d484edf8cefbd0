"""Finding a municipality or prefecture from what a person types."""

import unicodedata
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from hub.domain.inputs import clean_line
from hub.models.reference import Municipality, Prefecture

SUGGESTIONS = 8
LONGEST = 40  # characters; no name with its prefecture is longer


@dataclass(frozen=True)
class Body:
    """A local public body: six-digit code and the name to show, with its prefecture."""

    code: str
    name: str
    full_name: str
    kana: str
    romaji: str = ""

    @property
    def is_prefecture(self) -> bool:
        """Whether it is a prefecture's own body: 000 after the prefecture's digits."""
        return self.code[2:5] == "000"


def one_body(session: Session, text: str) -> Body | None:
    """The only body that `text` names in full: by name, reading, romaji or code.

    Half a name never decides, nor does a name that two bodies share.
    """
    exact, _similar = _find(session, text)
    return exact[0] if len(exact) == 1 else None


def find_bodies(session: Session, text: str) -> list[Body]:
    """Bodies to choose from: those that `text` names, else some that begin like it.

    府中市 gives two, 東京都府中市 one.
    """
    exact, similar = _find(session, text)
    return exact or similar[:SUGGESTIONS]


def _find(session: Session, text: str) -> tuple[list[Body], list[Body]]:
    wanted = unicodedata.normalize("NFKC", clean_line(text)).replace(" ", "")
    if not wanted or len(wanted) > LONGEST:
        return [], []
    if wanted.isdigit() and len(wanted) in (5, 6):
        return [found for found in _all(session, wanted[:2]) if found.code.startswith(wanted)], []
    prefecture, rest = _split(session, wanted)
    similar = _all(session, prefecture, rest)
    names = {wanted, rest, _hiragana(rest), rest.lower()}
    return [b for b in similar if names & {b.full_name, b.name, b.kana, b.romaji}], similar


def body(session: Session, code: str) -> Body | None:
    """The body with this code, or None."""
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        return None
    return next((found for found in _all(session, code[:2]) if found.code == code), None)


def _split(session: Session, text: str) -> tuple[str, str]:
    """A leading prefecture's code (or "") and the rest of the text."""
    for row in session.scalars(select(Prefecture)):
        if text.startswith(row.name) and text != row.name:
            return row.code, text.removeprefix(row.name)
    return "", text


def _all(session: Session, prefecture: str, beginning: str = "") -> list[Body]:
    towns = select(Municipality).options(joinedload(Municipality.prefecture))
    prefectures = select(Prefecture)
    if prefecture:
        towns = towns.where(Municipality.prefecture_code == prefecture)
        prefectures = prefectures.where(Prefecture.code == prefecture)
    if beginning:
        kana = _hiragana(beginning)
        towns = towns.where(
            or_(
                Municipality.name.startswith(beginning, autoescape=True),
                Municipality.kana.startswith(kana, autoescape=True),
                Municipality.romaji == beginning.lower(),
            )
        )
        prefectures = prefectures.where(
            or_(
                Prefecture.name.startswith(beginning, autoescape=True),
                Prefecture.kana.startswith(kana, autoescape=True),
            )
        )
    found = [
        Body(row.body_code, row.name, row.name, row.kana) for row in session.scalars(prefectures)
    ]
    found += [
        Body(row.code, row.name, row.full_name, row.kana, row.romaji)
        for row in session.scalars(towns)
    ]
    return sorted(found, key=lambda item: item.code)


def _hiragana(text: str) -> str:
    return "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in text)
