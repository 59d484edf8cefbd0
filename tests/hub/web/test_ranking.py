"""How lists are ordered, and the audit of it: page, CSV, JSON."""

import csv
import io
import re

import pytest
from flask import Flask
from sqlalchemy import select

from hub.domain.fairness import report
from hub.domain.fairness.lines import lines
from hub.domain.fairness.weeks import Week
from hub.domain.rules import RULES
from hub.domain.weights import WEIGHTS
from hub.models import Organisation, Place
from hub.services import Services
from tests.conftest import NOW
from tests.hub.fairness.market import DAY, WEEK, first_call, make, place
from tests.hub.web.browser import Browser, text_of
from tests.hub.web.html import by_class, parsed, parts, words
from workers.matching import score

SIZES = [1] * 5 + [900] * 5 + [12] * 2


def fill(services: Services, *weeks: Week) -> None:
    """A market with reports of these weeks."""
    with services.database.unit_of_work() as session:
        posts = make(session, SIZES)
        for post in posts[:6]:
            session.add(place(first_call(session), post, 1, kind="firm"))
        for number, owner in enumerate(session.scalars(select(Organisation)).all()):
            owner.prefecture_code = "20" if number % 2 else "13"
    for week in weeks:
        store(services, week)


def store(services: Services, week: Week) -> None:
    with services.database.unit_of_work() as session:
        made = report.draft(session, week, now=NOW)
        assert made is not None
        report.store(session, made, now=NOW)


def test_the_printed_weights_are_those_of_the_matcher(app: Flask) -> None:
    assert [(w.code, w.town, w.firm, w.name) for w in WEIGHTS] == [
        (w.code, w.town, w.firm, w.ja) for w in score.WEIGHTS
    ]
    (table,) = parts(parsed(Browser(app).get("/ranking")))["match"].iter("table")
    (body,) = table.iter("tbody")
    for row, weight in zip(body, WEIGHTS, strict=True):
        name, town, firm, _meaning = (words(cell) for cell in row)
        assert name == weight.name
        for shown, share in ((town, weight.town), (firm, weight.firm)):
            assert shown == (f"{round(share * 100)}%" if share else "–")


def test_the_page_names_what_never_counts(app: Flask) -> None:
    text = text_of(Browser(app).get("/ranking"))
    for never in ("資本金", "従業員の数", "投稿の数", "お金の支払い", "クリックの数"):
        assert never in text


def test_the_page_says_the_numbers_that_lists_are_dealt_by(app: Flask) -> None:
    found = parts(parsed(Browser(app).get("/ranking")))
    listed, promises = words(found["list"]), words(found["promises"])
    assert f"{RULES.k}の場所" in listed
    assert f"上の{RULES.k - RULES.q}つの場所" in listed
    assert f"下の{RULES.q}つの場所" in listed
    assert f"点数が{RULES.cut_call:.2f}より低い" in listed
    assert "いまは0.00です" in listed
    assert f"点数が{RULES.t:.2f}以上の組だけ" in promises
    assert f"最低点の{RULES.rho:.0%}以上" in promises


def test_without_lists_the_page_says_that_there_is_no_audit_yet(app: Flask) -> None:
    assert "まだ監査の数字がありません" in text_of(Browser(app).get("/ranking"))
    for form in ("csv", "json"):
        answer = Browser(app).get(f"/ranking/audit.{form}")
        assert answer.status_code == 404
        assert "まだ監査の数字がありません" in answer.get_data(as_text=True)


def test_the_first_week_is_shown_as_what_it_is(app: Flask, services: Services) -> None:
    fill(services, Week.of(NOW))
    text = text_of(Browser(app).get("/ranking"))
    assert "まだ1週間たっていません" in text
    assert "途中の数字です" in text
    assert "標本が小さいため" in text


def test_the_newest_week_that_is_over_comes_first(app: Flask, services: Services) -> None:
    fill(services, WEEK.previous, WEEK, Week.of(NOW))
    answer = Browser(app).get("/ranking")
    text = text_of(answer)
    assert "まだ1週間たっていません" not in text
    (select_,) = parsed(answer).iter("select")
    options = list(select_)
    assert [o.get("value") for o in options] == ["2026-W49", "2026-W48", "2026-W47"]
    assert [o.get("value") for o in options if o.get("selected") is not None] == ["2026-W48"]
    assert "（途中）" in words(options[0])
    running = text_of(Browser(app).get("/ranking?week=2026-W49"))
    assert "この週はまだ終わっていません" in running


@pytest.mark.parametrize("week", ["2026-W01", "now", "2026-W99", "'"])
def test_a_week_without_a_report_is_not_found(app: Flask, services: Services, week: str) -> None:
    fill(services, WEEK)
    for path in ("/ranking", "/ranking/audit.csv", "/ranking/audit.json"):
        assert Browser(app).get(path, query_string={"week": week}).status_code == 404


