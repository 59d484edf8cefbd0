"""What a typed query means, by the places, kinds, themes and offers of the reference tables.

The tables change with releases only, so each process reads them once for each database.
"""

import threading
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.models.reference import CallKind, Municipality, Offer, Prefecture, Theme
from search.intent import FilterWords, Intent, Name, understand
from search.places import Gazetteer, Place

_Words = tuple[Gazetteer, FilterWords]

_by_database: WeakKeyDictionary[Any, _Words] = WeakKeyDictionary()
_lock = threading.Lock()


def intent_of(session: Session, text: str) -> Intent:
    """What is understood of a query: filters to offer, and its words of mere asking."""
    return understand(text, *_words(session))


def gazetteer(session: Session) -> Gazetteer:
    """Every prefecture and municipality by every way to write it."""
    return _words(session)[0]


def _words(session: Session) -> _Words:
    engine = session.get_bind().engine
    with _lock:
        found = _by_database.get(engine)
        if found is None:
            places, names = tuple(_places(session)), tuple(_names(session))
            found = _built(places), FilterWords(names)
            if places:  # tables that are not filled yet are read again
                _by_database[engine] = found
        return found


@lru_cache(maxsize=2)
def _built(places: tuple[Place, ...]) -> Gazetteer:
    return Gazetteer(places)


def _places(session: Session) -> list[Place]:
    prefectures = [
        Place(
            code=row.code,
            prefecture=row.code,
            name=row.name,
            kana=row.kana,
            romaji=row.name_en,
            kind="prefecture",
        )
        for row in session.execute(
            select(Prefecture.code, Prefecture.name, Prefecture.kana, Prefecture.name_en)
        )
    ]
    towns = [
        Place(
            code=row.code,
            prefecture=row.prefecture_code,
            name=row.name,
            kana=row.kana,
            romaji=row.romaji,
            kind=row.kind,
            district=row.district,
        )
        for row in session.execute(
            select(
                Municipality.code,
                Municipality.prefecture_code,
                Municipality.name,
                Municipality.kana,
                Municipality.romaji,
                Municipality.kind,
                Municipality.district,
            )
        )
    ]
    return [*prefectures, *towns]


def _names(session: Session) -> list[Name]:
    tables: dict[str, type[CallKind | Theme | Offer]] = {
        "kind": CallKind,
        "theme": Theme,
        "offer": Offer,
    }
    return [
        Name(field, key, text)
        for field, table in tables.items()
        for key, *texts in session.execute(
            select(table.key, table.name_ja, table.name_en).order_by(table.position)
        )
        for text in texts
    ]
