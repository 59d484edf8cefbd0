"""The filters beside the results: values with names and counts, and the chips of chosen ones."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from hub.domain.codes import valid_municipality_code
from hub.i18n import N_
from hub.models.listing import BUDGET_KINDS, NATIONWIDE, STAGES
from hub.models.reference import Municipality
from hub.web import present
from hub.web.choices import BUDGETS, STAGE_NAMES
from hub.web.context import session
from hub.web.search_state import FIELDS, SearchState
from hub.web.words import _
from search.documents import STATUSES, UNSTATED

Counts = Mapping[str, Mapping[str, int]]

LEGENDS = {
    "status": N_("受付の状態"),
    "deadline": N_("締切までの日数"),
    "theme": N_("分野"),
    "kind": N_("募集の種類"),
    "prefecture": N_("都道府県"),
    "municipality": N_("市区町村"),
    "offer": N_("提供できるもの"),
    "budget": N_("予算"),
    "amount": N_("予算の上限"),
    "stage": N_("段階"),
}
SOLUTION_LEGENDS = {
    "kind": N_("希望する募集の種類"),
    "prefecture": N_("届けられる地域"),
    "offer": N_("求めるもの"),
}
STATUS_NAMES = {"open": N_("受付中"), "upcoming": N_("受付前"), "closed": N_("受付終了")}
DEADLINE_NAMES = {
    "3d": N_("3日以内"),
    "1w": N_("1週間以内"),
    "2w": N_("2週間以内"),
    "1m": N_("30日以内"),
    "none": N_("締切なし"),
}
AMOUNT_NAMES = {
    "1m": N_("100万円まで"),
    "3m": N_("100万円超〜300万円"),
    "5m": N_("300万円超〜500万円"),
    "10m": N_("500万円超〜1,000万円"),
    "over": N_("1,000万円超"),
}
TERSE = ("deadline", "budget", "amount")  # values that say nothing without their legend
OPEN_FIELDS = ("status", "theme")  # groups that start unfolded


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a filter."""

    value: str
    label: str
    count: int
    checked: bool


@dataclass(frozen=True, slots=True)
class Group:
    """One filter."""

    key: str
    legend: str
    options: Sequence[Option]
    open: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chip:
    """A chosen condition, as a link to the same search without it."""

    group: str
    label: str
    url: str


class Values:
    """The values of every filter and their names; one lookup of municipalities for a request."""

    def __init__(self) -> None:
        self._towns: dict[str, str] = {}

    def known(self, name: str, values: Sequence[str]) -> tuple[str, ...]:
        """Those of the values that a filter has, each once, in the order of the panel."""
        if name == "municipality":
            towns = self._load_towns(values)
            found = sorted({value for value in values if value in towns})
            return (*found, UNSTATED) if UNSTATED in values else tuple(found)
        return tuple(value for value in self._order(name) if value in values)

    def name(self, name: str, value: str) -> str:
        """The value in the reader's words."""
        if value == UNSTATED:
            return _("記載なし")
        words = present.vocabulary()
        if name == "theme":
            parent = words.themes[value].parent_key
            path = [parent, value] if parent else [value]
            return " › ".join(present.theme_names(path))
        if name == "municipality":
            return self._towns[value]
        named: dict[str, Callable[[], str]] = {
            "status": lambda: _(STATUS_NAMES[value]),
            "kind": lambda: present.kind_names([value])[0],
            "prefecture": lambda: present.prefecture_name(value),
            "offer": lambda: present.offer_names([value])[0],
            "deadline": lambda: _(DEADLINE_NAMES[value]),
            "budget": lambda: _(BUDGETS[value]),
            "amount": lambda: _(AMOUNT_NAMES[value]),
            "stage": lambda: _(STAGE_NAMES[value]),
        }
        return named[name]()

    def full_name(self, name: str, value: str) -> str:
        """The value in words that need no legend beside them: 予算: なし（双方持ち出し）."""
        words = self.name(name, value)
        if name not in TERSE and value != UNSTATED:
            return words
        return _("%(group)s: %(name)s", group=_(LEGENDS[name]), name=words)

    def groups(self, state: SearchState, counts: Counts) -> list[Group]:
        """The filters of the panel; values that nothing has are left out unless chosen."""
        found = (self._group(name, state, counts.get(name, {})) for name in FIELDS[state.target])
        return [group for group in found if group.options]

    def _group(self, name: str, state: SearchState, counts: Mapping[str, int]) -> Group:
        chosen = state.filters.get(name, ())
        values = self._shown(name, state, counts)
        return Group(
            key=name,
            legend=legend(state.target, name),
            options=[Option(v, self.name(name, v), counts.get(v, 0), v in chosen) for v in values],
            open=name in OPEN_FIELDS,
            note=_("全国に届けられるものは「全国」を選んでください。")
            if state.target == "solution" and name == "prefecture" and counts.get(NATIONWIDE)
            else "",
        )

    def _shown(self, name: str, state: SearchState, counts: Mapping[str, int]) -> list[str]:
        chosen = state.filters.get(name, ())
        if name == "municipality":
            within = tuple(state.filters.get("prefecture", ()))
            towns = [v for v in counts if v[:2] in within]
            rest = [UNSTATED] if UNSTATED in chosen or (within and counts.get(UNSTATED)) else []
            return list(self.known(name, [*towns, *chosen, *rest]))
        shown = [v for v in self._order(name) if counts.get(v) or v in chosen]
        if name == "theme":
            themes = present.vocabulary().themes
            shown = [v for v in shown if v in chosen or v == UNSTATED or not themes[v].parent_key]
        return shown

    def _order(self, name: str) -> tuple[str, ...]:
        words = present.vocabulary()
        values: dict[str, Sequence[str]] = {
            "status": STATUSES,
            "deadline": tuple(DEADLINE_NAMES),
            "theme": (*words.themes, UNSTATED),
            "kind": (*words.kinds, UNSTATED),
            "prefecture": (NATIONWIDE, *words.prefectures, UNSTATED),
            "municipality": (UNSTATED,),
            "offer": (*words.offers, UNSTATED),
            "budget": (*(v for v in BUDGET_KINDS if v != UNSTATED), UNSTATED),
            "amount": (*AMOUNT_NAMES, UNSTATED),
            "stage": (*STAGES, UNSTATED),
        }
        return tuple(values[name])

    def _load_towns(self, codes: Sequence[str]) -> Mapping[str, str]:
        missing = [
            code for code in codes if code not in self._towns and valid_municipality_code(code)
        ]
        if missing:
            rows = session().scalars(select(Municipality).where(Municipality.code.in_(missing)))
            self._towns |= {row.code: present.place_name(row) for row in rows}
        return self._towns


def legend(target: str, name: str) -> str:
    """What a filter is called among calls or among solutions."""
    special = SOLUTION_LEGENDS if target == "solution" else {}
    return _(special.get(name, LEGENDS[name]))


def chips(state: SearchState, values: Values) -> list[Chip]:
    """The chosen conditions, each as a way to drop just that one."""
    return [
        Chip(legend(state.target, name), values.name(name, value), state.without(name, value).url)
        for name, value in state.conditions()
    ]
