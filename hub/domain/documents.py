"""Listings as search documents: what the public may find, and nothing else.

`call_document` and `solution_document` are pure and know no vectors; `load` fetches what they
need and attaches the vectors of the model in force. A listing that
is not public (a draft, an archived one) has no document.
"""

import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload, selectinload

from hub.clock import epoch_seconds
from hub.domain import vectors
from hub.domain.status import public as public
from hub.models.listing import NATIONWIDE, Call, Solution
from hub.models.organisation import Organisation
from hub.models.reference import CallKind, Municipality, Offer, Prefecture, Region, Theme
from search.documents import SearchDocument

BATCH = 500
NATIONWIDE_NAMES = ("全国", "ぜんこく", "nationwide")


@dataclass(frozen=True, slots=True)
class Names:
    """Reference names in Japanese, kana and English, by key: what a document adds as keywords."""

    themes: dict[str, tuple[str, ...]]
    parents: dict[str, str]  # theme -> the theme above it
    offers: dict[str, tuple[str, ...]]
    kinds: dict[str, tuple[str, ...]]
    prefectures: dict[str, tuple[str, ...]]  # with their region


def load_names(session: Session) -> Names:
    """Read the reference tables once for many documents."""
    themes = session.execute(
        select(Theme.key, Theme.parent_key, Theme.name_ja, Theme.name_en)
    ).all()
    prefectures = session.execute(
        select(
            Prefecture.code,
            Prefecture.name,
            Prefecture.kana,
            Prefecture.name_en,
            Region.name_ja,
            Region.name_en,
        ).join(Region)
    ).all()
    return Names(
        themes={row.key: (row.name_ja, row.name_en) for row in themes},
        parents={row.key: row.parent_key for row in themes if row.parent_key},
        offers=_named(session, Offer),
        kinds=_named(session, CallKind),
        prefectures={code: tuple(names) for code, *names in prefectures}
        | {NATIONWIDE: NATIONWIDE_NAMES},
    )


def _named(session: Session, model: type[Offer] | type[CallKind]) -> dict[str, tuple[str, ...]]:
    rows = session.execute(select(model.key, model.name_ja, model.name_en))
    return {key: (name_ja, name_en) for key, name_ja, name_en in rows}


def call_document(call: Call, names: Names) -> SearchDocument:
    """The document of a public call."""
    organisation = call.organisation
    municipality = call.municipality or organisation.municipality
    prefecture = municipality.prefecture_code if municipality else organisation.prefecture_code
    themes = _with_parents(call.themes, names)
    return _versioned(
        SearchDocument(
            id=f"call-{call.id}",
            version=call.version,
            target="call",
            title=call.title,
            summary=call.summary,
            body=_paragraphs(
                call.vision,
                call.problem,
                call.tried,
                call.offered,
                call.wanted,
                call.details,
                call.eligibility,
                call.place,
                call.budget_note,
            ),
            needs=(call.problem, call.wanted, call.vision, call.details, call.tried),
            owner=f"{organisation.full_name} {call.department}".strip(),
            owner_kana=_kana(organisation),
            keywords=_keywords(
                (names.kinds.get(call.kind, ()),),
                (names.themes[key] for key in themes),
                (names.offers[key] for key in call.offers),
                (_municipality_names(municipality),),
                (names.prefectures.get(prefecture or "", ()),),
            ),
            kinds=(call.kind,),
            themes=themes,
            prefectures=(prefecture,) if prefecture else (),
            municipality=municipality.code if municipality else None,
            offers=tuple(call.offers),
            budget=None if call.budget_kind == "unstated" else call.budget_kind,
            budget_max=call.budget_max_yen,
            opens_at=epoch_seconds(call.opens_at),
            closes_at=epoch_seconds(call.closes_at),
            published_at=_published(call.published_at),
            closed=call.state == "closed",
        )
    )


def solution_document(solution: Solution, names: Names) -> SearchDocument:
    """The document of a public solution."""
    themes = _with_parents(solution.themes, names)
    wished, areas = tuple(sorted(solution.kinds)), tuple(sorted(solution.areas))
    return _versioned(
        SearchDocument(
            id=f"solution-{solution.id}",
            version=solution.version,
            target="solution",
            title=solution.title,
            summary=solution.summary,
            body=_paragraphs(
                solution.solves, solution.brings, solution.asks_text, solution.evidence
            ),
            needs=(solution.solves, solution.brings),
            owner=solution.organisation.full_name,
            owner_kana=_kana(solution.organisation),
            keywords=_keywords(
                (names.kinds[key] for key in wished),
                (names.themes[key] for key in themes),
                (names.offers[key] for key in solution.asks),
                (names.prefectures[key] for key in areas),
                (names.prefectures.get(solution.organisation.prefecture_code or "", ()),),
            ),
            kinds=wished or tuple(sorted(names.kinds)),  # no wish means any kind
            themes=themes,
            prefectures=areas,
            offers=tuple(solution.asks),
            stage=solution.stage,
            published_at=_published(solution.published_at),
            closed=solution.state == "closed",
        )
    )


