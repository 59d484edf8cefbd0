"""A labelled set as a market: posted through the rules into a throw-away database."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.clock import JST, utcnow
from hub.domain import accounts, calls, listings, organisations, solutions
from hub.domain.calls import CallValues
from hub.domain.errors import Refused
from hub.domain.inputs import MAX_YEN
from hub.domain.organisations import Profile
from hub.domain.solutions import SolutionValues
from hub.evaluation.labelled import BadSet, LabelledSet, Row
from hub.models.listing import BUDGET_KINDS, CALL_KINDS, ELIGIBILITY, NATIONWIDE, STAGES
from hub.models.organisation import Organisation, SizeFacts, User
from hub.models.reference import CallKind, Municipality, Offer, Prefecture, Theme

EMPLOYEES = {"micro": 3, "small": 15, "medium": 120, "large": 2000}  # for the audit only


@dataclass
class Market:
    """Which listing of the database is which row of the set, and the moment it is all open."""

    now: datetime
    calls: dict[int, str] = field(default_factory=dict)
    solutions: dict[int, str] = field(default_factory=dict)


def post(session: Session, labelled: LabelledSet) -> Market:
    """Publish every row through the rules, at a moment before the first deadline."""
    poster = _Poster(session, labelled)
    for id_, row in labelled.calls.items():
        with _naming(id_):
            poster.market.calls[poster.call(row)] = id_
    for id_, row in labelled.solutions.items():
        with _naming(id_):
            poster.market.solutions[poster.solution(row)] = id_
    return poster.market


@contextmanager
def _naming(id_: str) -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        raise BadSet(f"{id_}: {refused}") from None


class _Poster:
    def __init__(self, session: Session, labelled: LabelledSet) -> None:
        self.session = session
        deadlines = [d for row in labelled.calls.values() if (d := _deadline(row))]
        first = min(deadlines, default=datetime(2026, 1, 1, tzinfo=UTC))
        self.market = Market(now=first - timedelta(days=1))
        # Tasks noted in the future would wait for it.
        self.posted_at = min(first - timedelta(days=30), utcnow())
        self.themes = self._keys(Theme) | self._mapped(labelled.theme_names)
        self.offers = self._keys(Offer)
        self.kinds = self._keys(CallKind)
        self.prefectures = {
            name: row.code
            for row in session.scalars(select(Prefecture))
            for name in (row.name, row.name[:-1], row.code, row.name_en)
        }
        self.owners: dict[tuple[str, str], tuple[Organisation, User]] = {}

    def _keys(self, model: Any) -> dict[str, str]:
        """Key, Japanese and English names of a reference table, each to the key."""
        return {
            name: row.key
            for row in self.session.scalars(select(model))
            for name in (row.key, row.name_ja, row.name_en)
        }

    def _mapped(self, names: dict[str, str]) -> dict[str, str]:
        """The set's own theme names, where its keys are ours."""
        known = set(self.session.scalars(select(Theme.key)))
        return {name: key for name, key in names.items() if key in known}

    def call(self, row: Row) -> int:
        organisation, owner = self._municipality(row)
        title, rest = _title(row)
        offers, offered = _known(row.get("offers"), self.offers)
        problem, more = _split(_text(row, "problem") or _text(row, "body") or title)
        values = CallValues(
            title=title,
            summary=_text(row, "summary")[: listings.SUMMARY_MAX],
            kind=self.kinds.get(str(row.get("kind")), CALL_KINDS[2]),
            vision=_text(row, "vision")[: listings.PROMPT_MAX],
            problem=problem,
            tried=_text(row, "tried")[: listings.PROMPT_MAX],
            offered=_lines(_text(row, "offered"), offered)[: listings.PROMPT_MAX],
            wanted=_text(row, "wanted")[: listings.PROMPT_MAX],
            details=_lines(
                rest, _text(row, "body") if row.get("problem") else "", more, _text(row, "details")
            )[: listings.DETAILS_MAX],
            themes=self._themes(row),
            offers=offers,
            budget_kind=_budget_kind(row),
            budget_max_yen=_yen(row.get("budget_yen")),
            eligibility_codes=_known(row.get("eligibility_codes"), {k: k for k in ELIGIBILITY})[0],
            municipality_code=organisation.municipality_code,
            closes_at=_deadline(row),
            contact_policy=_text(row, "contact_policy") or "（記載なし）",
        )
        call = calls.create(self.session, organisation, values, actor=owner, now=self.posted_at)
        calls.publish(
            self.session, call, actor=owner, now=self.posted_at, expected_version=call.version
        )
        return call.id

    def solution(self, row: Row) -> int:
        organisation, owner = self._company(row)
        title, rest = _title(row)
        asks, asked = _known(row.get("asks", row.get("needs")), self.offers)
        solves, more = _split(_text(row, "solves") or _text(row, "body") or title)
        values = SolutionValues(
            title=title,
            summary=_text(row, "summary")[: listings.SUMMARY_MAX],
            solves=solves,
            brings=_lines(
                rest, _text(row, "body") if row.get("solves") else "", more, _text(row, "brings")
            )[: listings.PROMPT_MAX],
            asks_text=_lines(_text(row, "asks_text"), asked)[: listings.PROMPT_MAX],
            evidence=(_text(row, "evidence") or _text(row, "track_record"))[: listings.PROMPT_MAX],
            themes=self._themes(row),
            asks=asks,
            kinds=_known(row.get("kinds"), self.kinds)[0],
            stage=row.get("stage") if row.get("stage") in STAGES else None,
            areas=self._areas(row.get("areas")),
        )
        solution = solutions.create(
            self.session, organisation, values, actor=owner, now=self.posted_at
        )
        solutions.publish(
            self.session,
            solution,
            actor=owner,
            now=self.posted_at,
            expected_version=solution.version,
        )
        return solution.id

    def _themes(self, row: Row) -> tuple[str, ...]:
        """Known themes, at most three; a post without any says so."""
        keys, _rest = _known(row.get("themes"), self.themes)
        return keys[: listings.THEMES_MAX] or ("other",)

    def _areas(self, value: Any) -> tuple[str, ...]:
        names = dict(self.prefectures) | {"全国": NATIONWIDE, NATIONWIDE: NATIONWIDE}
        return _known(value, names)[0]

    def _municipality(self, row: Row) -> tuple[Organisation, User]:
        name, prefecture = str(row.get("municipality", "")), str(row.get("prefecture", ""))
        if (name, prefecture) not in self.owners:
            owner = self._person(f"town{len(self.owners)}")
            self.owners[name, prefecture] = self._claim(name, prefecture, owner), owner
        return self.owners[name, prefecture]

    def _claim(self, name: str, prefecture: str, owner: User) -> Organisation:
        code = self._code(name, self.prefectures.get(prefecture))
        if code is None:  # a name that is no municipality's: it still takes part
            organisation = Organisation(
                kind="municipality", name=name or "自治体", created_at=self.posted_at
            )
            self.session.add(organisation)
            organisations.add_member(self.session, organisation, owner, "owner", now=self.posted_at)
        else:
            organisation = organisations.claim(
                self.session, code, actor=owner, now=self.posted_at
            ).organisation
        organisations.verify(self.session, organisation, actor=None, now=self.posted_at)
        return organisation

    def _code(self, name: str, prefecture: str | None) -> str | None:
        found = select(Municipality.code).where(Municipality.name == name)
        if prefecture:
            found = found.where(Municipality.prefecture_code == prefecture)
        codes = self.session.scalars(found).all()
        if len(codes) == 1:
            return codes[0]
        return self.session.scalar(select(Prefecture.body_code).where(Prefecture.name == name))

    def _company(self, row: Row) -> tuple[Organisation, User]:
        name = str(row.get("company") or row.get("owner") or "会社")[: organisations.NAME_MAX]
        if (name, "") not in self.owners:
            owner = self._person(f"firm{len(self.owners)}")
            organisation = organisations.create(
                self.session,
                "company",
                Profile(
                    name=name,
                    legal_form="other",
                    prefecture_code=self.prefectures.get(str(row.get("prefecture", "")), ""),
                ),
                actor=owner,
                now=self.posted_at,
            )
            employees = EMPLOYEES.get(str(row.get("company_size")))
            self.session.add(SizeFacts(organisation_id=organisation.id, employees=employees))
            self.owners[name, ""] = organisation, owner
        return self.owners[name, ""]

    def _person(self, key: str) -> User:
        return accounts.register(
            self.session,
            email=f"{key}@evaluation.example.jp",
            name=key,
            password=None,
            now=self.posted_at,
        )


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return "、".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _title(row: Row) -> tuple[str, str]:
    """A title that fits, and the whole of one that does not, to keep in the text."""
    title = _text(row, "title") or _text(row, "summary") or "（題名なし）"
    if len(title) <= listings.TITLE_MAX:
        return title, ""
    return title[: listings.TITLE_MAX - 1] + "…", title


