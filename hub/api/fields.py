"""What a listing says of itself in JSON and CSV: one table of fields for each kind.

Names of fields never change and none is ever taken away; new ones are added at the end. Nothing
here names a person: a town speaks through its department.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import request, url_for

from hub.clock import to_jst
from hub.domain.status import status
from hub.i18n import N_
from hub.models.listing import Call, Solution
from hub.models.reference import Municipality, Prefecture
from hub.web import present
from hub.web.choices import BUDGETS, STAGE_NAMES
from hub.web.context import now, services
from hub.web.search_facets import STATUS_NAMES
from hub.web.words import _

KIND_NAMES = {
    "text": N_("文字"),
    "number": N_("整数"),
    "moment": N_("日時（ISO 8601、日本時間）"),
    "coded": N_("コードと名前"),
    "list": N_("コードと名前の一覧"),
}
Named = dict[str, str]
Value = str | int | None | Named | list[Named]


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name in JSON, the head of its column in CSV, what it means, how it is read.

    `kind` says what the value is: text, number, moment (ISO 8601 with the offset of Japan), coded
    ({"code", "name"}), list of coded. A `both` field fills two columns, the code before the name.
    """

    name: str
    label: str
    note: str
    kind: str
    value: Callable[[Any], Value]
    both: bool = False


def record(fields: Sequence[Field], row: Call | Solution) -> dict[str, Value]:
    """A listing as JSON has it."""
    return {field.name: field.value(row) for field in fields}


def header(fields: Sequence[Field]) -> list[str]:
    """The heads of the columns in the reader's language."""
    found = []
    for field in fields:
        if field.both:
            found.append(_("%(label)sコード", label=_(field.label)))
        found.append(_(field.label))
    return found


def cells(fields: Sequence[Field], row: Call | Solution) -> list[str | int]:
    """A listing as one record of a table: names for codes, lists on one line."""
    found: list[str | int] = []
    for field in fields:
        value = field.value(row)
        if field.both:
            found.append(value["code"] if isinstance(value, dict) else "")
        found.append(_cell(value))
    return found


def _cell(value: Value) -> str | int:
    if isinstance(value, dict):
        return value["name"]
    if isinstance(value, list):
        return _("、").join(item["name"] for item in value)
    return "" if value is None else value


def address(row: Call | Solution) -> str:
    """The full web address of a listing's page, in no particular language."""
    return full(url_for(f"listing.{row.subject}", id_=row.id, lang=None))


def full(path: str) -> str:
    """The full web address of a path of this site: at PUBLIC_URL, else where it was asked."""
    return f"{services().settings.public_url or request.host_url.rstrip('/')}{path}"


def moment(value: datetime | None) -> str | None:
    """ISO 8601 on a Japanese clock: 2026-12-01T17:15:00+09:00."""
    return None if value is None else to_jst(value).isoformat(timespec="seconds")


def _named(keys: Sequence[str], names: Sequence[str]) -> list[Named]:
    return [{"code": key, "name": name} for key, name in zip(keys, names, strict=True)]


def _call_status(call: Call) -> Named:
    code = status(call, now())
    return {"code": code, "name": _(STATUS_NAMES[code])}


def _owner(row: Call | Solution) -> Named:
    organisation = row.organisation
    code = organisation.body_code or f"organisation-{organisation.id}"
    return {"code": code, "name": present.organisation_name(organisation)}


def _place(place: Municipality | Prefecture | None) -> Named | None:
    return None if place is None else {"code": place.code, "name": present.place_name(place)}


def _municipality(call: Call) -> Municipality | None:
    return call.municipality or call.organisation.municipality


def _prefecture(call: Call) -> Named | None:
    town = _municipality(call)
    return _place(town.prefecture if town else call.organisation.prefecture)


def _kind(call: Call) -> Named:
    return {"code": call.kind, "name": "".join(present.kind_names([call.kind]))}


def _budget(call: Call) -> Named:
    return {"code": call.budget_kind, "name": _(BUDGETS[call.budget_kind])}


