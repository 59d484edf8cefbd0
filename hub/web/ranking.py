"""How lists are ordered, and the public audit of it: as a page, as CSV, as JSON."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, abort, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hub.api import table
from hub.domain import feedback
from hub.domain.fairness import dial, report
from hub.domain.fairness.dial import dial_in_force
from hub.domain.fairness.lines import lines
from hub.domain.fairness.report import Report
from hub.domain.fairness.weeks import Week
from hub.domain.rules import RULES
from hub.domain.weights import WEIGHTS
from hub.web import audit_figures, audit_words
from hub.web.access import public
from hub.web.context import now, session
from hub.web.words import _
from search.finder import WORDS

bp = Blueprint("ranking", __name__)


@bp.get("/ranking")
@public
def show() -> ResponseReturnValue:
    """What decides the order of lists and what never does, then the audit of a week."""
    reports = report.history(session())
    chosen = _chosen(reports)
    return render_template(
        "ranking/show.html",
        parts=_parts(),
        search={"words": _percent(WORDS), "meaning": _percent(1 - WORDS)},
        rules=_rules(),
        answers=_answers(),
        in_force=audit_figures.ratio(dial_in_force(session())),
        audit=_audit(chosen, reports) if chosen else None,
        weeks=_choices(reports, chosen),
        nav="ranking",
        description=_("一覧の順番の決まり方と、公平かどうかの毎週の監査です。"),
    )


@bp.get("/ranking/audit.csv")
@public
def audit_csv() -> ResponseReturnValue:
    """The figures of a week as a table; `bom=1` for Excel."""
    found = _chosen(report.history(session()))
    if found is None:
        return _nothing()
    head = [_("週"), _("部分"), _("区分"), _("項目"), _("値"), _("コード")]
    rows = [
        (
            found.week.name,
            _(audit_words.PART_NAMES[line.part]),
            audit_words.key_name(line.part, line.key),
            audit_words.measure_name(line.part, line.key, line.measure),
            _cell(line.value),
            ".".join(filter(None, (line.part, line.key, line.measure))),
        )
        for line in lines(found.figures)
    ]
    body = table.written(head, rows, bom=request.args.get("bom") == "1")
    answer = Response(body, content_type="text/csv; charset=utf-8; header=present")
    name = f"local-hub-audit-{found.week.name}.csv"
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    return answer


@bp.get("/ranking/audit.json")
@public
def audit_json() -> ResponseReturnValue:
    """The figures of a week for programs, and which weeks there are."""
    reports = report.history(session())
    found = _chosen(reports)
    if found is None:
        return _nothing()
    return jsonify(
        {
            "week": found.week.name,
            "first_day": found.week.monday.isoformat(),
            "last_day": found.week.sunday.isoformat(),
            "final": found.final,
            "made_at": found.made_at.isoformat(),
            "dial": found.dial,
            "next_dial": found.next_dial,
            "figures": found.figures,
            "weeks": [row.week.name for row in reports],
        }
    )


def _nothing() -> ResponseReturnValue:
    sentence = _("まだ監査の数字がありません。一覧が作られると出ます")
    return sentence + "\n", 404, {"Content-Type": "text/plain; charset=utf-8"}


def _chosen(reports: Sequence[Report]) -> Report | None:
    """The report asked for, else the newest final one, else how the first week stands.

    A week that has no report is answered with 404.
    """
    asked = request.args.get("week")
    if asked:
        try:
            return report.read(session(), Week.parse(asked)) or abort(404)
        except ValueError:
            abort(404)
    final = (row for row in reports if row.final)
    return next(final, None) or next(iter(reports), None)


def _choices(reports: Sequence[Report], chosen: Report | None) -> list[dict[str, Any]]:
    """The weeks to choose from, newest first."""
    return [
        {
            "value": row.week.name,
            "label": audit_words.week_name(row.week)
            if row.final
            else _("%(week)s（途中）", week=audit_words.week_name(row.week)),
            "chosen": chosen is not None and row.week == chosen.week,
        }
        for row in reports
    ]


def _audit(found: Report, reports: Sequence[Report]) -> dict[str, Any]:
    figures = found.figures
    balance = report.balance(figures)
    won = audit_figures.won(figures)
    return {
        "week": audit_words.week_name(found.week),
        "name": found.week.name,
        "final": found.final,
        "first": not any(row.final for row in reports) and found.week == Week.of(now()),
        "made_at": found.made_at,
        "few": figures["firms"]["entitled"] < audit_figures.FEW_FIRMS,
        "entitled": f"{figures['firms']['entitled']:,}",
        "dial": audit_figures.ratio(found.dial),
        "next_dial": audit_figures.ratio(found.next_dial),
        "balance": balance
        and {
            "smaller": audit_words.size_name(balance.smaller),
            "larger": audit_words.size_name(balance.larger),
            "ratio": audit_figures.ratio(balance.ratio),
            "low": audit_figures.ratio(balance.low),
            "high": audit_figures.ratio(balance.high),
        },
        "headline": audit_figures.headline(figures),
        "answer": audit_figures.answer(figures),
        "sizes": audit_figures.sizes(figures),
        "ages": audit_figures.ages(figures),
        "areas": audit_figures.areas(figures),
        "curve": audit_figures.curve(figures),
        "half": audit_figures.half(figures),
        "spread": audit_figures.spread(figures),
        "turns": audit_figures.turns(figures),
        "won": won,
        "won_summary": _("、").join(f"{share.name} {share.share}" for share in won),
        "loss": audit_figures.loss(figures),
        "kept": audit_figures.shares(figures["kept"]),
        "replies": audit_figures.shares(figures["replies"]),
        "town_calls": audit_figures.town_calls(figures),
        "town_areas": audit_figures.town_areas(figures),
        "weeks": audit_figures.weeks(reports),
        "csv": url_for("ranking.audit_csv", week=found.week.name, bom="1"),
        "json": url_for("ranking.audit_json", week=found.week.name),
    }


def _parts() -> list[dict[str, str]]:
    return [
        {
            "name": _(part.name),
            "meaning": _(part.meaning),
            "town": _percent(part.town),
            "firm": _percent(part.firm),
        }
        for part in WEIGHTS
    ]


def _rules() -> dict[str, Any]:
    """The numbers of dealing, as sentences use them."""
    return {
        "places": RULES.k,
        "merit": RULES.k - RULES.q,
        "reserve": RULES.q,
        "rho": _percent(RULES.rho),
        "gate": audit_figures.ratio(RULES.t),
        "cut_call": audit_figures.ratio(RULES.cut_call),
        "cut_firm": audit_figures.ratio(RULES.cut_firm),
        "floor": RULES.floor,
        "capacity": RULES.capacity,
        "step": audit_figures.ratio(dial.STEP),
        "most": audit_figures.ratio(dial.MOST),
        "too_low": dial.TOO_LOW,
        "too_high": dial.TOO_HIGH,
    }


def _answers() -> dict[str, dict[str, Any]]:
    """The numbers of answering, as sentences use them."""
    return {
        "declined": {
            "days": feedback.REMEMBERED.days,
            "times": feedback.EQUAL_REASONS,
            "most": _percent(feedback.MOST_SHIFT),
        },
        "silence": {"firms": feedback.UNANSWERED, "days": feedback.PATIENCE.days},
    }


def _percent(share: float) -> str:
    return f"{share:.0%}" if share else "–"


def _cell(value: Any) -> table.Cell:
    if isinstance(value, bool):
        return int(value)
    if value is None:
        return ""
    return value if isinstance(value, int) else f"{value}"
