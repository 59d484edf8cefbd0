"""The report of a week, from stored places: right, reproducible, and the only one that turns δ."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hub.db import Database
from hub.domain.fairness import report
from hub.domain.fairness.dial import dial_in_force
from hub.domain.fairness.weeks import Week
from hub.domain.rules import RULES
from hub.models import AuditEvent, AuditReport, Feedback, Place, Standing
from tests.conftest import NOW
from tests.hub.fairness.market import (
    DAY,
    LONG_AGO,
    WEEK,
    dealt,
    first_call,
    forget_scores,
    make,
    place,
)
from tests.market import publish_call
from workers.matching import exposure

ROOT = Path(__file__).parents[3]
LISTED = [1 / 1.0, 0.6309, 0.5, 0.4307, 0.3869, 0.3562, 0.3333, 0.3155, 0.3010, 0.2891]
TEN = [1, 1, 1, 1, 1, 900, 900, 900, 900, 900]


def measured(session: Session, week: Week = WEEK) -> report.Figures:
    found = report.draft(session, week, now=NOW)
    assert found is not None
    return found.figures


def by_key(rows: list[report.Figures]) -> dict[str, report.Figures]:
    return {row["key"]: row for row in rows}


@pytest.fixture
def session(database: Database) -> Any:
    with database.session(writing=True) as session:
        yield session


def test_figures_of_a_small_market(session: Session) -> None:
    make(session, TEN)
    found = measured(session)
    assert found["span"] == ["2026-11-22T15:00:00+00:00", "2026-11-29T15:00:00+00:00"]
    assert found["firms"] == {
        "entitled": 10,
        "shown": 10,
        "waiting": 0,
        "too_long": 0,
        "median_wait": None,
    }
    sizes = by_key(found["by_size"])
    micro, large = sum(LISTED[:5]) / (5 * 0.2), sum(LISTED[5:]) / (5 * 0.2)
    assert sizes["micro"]["value"] == pytest.approx(micro, abs=1e-3)
    assert sizes["micro"]["ratio"] == 1
    assert sizes["large"]["value"] == pytest.approx(large, abs=1e-3)
    assert sizes["large"]["ratio"] == pytest.approx(large / micro, abs=1e-3)
    assert sizes["large"]["low"] < sizes["large"]["ratio"] < sizes["large"]["high"]
    assert (sizes["micro"]["below"], sizes["large"]["below"]) == (False, True)
    assert found["balance"]["smaller"] == "micro"
    assert found["balance"]["ratio"] == pytest.approx(micro / large, abs=1e-3)
    assert found["calls"] == {"open": 2, "dealt": 2, "without": 1, "few": 1}
    assert found["loss"] == {"lists": 2, "mean": 0.01, "p95": 0.02, "max": 0.02, "worst": 0.02}
    assert by_key(found["kept"])["all"] == {"key": "all", "of": 70, "share": 1.0}
    assert found["solutions"] == {"entitled": 10, "unseen": 0, "share": 0.0}
    assert by_key(found["won"])["merit"] == {"key": "merit", "places": 10, "share": 1.0}
    assert by_key(found["by_age"]).keys() == {"known"}  # published in September
    assert found["spread"]["lorenz"][-1] == 1


def test_a_class_of_few_firms_has_no_figures(session: Session) -> None:
    make(session, [1, 1, 1, 1, 1, 900, 900, 900, 900, None])
    found = measured(session)
    sizes = by_key(found["by_size"])
    assert sizes["micro"]["members"] == 5
    for few in ("large", "unknown"):
        assert sizes[few] == {"key": few, "members": None, "value": None, "ratio": None}
    assert found["balance"] is None
    kept = by_key(found["kept"])
    assert kept["large"] == {"key": "large", "of": None, "share": None}
    assert by_key(found["replies"])["large"]["share"] is None


def test_what_is_hidden_does_not_come_out_by_subtraction(session: Session) -> None:
    """One large firm, whose towns have all answered: no row holds it, not even that of all."""
    posts = make(session, [1] * 6 + [900])
    call = first_call(session)
    session.add(
        Feedback(
            organisation_id=call.organisation_id,
            call_id=call.id,
            solution_id=posts[6].id,
            verdict="interested",
            at=WEEK.begins_at,
        )
    )
    replies = by_key(measured(session)["replies"])
    assert replies["all"] == {"key": "all", "of": 6, "share": 0.0}
    assert replies["large"] == {"key": "large", "of": None, "share": None}


def test_entitled_but_never_shown(session: Session) -> None:
    make(session, [1] * 13)
    found = measured(session)
    assert (found["firms"]["entitled"], found["firms"]["shown"]) == (13, 10)
    assert found["solutions"] == {"entitled": 13, "unseen": 3, "share": 0.2308}
    assert found["spread"]["worst"] == 0


def test_shown_within_four_weeks_counts_as_seen(session: Session) -> None:
    posts = make(session, [1] * 12)
    call = first_call(session)
    session.add(place(call, posts[10], 1, begins=LONG_AGO, ends=WEEK.ends_at - 20 * DAY))
    session.add(place(call, posts[11], 1, begins=LONG_AGO, ends=WEEK.ends_at - 30 * DAY))
    found = measured(session)
    assert found["solutions"]["unseen"] == 1
    assert found["firms"]["shown"] == 10


def test_a_weak_pair_gives_no_merit(session: Session) -> None:
    make(session, [1] * 6, score=RULES.t)
    found = measured(session)
    assert found["firms"]["entitled"] == 0
    assert found["by_size"] == []
    assert found["spread"] == {"gini": None, "top": None, "worst": None, "lorenz": []}


def test_waiting_is_told_in_days(session: Session) -> None:
    posts = make(session, [1] * 3)
    for post, days in zip(posts, (1, 15, 20), strict=True):
        since = WEEK.ends_at - days * DAY
        session.add(Standing(organisation_id=post.organisation_id, waits_since=since))
    firms = measured(session)["firms"]
    assert (firms["waiting"], firms["too_long"], firms["median_wait"]) == (3, 2, 15.0)


def test_answers_of_towns_are_told_by_size(session: Session) -> None:
    posts = make(session, TEN)
    call = first_call(session)
    verdicts = {0: "interested", 5: "declined", 6: "proposed", 7: "hidden"}
    for number, verdict in verdicts.items():
        session.add(
            Feedback(
                organisation_id=call.organisation_id,
                call_id=call.id,
                solution_id=posts[number].id,
                verdict=verdict,
                at=WEEK.begins_at + DAY,
            )
        )
    replies = by_key(measured(session)["replies"])
    assert replies["micro"] == {"key": "micro", "of": 5, "share": 0.2}
    assert replies["large"] == {"key": "large", "of": 5, "share": 0.4}
    assert replies["all"] == {"key": "all", "of": 10, "share": 0.3}


def test_an_answer_of_the_firm_itself_is_none_of_the_town(session: Session) -> None:
    posts = make(session, [1] * 5)
    call = first_call(session)
    session.add(
        Feedback(
            organisation_id=posts[0].organisation_id,
            call_id=call.id,
            solution_id=posts[0].id,
            verdict="interested",
            at=WEEK.begins_at,
        )
    )
    assert by_key(measured(session)["replies"])["all"]["share"] == 0


def test_towns_are_measured_by_the_lists_of_firms(session: Session) -> None:
    posts = make(session, [1] * 4)
    call = first_call(session)
    for post in posts[:2]:
        session.add(place(call, post, 3, kind="firm"))
    towns = measured(session)["towns"]
    assert (towns["entitled"], towns["shown"]) == (1, 1)
    assert by_key(towns["by_calls"])["2-4"]["value"] is None  # one town


def test_a_week_begins_with_the_first_place_there_is(session: Session) -> None:
    make(session, TEN)
    for held in session.query(Place):
        held.begins_at = WEEK.ends_at - 2 * DAY
    found = measured(session)
    assert found["span"][0] == "2026-11-27T15:00:00+00:00"
    assert by_key(found["kept"])["all"]["of"] == 20
    assert sum(found["spread"]["lorenz"]) > 0
    assert by_key(found["by_size"])["micro"]["value"] == pytest.approx(2.9485, abs=1e-3)


def test_without_places_there_is_nothing_to_measure(session: Session) -> None:
    assert report.draft(session, WEEK, now=NOW) is None
    assert report.missing(session, now=NOW) == []
    assert not report.is_stale(session, now=NOW)
    make(session, [1])
    assert report.draft(session, Week.of(LONG_AGO).previous, now=NOW) is None


# --- Stored ---------------------------------------------------------------------------------------


def stored(session: Session, week: Week = WEEK, now: Any = NOW) -> report.Report:
    made = report.draft(session, week, now=now)
    assert made is not None
    return report.store(session, made, now=now)


def test_a_report_is_reproduced_from_its_places_whatever_changes_later(session: Session) -> None:
    make(session, TEN)
    before = stored(session)
    forget_scores(session)
    found = report.check(session, WEEK, now=NOW + 30 * DAY)
    assert found is not None
    assert found.draft.figures == before.figures
    assert found.differences == []
    stored(session, now=NOW + 30 * DAY)
    again = report.read(session, WEEK)
    assert again is not None
    assert replace(again, made_at=before.made_at) == before


def test_a_place_that_is_gone_shows(session: Session) -> None:
    make(session, TEN)
    stored(session)
    session.delete(session.query(Place).order_by(Place.id).first())
    found = report.check(session, WEEK, now=NOW)
    assert found is not None
    assert "firms.shown" in found.differences


def test_the_running_week_is_not_final(session: Session) -> None:
    make(session, TEN)
    running = stored(session, Week.of(NOW))
    assert not running.final
    assert running.figures["span"][1] == "2026-12-01T03:00:00+00:00"
    over = NOW + 6 * DAY
    assert report.missing(session, now=over)[-1] == running.week
    assert stored(session, running.week, over).final


def tilted(session: Session, week: Week, ratio: float, high: float) -> report.Report:
    """A final report of a week with this balance."""
    made = report.draft(session, week, now=NOW)
    assert made is not None
    tilt = {"smaller": "micro", "larger": "large", "ratio": ratio, "low": 0.1, "high": high}
    figures = made.figures | {"balance": tilt}
    return report.store(session, replace(made, figures=figures), now=NOW)


def test_two_weeks_of_too_little_turn_the_dial_and_leave_a_trail(session: Session) -> None:
    make(session, TEN)
    assert dial_in_force(session) == 0
    first = tilted(session, WEEK.previous, 0.5, 0.7)
    assert (first.dial, first.next_dial, dial_in_force(session)) == (0, 0, 0)
    second = tilted(session, WEEK, 0.6, 0.75)
    assert (second.dial, second.next_dial) == (0, 0.01)
    assert dial_in_force(session) == 0.01
    (event,) = session.query(AuditEvent).filter_by(action="dial.turn")
    assert (event.before, event.after) == ({"dial": 0.0}, {"dial": 0.01, "week": WEEK.name})
    tilted(session, WEEK, 0.6, 0.75)
    assert session.query(AuditEvent).filter_by(action="dial.turn").count() == 1


def test_the_running_week_turns_nothing(session: Session) -> None:
    make(session, TEN)
    tilted(session, WEEK.previous, 0.5, 0.7)
    tilted(session, Week.of(NOW), 0.5, 0.7)
    tilted(session, WEEK, 0.6, 0.75)
    assert dial_in_force(session) == 0.01
    session.expire_all()
    asked = {row.week.name: row.next_dial for row in report.history(session)}
    assert asked == {"2026-W47": 0, "2026-W48": 0.01, "2026-W49": 0.01}
    running = tilted(session, Week.of(NOW), 0.5, 0.7)
    assert (running.dial, running.next_dial) == (0.01, 0.01)


def test_the_running_week_is_made_anew_when_there_is_twice_as_much_to_tell(
    session: Session,
) -> None:
    make(session, TEN)
    monday = Week.of(NOW).begins_at
    hour = timedelta(hours=1)
    assert report.is_stale(session, now=monday + hour)
    stored(session, Week.of(NOW), monday + hour)
    assert not report.is_stale(session, now=monday + 1.9 * hour)
    assert report.is_stale(session, now=monday + 2 * hour)
    stored(session, Week.of(NOW), monday + 5 * DAY)
    assert report.is_stale(session, now=monday + 6 * DAY)


def test_old_places_are_forgotten_after_sixty_weeks(session: Session) -> None:
    posts = make(session, [1])
    call = first_call(session)
    for weeks in (59, 61):
        ended = NOW - timedelta(weeks=weeks)
        session.add(place(call, posts[0], 1, begins=ended - DAY, ends=ended))
    session.flush()
    report.forget_places(session, now=NOW)
    ends = [held.ends_at for held in session.query(Place).order_by(Place.id)]
    assert ends == [None, NOW - timedelta(weeks=59)]


def test_history_is_newest_first_and_holds_no_basis(session: Session) -> None:
    make(session, TEN)
    for week in (WEEK.previous, WEEK):
        stored(session, week)
    found = report.history(session)
    assert [row.week for row in found] == [WEEK, WEEK.previous]
    assert "basis" not in found[0].figures
    assert "merit" not in str(found[0].figures.keys())
    assert session.get_one(AuditReport, WEEK.name).figures["basis"]["firms"]


def test_a_call_withdrawn_by_hand_is_left_out(session: Session) -> None:
    posts = make(session, TEN)
    officer = first_call(session).organisation.memberships[0].user
    other = publish_call(session, officer, now=LONG_AGO)
    session.add(place(other, posts[9], 1))
    session.add(dealt(other, suitable=3, loss=0.9))
    session.flush()
    assert measured(session)["calls"]["open"] == 3
    other.state, other.closed_at = "closed", WEEK.begins_at + DAY
    found = measured(session)
    assert found["calls"]["open"] == 2
    assert found["loss"]["max"] == 0.02


# --- Rooms ----------------------------------------------------------------------------------------


def test_only_the_audit_reads_sizes() -> None:
    """Registration may write them one day; nothing else of rules, search or work may name them."""
    naming = {
        str(path.relative_to(ROOT))
        for room in ("hub/domain", "hub/web", "hub/api", "workers", "search")
        for path in (ROOT / room).rglob("*.py")
        if re.search(r"\bSizeFacts\b|\bsize_facts\b", path.read_text(encoding="utf-8"))
    }
    naming -= {"hub/domain/organisations.py", "hub/web/organisation.py"}
    assert naming == {"hub/domain/fairness/__init__.py", "hub/domain/fairness/basis.py"}


def test_the_printed_rules_are_those_of_the_matcher() -> None:
    matcher = exposure.Rules()
    for name in RULES.__dataclass_fields__:
        assert getattr(RULES, name) == getattr(matcher, name), name