def _split(text: str) -> tuple[str, str]:
    return text[: listings.PROMPT_MAX], text[listings.PROMPT_MAX :]


def _lines(*texts: str) -> str:
    return "\n".join(text for text in texts if text)


def _known(value: Any, names: dict[str, str]) -> tuple[tuple[str, ...], str]:
    """Keys of the values that are known, and the rest as text."""
    items: Iterable[Any] = value if isinstance(value, list) else [value] if value else []
    texts = [str(item).strip() for item in items]
    keys = tuple(dict.fromkeys(names[text] for text in texts if text in names))
    return keys, "、".join(text for text in texts if text not in names)


def _budget_kind(row: Row) -> str:
    if row.get("budget_kind") in BUDGET_KINDS:
        return str(row["budget_kind"])
    if "budget_yen" not in row:
        return "unstated"
    return "fixed" if _yen(row["budget_yen"]) else "none"


def _yen(value: Any) -> int | None:
    return min(int(value), MAX_YEN) if isinstance(value, int | float) and value > 0 else None


def _deadline(row: Row) -> datetime | None:
    """17:15 in Japan on the row's deadline; a moment of its own when the row gives one."""
    value = row.get("deadline") or row.get("closes_at")
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    if moment.tzinfo is not None:
        return moment
    if len(str(value)) > 10:
        return moment.replace(tzinfo=JST)
    day = date.fromisoformat(str(value)[:10])
    return datetime(day.year, day.month, day.day, 17, 15, tzinfo=JST)