def _stage(solution: Solution) -> Named | None:
    stage = solution.stage
    return {"code": stage, "name": _(STAGE_NAMES[stage])} if stage else None


_ID = Field("id", N_("ID"), N_("変わらない番号"), "text", lambda r: f"{r.subject}-{r.id}")
_TITLE = Field("title", N_("題名"), N_("題名"), "text", lambda r: r.title)
_THEMES = Field(
    "themes",
    N_("分野"),
    N_("分野の一覧"),
    "list",
    lambda r: _named(list(r.themes), present.theme_names(r.themes)),
)
_SUMMARY = Field(
    "summary",
    N_("ひとこと"),
    N_("ひとことで言うと何か"),
    "text",
    lambda r: " ".join(r.summary.split()),
)
_LAST = (
    Field("url", N_("URL"), N_("ページのアドレス"), "text", address),
    Field(
        "published_at",
        N_("公開日時"),
        N_("公開した日時"),
        "moment",
        lambda r: moment(r.published_at),
    ),
    Field(
        "updated_at",
        N_("更新日時"),
        N_("最後に変えた日時"),
        "moment",
        lambda r: moment(r.updated_at),
    ),
    Field("version", N_("版"), N_("変えるたびに増える数"), "number", lambda r: r.version),
)
FIELDS: Mapping[str, tuple[Field, ...]] = {
    "call": (
        _ID,
        _TITLE,
        Field("status", N_("受付の状態"), N_("取得した時点の状態"), "coded", _call_status),
        Field(
            "closes_at",
            N_("締切"),
            N_("締切の日時。この時刻から受け付けません"),
            "moment",
            lambda r: moment(r.closes_at),
        ),
        Field(
            "opens_at",
            N_("受付開始"),
            N_("受付を始める日時"),
            "moment",
            lambda r: moment(r.opens_at),
        ),
        Field(
            "owner",
            N_("募集する自治体"),
            N_("団体コード（6桁）と名前"),
            "coded",
            _owner,
            both=True,
        ),
        Field("department", N_("担当部署"), N_("担当する部署"), "text", lambda r: r.department),
        Field(
            "prefecture",
            N_("都道府県"),
            N_("場所の都道府県（JIS X 0401の2桁）"),
            "coded",
            _prefecture,
            both=True,
        ),
        Field(
            "municipality",
            N_("市区町村"),
            N_("場所の市区町村（団体コード6桁）"),
            "coded",
            lambda r: _place(_municipality(r)),
            both=True,
        ),
        Field("kind", N_("募集の種類"), N_("実証実験など"), "coded", _kind),
        _THEMES,
        Field(
            "offers",
            N_("提供できるもの"),
            N_("自治体が提供できるもの"),
            "list",
            lambda r: _named(list(r.offers), present.offer_names(r.offers)),
        ),
        Field("budget", N_("予算"), N_("お金の扱い"), "coded", _budget),
        Field(
            "budget_max_yen",
            N_("上限額（円）"),
            N_("上限の金額。書かれていなければ空"),
            "number",
            lambda r: r.budget_max_yen,
        ),
        _SUMMARY,
        *_LAST,
    ),
    "solution": (
        _ID,
        _TITLE,
        Field("owner", N_("提供する団体"), N_("団体の番号と名前"), "coded", _owner),
        Field("stage", N_("段階"), N_("構想・試作・製品・実績あり"), "coded", _stage),
        Field(
            "areas",
            N_("届けられる地域"),
            N_("都道府県の一覧。00は全国"),
            "list",
            lambda r: [
                {"code": code, "name": present.prefecture_name(code)} for code in sorted(r.areas)
            ],
        ),
        _THEMES,
        Field(
            "asks",
            N_("求めるもの"),
            N_("自治体に求めるもの"),
            "list",
            lambda r: _named(list(r.asks), present.offer_names(r.asks)),
        ),
        Field(
            "kinds",
            N_("希望する募集の種類"),
            N_("空ならどの種類でもよい"),
            "list",
            lambda r: _named(list(r.kinds), present.kind_names(r.kinds)),
        ),
        _SUMMARY,
        *_LAST,
    ),
}
