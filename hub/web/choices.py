"""Choices of forms, from the reference tables, in the reader's language."""

from typing import Any

from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import select

from hub.i18n import N_
from hub.models.reference import CallKind, Offer, Prefecture, Theme
from hub.web.context import session
from hub.web.language import chosen, name_of

BUDGETS = {
    "none": N_("なし（双方持ち出し）"),
    "actual_cost": N_("実費のみ"),
    "fixed": N_("定額"),
    "subsidy": N_("補助"),
    "contract": N_("委託"),
    "undecided": N_("未定・要相談"),
    "unstated": N_("記載なし"),
}
STAGE_NAMES = {
    "concept": N_("構想"),
    "prototype": N_("試作"),
    "product": N_("製品"),
    "proven": N_("実績あり"),
}
LEGAL_FORM_NAMES = {
    "corporation": N_("会社（株式会社・合同会社など）"),
    "sole_proprietor": N_("個人事業主"),
    "npo": N_("NPO法人"),
    "cooperative": N_("組合"),
    "university": N_("大学・研究機関"),
    "foundation": N_("社団法人・財団法人"),
    "other": N_("そのほか"),
}
ELIGIBILITY_NAMES = {
    "juridical_person": N_("法人であること"),
    "in_prefecture": N_("同じ都道府県に拠点があること"),
    "in_municipality": N_("同じ市区町村に拠点があること"),
}
ROLE_NAMES = {
    "owner": N_("管理者"),
    "editor": N_("編集担当"),
    "viewer": N_("閲覧"),
}
KIND_NAMES = {
    "municipality": N_("自治体"),
    "company": N_("企業・個人事業主・大学・NPO"),
    "intermediary": N_("中間支援団体"),
}

Pairs = list[tuple[str, str]]


def named(names: dict[str, str]) -> Pairs:
    """(key, name) pairs of a fixed list."""
    return [(key, gettext(name)) for key, name in names.items()]


def call_kinds() -> Pairs:
    """The kinds of call."""
    return [(row.key, name_of(row)) for row in _call_kinds()]


def call_kinds_explained() -> Pairs:
    """The kinds of call, each with what it means."""
    english = chosen() == "en"
    label = Markup('{} <span class="hint">{}</span>')
    return [
        (row.key, label.format(name_of(row), row.description_en if english else row.description_ja))
        for row in _call_kinds()
    ]


def _call_kinds() -> list[CallKind]:
    return list(session().scalars(select(CallKind).order_by(CallKind.position)))


def offers() -> Pairs:
    """What may be offered and asked for."""
    return [
        (row.key, name_of(row)) for row in session().scalars(select(Offer).order_by(Offer.position))
    ]


def themes() -> Pairs:
    """Themes of the first level."""
    return [(row.key, name_of(row)) for row in _themes() if row.parent_key is None]


def fine_themes() -> dict[str, Pairs]:
    """Themes of the second level, grouped by the name of the first."""
    rows = _themes()
    groups: dict[str, Pairs] = {}
    for parent in (row for row in rows if row.parent_key is None):
        children = [(row.key, name_of(row)) for row in rows if row.parent_key == parent.key]
        if children:
            groups[name_of(parent)] = children
    return groups


def _themes() -> list[Any]:
    return list(session().scalars(select(Theme).order_by(Theme.position)))


def prefectures() -> Pairs:
    """The 47 prefectures."""
    english = chosen() == "en"
    rows = session().scalars(select(Prefecture).order_by(Prefecture.code))
    return [(row.code, row.name_en if english else row.name) for row in rows]


def every_name() -> dict[str, str]:
    """The name of every key that a listing may hold, whatever it is a key of."""
    pairs = [
        *call_kinds(), *offers(), *((row.key, name_of(row)) for row in _themes()),
        *prefectures(), *named(BUDGETS), *named(STAGE_NAMES), *named(ELIGIBILITY_NAMES),
    ]  # fmt: skip
    return dict(pairs)
