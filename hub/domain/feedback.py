"""Answers to recommended pairs: interested, declined with a reason, proposed, hidden.

An answer belongs to the organisation that gives it and moves that organisation's own lists alone.
No number of a firm, a solution or a call is ever made from answers: what others are shown stays
as it is. A firm that asks why it is not in a call's list learns that the town took it off, so that
it does not rewrite its text in vain (`position`); the reason stays with who gave it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased, joinedload

from hub.db import in_parts
from hub.domain import audit, dealing, desks, outbox
from hub.domain.errors import refuse
from hub.domain.organisations import is_identified
from hub.domain.permission import require
from hub.domain.rules import RULES
from hub.i18n import N_
from hub.models.desk import Desk
from hub.models.listing import Call, Solution
from hub.models.matching import LISTS, VERDICTS, Feedback, Match, Place
from hub.models.organisation import Organisation, User
from hub.models.reference import Municipality

CLOSING = ("declined", "hidden")  # such a pair leaves the list of who said so
EQUAL_REASONS = 3
REMEMBERED = timedelta(days=180)
MOST_SHIFT = 0.2
PATIENCE = timedelta(days=60)
UNANSWERED = 3  # firms


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a pair was declined. `part` is the part of the score it speaks about, "" if none.

    `fit` tells whether it says that the pair does not fit, and not only that now is no time.
    """

    code: str
    part: str
    fit: bool
    town: str
    firm: str


REASONS = (
    Reason("problem", "text", True, N_("困りごとに合わない"), N_("困りごとが当社の領域と違う")),
    Reason("theme", "themes", True, N_("分野が違う"), N_("分野が違う")),
    Reason("place", "place", True, N_("地域が合わない"), N_("地域が合わない")),
    Reason("stage", "stage", True, N_("まだ早い段階に見える"), N_("当社の準備がまだ早い")),
    Reason("kind", "kind", True, N_("募集の種類が合わない"), N_("募集の種類が合わない")),
    Reason("asks", "asks", True, N_("求めるものを用意できない"), N_("必要なものが示されていない")),
    Reason("have", "", False, N_("すでに取り組んでいる"), N_("すでに話をしている")),
    Reason("timing", "", False, N_("時期が合わない"), N_("時期が合わない")),
    Reason("other", "", False, N_("そのほか"), N_("そのほか")),
)
BY_CODE = {reason.code: reason for reason in REASONS}
FIT_REASONS = tuple(reason.code for reason in REASONS if reason.fit)

