"""What matching may know of a listing: the allowed inputs, by explicit columns and nothing more.

Size, capital, counts, names and head offices are not among them, so they cannot be loaded by
mistake. The keys of the mappings are the fields of the matcher's `CallFacts` and `SolutionFacts`;
`fingerprint` tells whether matches were made from a listing's present facts.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from hub.clock import epoch_seconds
from hub.db import in_parts
from hub.models.listing import (
    Call,
    CallEligibility,
    CallOffer,
    CallTheme,
    Solution,
    SolutionArea,
    SolutionAsk,
    SolutionKind,
    SolutionTheme,
)
from hub.models.organisation import Organisation
from hub.models.reference import Municipality
from hub.models.work import AuditEvent

Facts = dict[str, Any]

CALL_TEXTS = ("title", "summary", "vision", "problem", "tried", "offered", "wanted", "details")
SOLUTION_TEXTS = ("title", "summary", "solves", "brings", "asks_text", "evidence")

NOT_CONTENT = frozenset({"id", "town", "firm", "opens_at", "closes_at", "published"})


def calls(
    session: Session,
    ids: Collection[int] | None = None,
    *,
    states: Sequence[str] = ("published",),
) -> dict[int, Facts]:
    """Facts of published calls by id: all of them, or those among `ids`.

    With other `states` they are facts as of calls that are published.
    """
    rows = session.execute(
        _published(
            select(
                Call.id,
                Call.organisation_id,
                Call.kind,
                Call.budget_kind,
                Call.opens_at,
                Call.closes_at,
                *(getattr(Call, name) for name in CALL_TEXTS),
                Municipality.code.label("municipality"),
                Municipality.prefecture_code.label("municipality_prefecture"),
                Organisation.prefecture_code,
            )
            .join(Organisation, Call.organisation_id == Organisation.id)
            .outerjoin(
                Municipality,
                Municipality.code
                == func.coalesce(Call.municipality_code, Organisation.municipality_code),
            ),
            Call,
            ids,
            states,
        )
    ).all()
    themes = _chosen(session, CallTheme.call_id, CallTheme, ids)
    offers = _chosen(session, CallOffer.call_id, CallOffer, ids)
    eligibility = _chosen(session, CallEligibility.call_id, CallEligibility, ids)
    return {
        row.id: {
            "id": row.id,
            "town": row.organisation_id,
            "kind": row.kind,
            **{name: getattr(row, name) for name in CALL_TEXTS},
            "themes": themes[row.id],
            "offers": offers[row.id],
            "prefecture": row.municipality_prefecture or row.prefecture_code,
            "municipality": row.municipality,
            "budget_kind": row.budget_kind,
            "opens_at": epoch_seconds(row.opens_at),
            "closes_at": epoch_seconds(row.closes_at),
            "published": True,
            "eligibility": eligibility[row.id],
        }
        for row in rows
    }


def solutions(session: Session, ids: Collection[int] | None = None) -> dict[int, Facts]:
    """Facts of published solutions by id: all of them, or those among `ids`."""
    rows = session.execute(
        _published(
            select(
                Solution.id,
                Solution.organisation_id,
                Solution.stage,
                *(getattr(Solution, name) for name in SOLUTION_TEXTS),
                Organisation.legal_form,
            ).join(Organisation, Solution.organisation_id == Organisation.id),
            Solution,
            ids,
        )
    ).all()
    themes = _chosen(session, SolutionTheme.solution_id, SolutionTheme, ids)
    asks = _chosen(session, SolutionAsk.solution_id, SolutionAsk, ids)
    kinds = _chosen(session, SolutionKind.solution_id, SolutionKind, ids)
    areas = _chosen(session, SolutionArea.solution_id, SolutionArea, ids)
    return {
        row.id: {
            "id": row.id,
            "firm": row.organisation_id,
            **{name: getattr(row, name) for name in SOLUTION_TEXTS},
            "themes": themes[row.id],
            "asks": asks[row.id],
            "kinds": kinds[row.id],
            "stage": row.stage,
            "areas": areas[row.id],
            "published": True,
            "juridical": _juridical(row.legal_form),
        }
        for row in rows
    }


def draft(session: Session, call_id: int) -> Facts | None:
    """What matching would know of a call if it were public as it is; None when there is none."""
    return calls(session, [call_id], states=("draft", "published")).get(call_id)


def load(session: Session, subject: str, ids: Collection[int] | None = None) -> dict[int, Facts]:
    """`calls` or `solutions`, by the name of the subject."""
    return calls(session, ids) if subject == "call" else solutions(session, ids)


def first_published(
    session: Session, subject: str, ids: Collection[int] | None = None
) -> dict[int, int]:
    """When each published listing was first published, in seconds since 1970 UTC.

    Its age decides nothing but which of several posts with the same text stands for all.
    """
    model = Call if subject == "call" else Solution
    statement: Any = select(model.id, model.published_at)
    rows = session.execute(_published(statement, model, ids))
    return {row.id: epoch_seconds(row.published_at) or 0 for row in rows}


def whole_text(subject: str, values: Mapping[str, Any]) -> str:
    """All that a listing says in words."""
    return "\n".join(values[name] for name in _texts(subject))


def versions(
    session: Session, subject: str, found: Mapping[int, Facts]
) -> dict[int, list[tuple[int, str]]]:
    """What published listings have said, oldest first: since when (seconds since 1970 UTC), what.

    `found` holds what they say now. The first version is the one that was published; the trail
    has those in between. A listing that was withdrawn this moment is left out.
    """
    published = first_published(session, subject, found)
    changes = _changes(session, subject, published)
    said: dict[int, list[tuple[int, str]]] = {}
    for id_, begun in published.items():
        values = dict(found[id_])
        said[id_] = []
        for when, before in reversed(changes[id_]):
            said[id_].append((when, whole_text(subject, values)))
            values |= before
        said[id_].append((begun, whole_text(subject, values)))
        said[id_].reverse()
    return said


def unsaid(session: Session, ids: Collection[int], since: datetime) -> dict[int, list[str]]:
    """What solutions said after a moment and say no more: all they said, if they were withdrawn."""
    found: dict[int, list[str]] = {}
    for part in in_parts(sorted(ids)):
        changes = _changes(session, "solution", part)
        columns = (getattr(Solution, name) for name in SOLUTION_TEXTS)
        withdrawn = (Solution.state != "published").label("withdrawn")
        changed = Solution.id.in_(changes)
        statement = select(Solution.id, withdrawn, *columns)
        own = Solution.id.in_(part)
        for row in session.execute(statement.where(own, or_(withdrawn, changed))):
            values = {name: getattr(row, name) for name in SOLUTION_TEXTS}
            said = [whole_text("solution", values)] if row.withdrawn else []
            for when, before in reversed(changes[row.id]):
                values |= before
                if when > since.timestamp():
                    said.append(whole_text("solution", values))
            found[row.id] = said
    return found


def texts(session: Session, ids: Collection[int]) -> dict[int, str]:
    """All that solutions say in words."""
    columns = (getattr(Solution, name) for name in SOLUTION_TEXTS)
    statement = select(Solution.id, *columns)
    return {
        row.id: whole_text("solution", {name: getattr(row, name) for name in SOLUTION_TEXTS})
        for part in in_parts(sorted(ids))
        for row in session.execute(statement.where(Solution.id.in_(part)))
    }


def _changes(
    session: Session, subject: str, ids: Collection[int]
) -> defaultdict[int, list[tuple[int, dict[str, str]]]]:
    """The changes of published texts, oldest first: when, and what the changed texts said before."""
    model = Call if subject == "call" else Solution
    rows = session.execute(
        select(AuditEvent.subject_id, AuditEvent.at, AuditEvent.before)
        .join(model, AuditEvent.subject_id == model.id)
        .where(
            AuditEvent.subject == subject,
            AuditEvent.subject_id.in_(ids),
            AuditEvent.action == f"{subject}.change",
            AuditEvent.at > model.published_at,
        )
        .order_by(AuditEvent.id)
    )
    found: defaultdict[int, list[tuple[int, dict[str, str]]]] = defaultdict(list)
    for row in rows:
        before = {name: row.before[name] for name in _texts(subject) if name in row.before}
        if before:
            found[row.subject_id].append((epoch_seconds(row.at) or 0, before))
    return found


def _texts(subject: str) -> tuple[str, ...]:
    return CALL_TEXTS if subject == "call" else SOLUTION_TEXTS


def fingerprint(facts: Mapping[str, Any], meaning: str = "") -> str:
    """A digest that changes with the content; ids and dates are none, so a new deadline is not.

    `meaning` is the mark of the listing's vectors, "" while it does not have all of them.
    """
    content = {name: value for name, value in facts.items() if name not in NOT_CONTENT}
    content["meaning"] = meaning
    text = json.dumps(content, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _published(
    statement: Select[Any],
    model: type[Call] | type[Solution],
    ids: Collection[int] | None,
    states: Sequence[str] = ("published",),
) -> Select[Any]:
    statement = statement.where(model.state.in_(states))
    return statement if ids is None else statement.where(model.id.in_(ids))


def _chosen(
    session: Session, owner: InstrumentedAttribute[int], model: Any, ids: Collection[int] | None
) -> defaultdict[int, tuple[str, ...]]:
    """The chosen keys of each listing, in the order they were chosen."""
    statement = select(owner, model.key).order_by(owner, model.position, model.key)
    if ids is not None:
        statement = statement.where(owner.in_(ids))
    found: defaultdict[int, tuple[str, ...]] = defaultdict(tuple)
    for listing_id, key in session.execute(statement):
        found[listing_id] += (key,)
    return found


def _juridical(legal_form: str | None) -> bool | None:
    """Whether the firm is a juridical person; None when it did not say."""
    if legal_form in (None, "other"):
        return None
    return legal_form != "sole_proprietor"
