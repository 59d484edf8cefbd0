"""A search as plain data: reading it from an address, changing one part, asking the index.

`hub.web.search_state` adds the address of the page. What is kept for an alert is the query string
of `lasting()`, so that the worker asks the index what the page would.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self
from urllib.parse import parse_qs, urlencode

from hub.clock import epoch_seconds
from hub.domain.inputs import clean_line
from hub.i18n import N_
from search.query import SORTS, SearchQuery

PER_PAGE = 20
TEXT_MAX = 200
VALUES_MAX = 20
# What can be narrowed, in the order of the panel and of the address.
FIELDS = {
    "call": (
        *("status", "deadline", "theme", "kind", "prefecture", "municipality", "offer"),
        *("budget", "amount"),
    ),
    "solution": ("theme", "stage", "kind", "prefecture", "offer"),
}
NAMES = ("q", "target", "sort", *dict.fromkeys((*FIELDS["call"], *FIELDS["solution"])), "page")
_PAGE_DIGITS = 5

# (field, values) -> those values that exist, each once, in the order of the panel
Known = Callable[[str, Sequence[str]], tuple[str, ...]]
Given = Mapping[str, Sequence[str]]  # name -> values, as an address gives them


class Unreadable(Exception):
    """The address asks for something that cannot be answered; `message` says what to change."""

    def __init__(self, message: str, **values: int) -> None:
        super().__init__(message)
        self.message = message
        self.values = values


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched. Several values of one field widen, fields narrow one another."""

    text: str = ""
    target: str = "call"
    sort: str = "relevance"
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    page: int = 1

    @classmethod
    def read(cls, given: Given, known: Known) -> Self:
        """The search that is asked for; values that do not exist are left out.

        Raises Unreadable for a text, a list of values or a page number that cannot be honoured.
        """
        target = _first(given, "target", "call")
        target = target if target in FIELDS else "call"
        filters = {name: _values(given, name, known) for name in FIELDS[target]}
        sort = _first(given, "sort", "relevance")
        return cls(
            text=_text(_first(given, "q", "")),
            target=target,
            sort=sort if sort in SORTS else "relevance",
            filters={name: values for name, values in filters.items() if values},
            page=_page(_first(given, "page", "1")),
        )

    @classmethod
    def saved(cls, query_string: str) -> Self:
        """The search that `query_string` was made from. It was valid then, so all is known."""
        return cls.read(parse_qs(query_string), lambda name, values: tuple(values))

    @property
    def query_string(self) -> str:
        """The search as one line; `saved` reads it back."""
        return urlencode(self.pairs())

    def lasting(self) -> Self:
        """What two people who wish to hear of the same listings have in common.

        Order, page and status fall away (news are always open), and the order of the values.
        """
        filters = {
            name: tuple(sorted(values)) for name, values in self.filters.items() if name != "status"
        }
        return replace(self, sort="relevance", page=1, filters=filters)

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values of the address."""
        return [(name, value) for name, values in self._parts().items() for value in values]

    def beside_filters(self) -> dict[str, tuple[str, ...]]:
        """What a form for the filters must carry along."""
        return {k: v for k, v in self._parts().items() if k in ("q", "target", "sort")}

    def beside_words(self) -> dict[str, tuple[str, ...]]:
        """What a form for the words must carry along."""
        return {k: v for k, v in self._parts().items() if k not in ("q", "page")}

    def whole(self) -> Self:
        """The same search from its first page."""
        return replace(self, page=1)

    def _parts(self) -> dict[str, tuple[str, ...]]:
        return {
            **({"q": (self.text,)} if self.text else {}),
            "target": (self.target,),
            **({"sort": (self.sort,)} if self.sort != "relevance" else {}),
            **{name: self.filters[name] for name in FIELDS[self.target] if name in self.filters},
            **({"page": (str(self.page),)} if self.page > 1 else {}),
        }

    def conditions(self) -> list[tuple[str, str]]:
        """Every (field, value) that narrows."""
        return [(name, v) for name in FIELDS[self.target] for v in self.filters.get(name, ())]

    def without(self, name: str, value: str) -> Self:
        """The same search without this one condition."""
        rest = tuple(kept for kept in self.filters.get(name, ()) if kept != value)
        return self.choosing(name, rest)

    def choosing(self, name: str, values: tuple[str, ...]) -> Self:
        """The same search with these values in a field; none frees the field."""
        filters = {k: v for k, v in self.filters.items() if k != name}
        return replace(self, filters=filters | ({name: values} if values else {}), page=1)

    def cleared(self) -> Self:
        """The same words without any condition."""
        return type(self)(text=self.text, target=self.target)

    def on(self, target: str) -> Self:
        """The same search among calls or solutions, without what the other side does not have."""
        filters = {k: v for k, v in self.filters.items() if k in FIELDS[target]}
        return type(self)(text=self.text, target=target, filters=filters)

    def query(
        self, now: datetime, *, offset: int | None = None, limit: int = PER_PAGE
    ) -> SearchQuery:
        """What the index is asked, from the page's first hit or from `offset` on.

        Withdrawn solutions are never listed.
        """
        filters = {name: values for name, values in self.filters.items() if name != "status"}
        chosen = self.filters.get("status", ())
        return SearchQuery(
            text=self.text,
            target=self.target,
            now=epoch_seconds(now) or 0,
            filters=filters,
            status=chosen if self.target == "call" else ("open",),
            sort=self.sort,
            offset=(self.page - 1) * PER_PAGE if offset is None else offset,
            limit=limit,
        )


def _first(given: Given, name: str, otherwise: str) -> str:
    return next(iter(given.get(name, ())), otherwise)


def _text(typed: str) -> str:
    text = clean_line(typed)
    if len(text) > TEXT_MAX:
        raise Unreadable(
            N_("さがすことばは%(limit)d文字以内にしてください（いま%(count)d文字です）"),
            limit=TEXT_MAX,
            count=len(text),
        )
    return text


def _values(given: Given, name: str, known: Known) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(given.get(name, ())))
    if len(asked) > VALUES_MAX:
        raise Unreadable(
            N_("1つの項目で選べるのは%(limit)d個までです（いま%(count)d個です）"),
            limit=VALUES_MAX,
            count=len(asked),
        )
    return known(name, asked)


def _page(typed: str) -> int:
    if typed.isascii() and typed.isdigit() and len(typed) <= _PAGE_DIGITS and int(typed) > 0:
        return int(typed)
    raise Unreadable(N_("ページの番号が読めません。1より大きい数で指定してください"))
