"""A search as one canonical web address: reading it, writing it, changing one part of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from flask import url_for
from werkzeug.datastructures import MultiDict

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
_NAMES = ("q", "target", "sort", *dict.fromkeys((*FIELDS["call"], *FIELDS["solution"])), "page")
_PAGE_DIGITS = 5

# (field, values) -> those values that exist, each once, in the order of the panel
Known = Callable[[str, Sequence[str]], tuple[str, ...]]


class Unreadable(Exception):
    """The address asks for something that cannot be answered; `message` says what to change."""

    def __init__(self, message: str, **values: int) -> None:
        super().__init__(message)
        self.message = message
        self.values = values


@dataclass(frozen=True, slots=True)
class SearchState:
    """What is searched. Several values of one field widen, fields narrow one another."""

    text: str = ""
    target: str = "call"
    sort: str = "relevance"
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    page: int = 1

    @property
    def url(self) -> str:
        """The one address of this search; first pages and usual orders are not spelled out."""
        return self.at("search.show")

    def at(self, endpoint: str, **more: Any) -> str:
        """The address of this search in another form, with `more` for `url_for`."""
        parts: dict[str, Any] = {name: list(values) for name, values in self._parts().items()}
        return url_for(endpoint, **parts, **more)

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values of the address."""
        return [(name, value) for name, values in self._parts().items() for value in values]

    def beside_filters(self) -> dict[str, tuple[str, ...]]:
        """What a form for the filters must carry along."""
        return {k: v for k, v in self._parts().items() if k in ("q", "target", "sort")}

    def beside_words(self) -> dict[str, tuple[str, ...]]:
        """What a form for the words must carry along."""
        return {k: v for k, v in self._parts().items() if k not in ("q", "page")}

    def whole(self) -> "SearchState":
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

    def without(self, name: str, value: str) -> "SearchState":
        """The same search without this one condition."""
        rest = tuple(kept for kept in self.filters.get(name, ()) if kept != value)
        return self.choosing(name, rest)

    def choosing(self, name: str, values: tuple[str, ...]) -> "SearchState":
        """The same search with these values in a field; none frees the field."""
        filters = {k: v for k, v in self.filters.items() if k != name}
        return replace(self, filters=filters | ({name: values} if values else {}), page=1)

    def cleared(self) -> "SearchState":
        """The same words without any condition."""
        return SearchState(text=self.text, target=self.target)

    def on(self, target: str) -> "SearchState":
        """The same search among calls or solutions, without what the other side does not have."""
        filters = {k: v for k, v in self.filters.items() if k in FIELDS[target]}
        return SearchState(text=self.text, target=target, filters=filters)

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


def read(args: MultiDict[str, str], known: Known) -> SearchState:
    """The search an address asks for; values that do not exist are left out.

    Raises Unreadable for a text, a list of values or a page number that cannot be honoured.
    """
    target = args.get("target", "call")
    target = target if target in FIELDS else "call"
    filters = {name: _values(args, name, known) for name in FIELDS[target]}
    sort = args.get("sort", "relevance")
    return SearchState(
        text=_text(args.get("q", "")),
        target=target,
        sort=sort if sort in SORTS else "relevance",
        filters={name: values for name, values in filters.items() if values},
        page=_page(args.get("page", "1")),
    )


def is_clean(args: MultiDict[str, str], state: SearchState) -> bool:
    """Whether the address is the one address of the search; parameters of others do not count.

    Calls are meant where no target is given, so that /search is a search too.
    """
    given = [pair for pair in args.items(multi=True) if pair[0] in _NAMES]
    meant = state.pairs()
    if "target" not in args:
        meant.remove(("target", "call"))
    return given == meant


def _text(typed: str) -> str:
    text = clean_line(typed)
    if len(text) > TEXT_MAX:
        raise Unreadable(
            N_("さがすことばは%(limit)d文字以内にしてください（いま%(count)d文字です）"),
            limit=TEXT_MAX,
            count=len(text),
        )
    return text


def _values(args: MultiDict[str, str], name: str, known: Known) -> tuple[str, ...]:
    given = tuple(dict.fromkeys(args.getlist(name)))
    if len(given) > VALUES_MAX:
        raise Unreadable(
            N_("1つの項目で選べるのは%(limit)d個までです（いま%(count)d個です）"),
            limit=VALUES_MAX,
            count=len(given),
        )
    return known(name, given)


def _page(typed: str) -> int:
    if typed.isascii() and typed.isdigit() and len(typed) <= _PAGE_DIGITS and int(typed) > 0:
        return int(typed)
    raise Unreadable(N_("ページの番号が読めません。1より大きい数で指定してください"))
