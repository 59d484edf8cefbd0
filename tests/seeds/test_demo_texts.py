"""The demo's texts fit together: every key resolves, every word is known, the market is full."""

import csv
import json
import re
from collections import Counter
from typing import Any

import pytest

from hub.clock import utcnow
from hub.domain import calls, desks, listings, solutions
from hub.domain.inputs import parse_email
from hub.domain.organisations import ABOUT_MAX, NAME_MAX
from hub.models.listing import BUDGET_KINDS, CALL_KINDS, ELIGIBILITY, STAGES
from hub.models.organisation import LEGAL_FORMS, ROLES
from seeds.demo import FOLDER

Row = dict[str, Any]
REFERENCE = FOLDER.parent / "reference"
SIZES = ((1, 1), (2, 5), (6, 50), (51, 300), (301, 100_000))  # employees, both ends included


def reference(name: str) -> list[dict[str, str]]:
    with (REFERENCE / f"{name}.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def read(pattern: str) -> list[Row]:
    """The rows of every file of the demo that the pattern names."""
    paths = sorted(FOLDER.glob(pattern))
    return [row for path in paths for row in json.loads(path.read_text(encoding="utf-8"))]


MUNICIPALITIES = read("municipalities.json")
INTERMEDIARIES = read("intermediaries.json")
PEOPLE = read("people.json")
COMPANIES = read("companies/*.json")
CALLS = read("calls/*.json")
SOLUTIONS = read("solutions/*.json")
DESKS = read("desks.json")

THEMES = {row["key"] for row in reference("themes")}
OFFERS = {row["key"] for row in reference("offers")}
PREFECTURES = {row["name"]: row["code"] for row in reference("prefectures")}
PLACES = {(row["code"][:2], row["name"]) for row in reference("municipalities")}


def keys(rows: list[Row]) -> set[str]:
    return {row["key"] for row in rows}


def repeated(values: Any) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]


def too_long(row: Row, limits: dict[str, Any]) -> list[str]:
    return [name for name, (_, limit) in limits.items() if len(row.get(name) or "") > limit]


def is_open(call: Row, day: int) -> bool:
    """Whether the call is open so many days after the seeding."""
    begun = call["opens_in_days"] <= day
    ended = call["closes_in_days"] is not None and call["closes_in_days"] <= day
    verified = {row["key"] for row in MUNICIPALITIES if row["verified"]}
    return call["state"] == "published" and call["municipality"] in verified and begun and not ended


def test_the_market_is_full_enough_to_try() -> None:
    assert len(MUNICIPALITIES) >= 30
    assert len(CALLS) >= 40
    assert {call["kind"] for call in CALLS} == set(CALL_KINDS)
    assert len(COMPANIES) >= 80
    assert len(SOLUTIONS) >= 100
    assert len(INTERMEDIARIES) >= 2


@pytest.mark.parametrize(("least", "most"), SIZES)
def test_companies_are_of_all_sizes(least: int, most: int) -> None:
    assert sum(least <= row["employees"] <= most for row in COMPANIES) >= 5


@pytest.mark.parametrize("day", [0, 7, 14])
def test_twenty_calls_are_open_for_two_weeks_after_seeding(day: int) -> None:
    assert sum(is_open(call, day) for call in CALLS) >= 20


def test_some_calls_are_upcoming_closed_and_drafts() -> None:
    published = [call for call in CALLS if call["state"] == "published"]
    assert any(call["opens_in_days"] > 0 for call in published)
    assert any((call["closes_in_days"] or 1) < 0 for call in published)
    assert any(call["state"] == "draft" for call in CALLS)
    assert any(row["state"] == "draft" for row in SOLUTIONS)