def test_every_picture_says_itself_and_has_its_table(app: Flask, services: Services) -> None:
    fill(services, WEEK.previous, WEEK)
    tree = parsed(Browser(app).get("/ranking"))
    pictures = by_class(tree, "chart")
    assert len(pictures) >= 5
    for picture in pictures:
        assert picture.get("role") == "img"
        assert (picture.get("aria-label") or "").strip()
    found = parts(tree)
    (table,) = found["audit-size"].iter("table")
    rows = [[words(cell) for cell in row] for row in next(table.iter("tbody"))]
    assert rows[0][:3] == ["5人まで", "5", "1.00"]
    assert rows[0][4] == "いちばん高い"
    assert rows[1] == ["6人から20人", "–", "–", "–", "–"]
    assert "数が5に満たないため示しません" in words(found["audit-size"])
    assert rows[2][0] == "301人から"
    assert rows[2][4].startswith("0.8を下回る")
    assert "0.8を下回る区分があります" in words(found["audit-size"])
    assert "5人まで 1.00" in by_class(found["audit-size"], "chart")[0].get("aria-label", "")
    assert "2026年11月16日から2026年11月22日まで" in words(found["audit-weeks"])


def test_the_audit_begins_with_its_answer(app: Flask, services: Services) -> None:
    fill(services, WEEK)
    tree = parsed(Browser(app).get("/ranking"))
    text = words(tree)
    assert text.index("目標の内が") < text.index("検索の順番 ことばを")
    (missed,) = (int(n) for n in set(re.findall("外が([0-9]+)項目", text)))
    short = next(part for part in by_class(tree, "notice") if "この週の答え" in words(part))
    anchors = [a.get("href") for a in short.iter("a")]
    assert len(anchors) == missed > 0
    assert "#audit-size" in anchors
    assert {anchor.removeprefix("#") for anchor in anchors if anchor} <= parts(tree).keys()


def test_no_small_group_can_be_told_from_any_form(app: Flask, services: Services) -> None:
    """Two firms of 6 to 20 people: their number and figures appear nowhere."""
    fill(services, WEEK)
    figures = Browser(app).get("/ranking/audit.json").get_json()["figures"]
    small = [row for row in lines(figures) if row.key == "small"]
    assert {row.value for row in small} == {None}
    assert "basis" not in Browser(app).get("/ranking/audit.json").get_data(as_text=True)
    text = Browser(app).get("/ranking").get_data(as_text=True)
    assert "会社0" not in text


def test_csv_and_json_hold_the_figures_of_the_report(app: Flask, services: Services) -> None:
    fill(services, WEEK)
    with services.database.session() as session:
        stored = report.read(session, WEEK)
    assert stored is not None
    data = Browser(app).get("/ranking/audit.json?week=2026-W48")
    assert data.get_json()["figures"] == stored.figures
    assert data.get_json()["weeks"] == ["2026-W48"]
    assert "Set-Cookie" not in data.headers
    answer = Browser(app).get("/ranking/audit.csv?week=2026-W48")
    assert answer.headers["Content-Disposition"].endswith("local-hub-audit-2026-W48.csv")
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True))))
    assert rows[0] == ["週", "部分", "区分", "項目", "値", "コード"]
    values = {row[5]: row[4] for row in rows[1:]}
    assert len(values) == len(list(lines(stored.figures)))
    assert values["spread.gini"] == str(stored.figures["spread"]["gini"])
    assert values["by_size.small.value"] == ""
    assert values["by_size.large.below"] == "1"
    named = {row[5]: row[1:4] for row in rows[1:]}
    assert named["by_size.micro.ratio"] == ["会社の大きさ", "5人まで", "比"]
    assert Browser(app).get("/ranking/audit.csv?bom=1").data.startswith(b"\xef\xbb\xbf")


def test_the_table_is_in_english_too(app: Flask, services: Services) -> None:
    fill(services, WEEK)
    answer = Browser(app).get("/ranking/audit.csv?lang=en")
    assert answer.get_data(as_text=True).isascii()


def test_the_page_sets_no_cookie(app: Flask, services: Services) -> None:
    fill(services, WEEK)
    assert "Set-Cookie" not in Browser(app).get("/ranking").headers


def test_an_old_record_of_many_weeks_is_drawn(app: Flask, services: Services) -> None:
    fill(services)
    week = WEEK
    for _ in range(5):
        store(services, week)
        week = week.previous
    found = parts(parsed(Browser(app).get("/ranking")))["audit-weeks"]
    (table,) = found.iter("table")
    assert len(list(next(table.iter("tbody")))) == 5
    assert len(by_class(found, "chart-dot")) == 6  # five weeks and the legend


def test_a_week_in_which_nobody_was_shown(app: Flask, services: Services) -> None:
    fill(services)
    with services.database.unit_of_work() as session:
        for held in session.scalars(select(Place)):
            held.begins_at, held.ends_at = WEEK.begins_at - 9 * DAY, WEEK.begins_at - 8 * DAY
    store(services, WEEK)
    text = text_of(Browser(app).get("/ranking"))
    assert "どの一覧にもまだ出ていません" in text
    assert "nan" not in text.lower()