Pairs = set[tuple[int, int]]  # call, solution


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair in a list of `kind` (LISTS): a call's, or a firm's."""

    kind: str
    call: Call
    solution: Solution

    @property
    def organisation(self) -> Organisation:
        """Whose list it is: the town behind the call, or the firm behind the solution."""
        return (self.call if self.kind == "call" else self.solution).organisation

    @property
    def owner_id(self) -> int:
        """The owner of the list: the call, or the firm."""
        return self.call.id if self.kind == "call" else self.solution.organisation_id


# --- Answering ----------------------------------------------------------------------------------


def find_pair(session: Session, kind: str, call_id: int, solution_id: int) -> Pair | None:
    """The pair, if it was ever compared or shown in a list of this kind."""
    if kind not in LISTS:
        return None
    call, solution = session.get(Call, call_id), session.get(Solution, solution_id)
    if call is None or solution is None:
        return None
    pair = Pair(kind, call, solution)
    compared = session.get(Match, (call_id, solution_id)) is not None
    return pair if compared or _place(session, pair) is not None else None


def answer(
    session: Session,
    pair: Pair,
    verdict: str,
    *,
    reason: str = "",
    actor: User | None,
    now: datetime,
) -> Feedback:
    """Say what the pair is to us, or change what we said. Raises Forbidden, Refused."""
    require(actor, "feedback.give", pair)
    reason = _checked(verdict, reason)
    leaning = _taste(session, pair, now)
    row = _row(session, pair)
    before = {} if row is None else {"verdict": row.verdict, "reason": row.reason}
    after = {"verdict": verdict, "reason": reason}
    if row is not None and before == after:
        return row
    if row is None:
        row = _added(session, pair, verdict, now)
    row.verdict, row.reason, row.at = verdict, reason, now
    row.user_id = actor.id if actor else None
    session.flush()
    _changed(session, "feedback.give", pair, leaning, actor, now, before, after)
    return row


def undo(session: Session, pair: Pair, *, actor: User | None, now: datetime) -> None:
    """Take an answer back; what was never said changes nothing. Raises Forbidden."""
    require(actor, "feedback.give", pair)
    row = _row(session, pair)
    if row is None:
        return
    leaning = _taste(session, pair, now)
    before = {"verdict": row.verdict, "reason": row.reason}
    session.delete(row)
    session.flush()
    _changed(session, "feedback.undo", pair, leaning, actor, now, before, {})


def _checked(verdict: str, reason: str) -> str:
    if verdict not in VERDICTS:
        raise refuse("verdict", N_("返事を1つ選んでください"))
    if verdict != "declined":
        return ""
    if reason not in BY_CODE:
        raise refuse("reason", N_("対象外とする理由を1つ選んでください"))
    return reason


def _row(session: Session, pair: Pair) -> Feedback | None:
    key = (pair.organisation.id, pair.call.id, pair.solution.id)
    return session.get(Feedback, key, with_for_update=True)


def _added(session: Session, pair: Pair, verdict: str, now: datetime) -> Feedback:
    row = Feedback(
        organisation_id=pair.organisation.id,
        call_id=pair.call.id,
        solution_id=pair.solution.id,
        verdict=verdict,
        at=now,
        seen=_seen(session, pair),
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # the same form twice at once: what the other one stored is changed
        stored = _row(session, pair)
        assert stored is not None
        return stored
    return row


def _seen(session: Session, pair: Pair) -> dict[str, Any]:
    """The pair as it stood in the list; without a rank when the list never showed it."""
    place = _place(session, pair)
    match = session.get(Match, (pair.call.id, pair.solution.id))
    seen: dict[str, Any] = {"list": pair.kind, "parts": {}}
    if match is not None:
        seen |= {"parts": match.parts, "prose": match.prose}
    if place is not None:
        seen |= {"rank": place.rank, "value": place.value, "how": place.how}
    return seen


def _place(session: Session, pair: Pair) -> Place | None:
    """The pair's place in the list, or the last one it had there."""
    return session.scalar(
        select(Place)
        .where(
            Place.kind == pair.kind,
            Place.owner_id == pair.owner_id,
            Place.call_id == pair.call.id,
            Place.solution_id == pair.solution.id,
        )
        .order_by(Place.begins_at.desc(), Place.id.desc())
        .limit(1)
    )