def test_keys_are_unique_across_all_organisations_and_calls() -> None:
    organisations = [row["key"] for row in (*MUNICIPALITIES, *COMPANIES, *INTERMEDIARIES)]
    assert not repeated(organisations)
    assert all(re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", key) for key in organisations)
    assert not repeated(call["key"] for call in CALLS)
    assert not repeated(row["name"] for row in (*COMPANIES, *INTERMEDIARIES))


def test_titles_are_unique_within_an_organisation() -> None:
    assert not repeated((call["municipality"], call["title"]) for call in CALLS)
    assert not repeated((row["company"], row["title"]) for row in SOLUTIONS)


@pytest.mark.parametrize("row", MUNICIPALITIES, ids=lambda row: row["key"])
def test_municipality_exists(row: Row) -> None:
    code = PREFECTURES[row["prefecture"]]
    assert row["name"] == row["prefecture"] or (code, row["name"]) in PLACES
    assert len(row["about"]) <= ABOUT_MAX
    assert row["departments"]


@pytest.mark.parametrize("row", [*COMPANIES, *INTERMEDIARIES], ids=lambda row: row["key"])
def test_organisation_describes_itself(row: Row) -> None:
    assert row["name"].strip()
    assert max(len(row["name"]), len(row["kana"])) <= NAME_MAX
    assert re.fullmatch(r"[ぁ-ゖー・\s]+", row["kana"])
    assert row["legal_form"] in LEGAL_FORMS
    assert row["prefecture"] in PREFECTURES
    assert 0 < len(row["about"]) <= ABOUT_MAX


@pytest.mark.parametrize("row", COMPANIES, ids=lambda row: row["key"])
def test_company_size_is_plausible(row: Row) -> None:
    assert row["employees"] >= 1
    assert row["capital_yen"] is None or row["capital_yen"] > 0
    assert 1850 <= row["founded_year"] <= utcnow().year


def test_every_company_has_a_solution() -> None:
    assert {row["company"] for row in SOLUTIONS} == keys(COMPANIES)


@pytest.mark.parametrize("row", INTERMEDIARIES, ids=lambda row: row["key"])
def test_intermediary_partners_exist(row: Row) -> None:
    assert 5 <= len(row["partners"]) <= 12
    assert not repeated(row["partners"])
    assert set(row["partners"]) <= keys(MUNICIPALITIES)


def test_people_cover_every_part_one_can_play() -> None:
    known = keys(MUNICIPALITIES) | keys(COMPANIES) | keys(INTERMEDIARIES)
    members = [row for row in PEOPLE if "organisation" in row]
    assert not repeated(parse_email(row["email"])[1] for row in PEOPLE)
    assert all(row["email"].endswith("@example.jp") and row["note"] for row in PEOPLE)
    assert {row["organisation"] for row in members} <= known
    assert {row["role"] for row in members} == set(ROLES)
    assert [row["email"] for row in PEOPLE if row.get("operator")] == ["operator@example.jp"]
    kinds = (MUNICIPALITIES, COMPANIES, INTERMEDIARIES)
    owned = {row["organisation"] for row in members if row["role"] == "owner"}
    assert all(owned & keys(rows) for rows in kinds)


def test_demo_officer_has_open_calls_and_demo_companies_have_solutions() -> None:
    place = {row["email"]: row.get("organisation") for row in PEOPLE}
    own = [call for call in CALLS if call["municipality"] == place["officer@example.jp"]]
    assert sum(is_open(call, 0) for call in own) >= 2
    for email in ("startup@example.jp", "company@example.jp"):
        posted = [row for row in SOLUTIONS if row["company"] == place[email]]
        assert any(row["state"] == "published" for row in posted), email


@pytest.mark.parametrize("row", CALLS, ids=lambda row: row["key"])
def test_call_keeps_to_the_rules(row: Row) -> None:
    town = {place["key"]: place for place in MUNICIPALITIES}[row["municipality"]]
    assert row["department"] in town["departments"]
    assert not too_long(row, calls.LIMITS)
    assert row["kind"] in CALL_KINDS
    assert row["title"]
    assert row["problem"]
    assert 1 <= len(row["themes"]) <= listings.THEMES_MAX
    assert set(row["themes"]) <= THEMES
    assert set(row["offers"]) <= OFFERS
    assert row["budget_kind"] in BUDGET_KINDS
    assert row["budget_max_yen"] is None or row["budget_kind"] != "none"
    assert set(row["eligibility_codes"]) <= set(ELIGIBILITY)
    assert row["state"] in ("published", "draft")


@pytest.mark.parametrize("row", CALLS, ids=lambda row: row["key"])
def test_call_closes_after_it_opens(row: Row) -> None:
    if row["closes_in_days"] is None:
        assert not row["closes_at_time"]
    else:
        assert row["opens_in_days"] < row["closes_in_days"]
        assert row["closes_in_days"] != 0  # open or closed, whatever the hour of seeding
        assert re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", row["closes_at_time"])


@pytest.mark.parametrize("row", SOLUTIONS, ids=lambda row: f"{row['company']}: {row['title']}")
def test_solution_keeps_to_the_rules(row: Row) -> None:
    assert row["company"] in keys(COMPANIES)
    assert not too_long(row, solutions.LIMITS)
    assert row["title"]
    assert row["solves"]
    assert 1 <= len(row["themes"]) <= listings.THEMES_MAX
    assert set(row["themes"]) <= THEMES
    assert set(row["asks"]) <= OFFERS
    assert set(row["kinds"]) <= set(CALL_KINDS)
    assert row["stage"] in STAGES
    assert row["areas"] == ["全国"] or set(row["areas"]) <= set(PREFECTURES)
    assert row["state"] in ("published", "draft")


@pytest.mark.parametrize("row", DESKS, ids=lambda row: row["municipality"])
def test_desk_keeps_to_the_rules(row: Row) -> None:
    town = {place["key"]: place for place in MUNICIPALITIES}[row["municipality"]]
    assert town["verified"]
    assert row["department"] in town["departments"]
    assert not too_long(row, desks.LIMITS)
    assert row["takes"]
    assert int(row["reply_days"]) > 0
    assert row.get("url") or row.get("phone") or row.get("email")
    assert bool(row.get("paused")) == bool(row.get("pause_reason"))
    assert row["state"] in ("published", "draft")


def test_desks_are_open_paused_and_drafts() -> None:
    assert sum(row["state"] == "published" and not row.get("paused") for row in DESKS) >= 6
    assert any(row.get("paused") for row in DESKS)
    assert any(row["state"] == "draft" for row in DESKS)