def load(session: Session, ids: Collection[str]) -> dict[str, SearchDocument]:
    """The documents of these listings (`call-12`, `solution-7`) with the vectors that are there.

    A listing that is not public is absent.
    """
    names = load_names(session)
    found: dict[str, SearchDocument] = {}
    for subject in ("call", "solution"):
        numbers = [int(id_.partition("-")[2]) for id_ in ids if id_.startswith(f"{subject}-")]
        if numbers:
            made = list(_documents(session, subject, names, numbers))
            found |= {d.id: d for d in vectors.attach(session, made)}
    return found


def load_all(session: Session) -> Iterator[list[SearchDocument]]:
    """Every public listing's document, in batches."""
    names = load_names(session)
    for subject in ("call", "solution"):
        model = Call if subject == "call" else Solution
        ids = session.scalars(select(model.id).where(public(model)).order_by(model.id)).all()
        for start in range(0, len(ids), BATCH):
            made = list(_documents(session, subject, names, ids[start : start + BATCH]))
            yield vectors.attach(session, made)
            session.expunge_all()  # texts of ten thousand listings need not stay


def versions(session: Session) -> dict[str, int]:
    """Version of every document that the index should hold."""
    return {document.id: document.version for batch in load_all(session) for document in batch}


def _documents(
    session: Session, subject: str, names: Names, ids: Collection[int]
) -> Iterable[SearchDocument]:
    if subject == "call":
        for call in session.scalars(_calls(ids)):
            yield call_document(call, names)
    else:
        for solution in session.scalars(_solutions(ids)):
            yield solution_document(solution, names)


def _owner(model: type[Call] | type[Solution]) -> tuple[object, ...]:
    organisation = joinedload(model.organisation)
    place = organisation.joinedload(Organisation.municipality).joinedload(Municipality.prefecture)
    return (place, organisation.joinedload(Organisation.prefecture))


def _calls(ids: Collection[int]) -> Select[Call]:
    return (
        select(Call)
        .where(Call.id.in_(ids), public(Call))
        .options(
            *_owner(Call),  # type: ignore[arg-type]
            joinedload(Call.municipality).joinedload(Municipality.prefecture),
            selectinload(Call.theme_rows),
            selectinload(Call.offer_rows),
        )
        .execution_options(populate_existing=True)
    )


def _solutions(ids: Collection[int]) -> Select[Solution]:
    return (
        select(Solution)
        .where(Solution.id.in_(ids), public(Solution))
        .options(
            *_owner(Solution),  # type: ignore[arg-type]
            selectinload(Solution.theme_rows),
            selectinload(Solution.ask_rows),
            selectinload(Solution.kind_rows),
            selectinload(Solution.area_rows),
        )
        .execution_options(populate_existing=True)
    )


def _versioned(document: SearchDocument) -> SearchDocument:
    """Give the document a version that changes whenever anything in it does.

    The listing's version alone would miss a renamed owner or a corrected place name, so a
    checksum of the whole document follows it. Below 2**53 while versions are below 2**21,
    because production engines keep numbers as JSON does.
    """
    checksum = zlib.crc32(repr(document).encode("utf-8", "backslashreplace"))
    return replace(document, version=(document.version << 32) | checksum)


def _with_parents(keys: Iterable[str], names: Names) -> tuple[str, ...]:
    """Themes with the themes above them, so that a filter by the wide one finds the fine one."""
    found: dict[str, None] = {}
    for key in keys:
        found[key] = None
        if parent := names.parents.get(key):
            found[parent] = None
    return tuple(found)


def _keywords(*groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    unique = {name: None for group in groups for words in group for name in words if name}
    return tuple(unique)


def _municipality_names(municipality: Municipality | None) -> tuple[str, ...]:
    if municipality is None:
        return ()
    return (municipality.name, municipality.kana, municipality.romaji)


def _kana(organisation: Organisation) -> str:
    municipality = organisation.municipality
    if municipality is None:
        return organisation.name_kana
    return f"{municipality.prefecture.kana}{municipality.kana}"


def _paragraphs(*texts: str) -> str:
    return "\n".join(text for text in texts if text)


def _published(moment: datetime | None) -> int:
    return epoch_seconds(moment) or 0