def _changed(
    session: Session,
    action: str,
    pair: Pair,
    leaning: dict[str, float],
    actor: User | None,
    now: datetime,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    """Write the event, and ask for our own list if the pair leaves or comes back.

    All our lists are asked for when our taste has changed; nothing when neither has.
    """
    own, other = (pair.call, pair.solution) if pair.kind == "call" else (pair.solution, pair.call)
    audit.record(
        session,
        action,
        own.subject,
        own.id,
        actor=actor,
        organisation_id=pair.organisation.id,
        now=now,
        before=before,
        after={other.subject: other.id, **after},
    )
    changed = _taste(session, pair, now) != leaning
    lists = {pair.owner_id}
    if not changed and _closes(before) == _closes(after):
        return
    if changed and pair.kind == "call":
        ours = select(Call.id).where(
            Call.organisation_id == pair.organisation.id, Call.state == "published"
        )
        lists |= set(session.scalars(ours))
    outbox.note_ids(session, pair.kind, sorted(lists), cause="feedback", now=now, kinds=("deal",))


def _closes(said: dict[str, Any]) -> bool:
    return said.get("verdict") in CLOSING


def _taste(session: Session, pair: Pair, now: datetime) -> dict[str, float]:
    """The organisation's taste as it is now."""
    own = pair.organisation.id
    return _tastes(session, [own], now).get(own, {})


def given(session: Session, organisation: Organisation) -> list[Feedback]:
    """Every answer of the organisation with both listings and their owners, newest first."""
    place = (
        joinedload(Organisation.municipality).joinedload(Municipality.prefecture),
        joinedload(Organisation.prefecture),
    )
    return list(
        session.scalars(
            select(Feedback)
            .where(Feedback.organisation_id == organisation.id)
            .order_by(Feedback.at.desc(), Feedback.call_id, Feedback.solution_id)
            .options(
                joinedload(Feedback.call).joinedload(Call.organisation).options(*place),
                joinedload(Feedback.solution).joinedload(Solution.organisation).options(*place),
            )
        )
    )


def verdicts(
    session: Session, organisation_id: int, pairs: Collection[tuple[int, int]]
) -> dict[tuple[int, int], Feedback]:
    """What the organisation said of these pairs (call, solution)."""
    wanted = set(pairs)
    calls = {call_id for call_id, _solution in wanted}
    rows = session.scalars(
        select(Feedback).where(
            Feedback.organisation_id == organisation_id, Feedback.call_id.in_(calls)
        )
    )
    return {key: row for row in rows if (key := (row.call_id, row.solution_id)) in wanted}


# --- What the lists of an organisation are dealt by ----------------------------------------------


def closed_pairs(session: Session, kind: str, owner_ids: Collection[int]) -> dict[int, Pairs]:
    """The pairs that these lists must not show: their organisation declined or hid them.

    `owner_ids` are calls, or (`kind` "firm") organisations; those without any are left out.
    """
    statement = select(Feedback.call_id, Feedback.solution_id)
    if kind == "call":
        own: Any = Feedback.call_id
        statement = statement.join(Call, Feedback.call_id == Call.id).where(
            Feedback.organisation_id == Call.organisation_id
        )
    else:
        own = Feedback.organisation_id
        statement = statement.join(Solution, Feedback.solution_id == Solution.id).where(
            Feedback.organisation_id == Solution.organisation_id
        )
    found: defaultdict[int, Pairs] = defaultdict(set)
    for part in in_parts(sorted(owner_ids)):
        rows = session.execute(
            statement.add_columns(own).where(own.in_(part), Feedback.verdict.in_(CLOSING))
        )
        for call_id, solution_id, owner_id in rows:
            found[owner_id].add((call_id, solution_id))
    return dict(found)


def tastes(
    session: Session, kind: str, owner_ids: Collection[int], now: datetime
) -> dict[int, dict[str, float]]:
    """How much more or less each part of the score counts in these lists: {part: 0.8 … 1.2}.

    Three equal reasons of one organisation within 180 days say that the part they name was
    weighed wrongly for it: one that had called the pairs a fit counts less from then on, one
    that had called them none counts more. Lists without any such part are left out.
    """
    if kind != "call":
        return _tastes(session, owner_ids, now)
    owners: dict[int, int] = {}
    for part in in_parts(sorted(owner_ids)):
        calls = session.execute(select(Call.id, Call.organisation_id).where(Call.id.in_(part)))
        owners |= {row.id: row.organisation_id for row in calls}
    found = _tastes(session, set(owners.values()), now)
    return {call: found[town] for call, town in owners.items() if town in found}


def _tastes(
    session: Session, organisation_ids: Collection[int], now: datetime
) -> dict[int, dict[str, float]]:
    reasons: defaultdict[tuple[int, str], list[float | None]] = defaultdict(list)
    for part in in_parts(sorted(organisation_ids)):
        rows = session.scalars(
            select(Feedback).where(
                Feedback.organisation_id.in_(part),
                Feedback.verdict == "declined",
                Feedback.at > now - REMEMBERED,
            )
        )
        for row in rows:
            if name := BY_CODE[row.reason].part:
                value = row.seen.get("parts", {}).get(name)
                reasons[row.organisation_id, name].append(value)
    found: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for (organisation_id, name), values in sorted(reasons.items()):
        if len(values) >= EQUAL_REASONS and (factor := _factor(values)) != 1:
            found[organisation_id][name] = factor
    return dict(found)


def _factor(values: Iterable[float | None]) -> float:
    """1.2 where the part called the declined pairs no fit at all, 0.8 where a perfect one."""
    stated = [value for value in values if value is not None]
    if not stated:
        return 1.0
    mean = min(max(sum(stated) / len(stated), 0.0), 1.0)
    return round(1 + MOST_SHIFT * (1 - 2 * mean), 3)


# --- What weights may be refitted by -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer that says whether a pair fits: of which list, from which place, for or against.

    `voice` tells only which answers one organisation gave; it counts from 0. `parts` and `prose` are the pair's as it was answered.
    """

    list: str
    voice: int
    place: int
    good: bool
    parts: dict[str, float | None]
    prose: float


def outcomes(session: Session) -> list[Outcome]:
    """The answers about fit that were given to places, in a fixed order.

    What is hidden, has no time now or is there already says nothing about fit.
    """
    rows = session.scalars(
        select(Feedback)
        .where(Feedback.verdict != "hidden")
        .order_by(Feedback.organisation_id, Feedback.call_id, Feedback.solution_id)
    )
    voices: dict[int, int] = {}
    return [
        Outcome(
            list=f"call-{row.call_id}" if seen["list"] == "call" else f"firm-{row.organisation_id}",
            voice=voices.setdefault(row.organisation_id, len(voices)),
            place=seen["rank"],
            good=row.verdict != "declined",
            parts=seen["parts"],
            prose=seen["prose"],
        )
        for row in rows
        if {"rank", "prose"} <= (seen := row.seen).keys()
        and (row.verdict != "declined" or row.reason in FIT_REASONS)
    ]


# --- How much a town can take --------------------------------------------------------------------


def overloaded(session: Session, town_ids: Collection[int], now: datetime) -> set[int]:
    """Towns that leave firms without an answer: three of them for more than 60 days.

    It counts firms that proposed to a call recommended to them, within 180 days. One firm counts
    once, so that none can stop a town's lists for the others. An answer ends it at once.
    """
    waiting = _waiting(session, town_ids, since=now - REMEMBERED, until=now - PATIENCE)
    return {town for town, firms in waiting.items() if len(firms) >= UNANSWERED}


def capacities(session: Session, town_ids: Collection[int], now: datetime) -> dict[int, int | None]:
    """In how many firms' lists the calls of each town may be; None: as many as the rules allow.

    None of a town whose public desks all rest. The floor, five for each open call, of a town at
    its stated capacity (as many firms wait for its answer as it can look at) and of an overloaded
    one: "we have much to do" lowers what comes in, and never cuts a call off.
    """
    taking: defaultdict[int, list[int | None]] = defaultdict(list)
    resting: set[int] = set()
    for part in in_parts(sorted(town_ids)):
        published = session.scalars(
            select(Desk).where(Desk.organisation_id.in_(part), Desk.state == "published")
        )
        for desk in published:
            if desks.is_paused(desk, now):
                resting.add(desk.organisation_id)
            else:
                taking[desk.organisation_id].append(desk.capacity)
    waiting = _waiting(session, taking, since=now - REMEMBERED, until=now)
    full = {
        town
        for town, stated in taking.items()
        if None not in stated and len(waiting.get(town, ())) >= sum(c or 0 for c in stated)
    }
    slow = full | overloaded(session, town_ids, now)
    posted = dealing.open_calls(session, slow, now=now)
    found: dict[int, int | None] = dict.fromkeys(town_ids)
    found |= {town: RULES.floor * posted[town] for town in slow}
    found |= dict.fromkeys(resting - taking.keys(), 0)
    return found


def _waiting(
    session: Session, town_ids: Collection[int], *, since: datetime, until: datetime
) -> dict[int, set[int]]:
    """The firms that say they proposed to a town and have no answer: town -> firms.

    Only pairs that their lists had shown count, else anyone could fill a town's desk.
    """
    reply = aliased(Feedback)
    answered = exists().where(
        reply.organisation_id == Call.organisation_id,
        reply.call_id == Feedback.call_id,
        reply.solution_id == Feedback.solution_id,
    )
    statement = (
        select(Call.organisation_id, Feedback.organisation_id, Feedback.seen)
        .join(Call, Feedback.call_id == Call.id)
        .join(Organisation, Feedback.organisation_id == Organisation.id)
        .where(
            is_identified(),
            Feedback.verdict == "proposed",
            Feedback.organisation_id != Call.organisation_id,
            Feedback.at > since,
            Feedback.at <= until,
            ~answered,
        )
    )
    found: defaultdict[int, set[int]] = defaultdict(set)
    for part in in_parts(sorted(town_ids)):
        for town, firm, seen in session.execute(statement.where(Call.organisation_id.in_(part))):
            if "rank" in seen:
                found[town].add(firm)
    return dict(found)
