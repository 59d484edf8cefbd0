"""Finding a municipality or prefecture from what a person types."""

import unicodedata
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from hub.models.reference import Municipality, Prefecture

SUGGESTIONS = 8


@dataclass(frozen=True)
class Body:
    """A local public body: six-digit code and the name to show, with its prefecture."""

    code: str
    name: str
    full_name: str
    kana: str


def find_bodies(session: Session, text: str) -> list[Body]:
    """Bodies that `text` may mean: a code of 5 or 6 digits, a name, a reading, or both together.

    府中市 gives two, 東京都府中市 one. An exact name wins over names that only begin like it.
    """
    wanted = unicodedata.normalize("NFKC", text).replace(" ", "").strip()
    if not wanted:
        return []
    if wanted.isdigit() and len(wanted) in (5, 6):
        return [body for body in _all(session, wanted[:2]) if body.code.startswith(wanted)]
    prefecture, rest = _split(session, wanted)
    bodies = _all(session, prefecture, rest)
    reading = _hiragana(rest)
    exact = [b for b in bodies if b.full_name == wanted or b.name == rest or b.kana == reading]
    return exact or bodies[:SUGGESTIONS]


def body(session: Session, code: str) -> Body | None:
    """The body with this code, or None."""
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
    found += [Body(row.code, row.name, row.full_name, row.kana) for row in session.scalars(towns)]
    return sorted(found, key=lambda item: item.code)


def _hiragana(text: str) -> str:
    return "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in text)
