"""Blindness by construction: what has no field cannot reach a score."""

from dataclasses import fields, replace

import pytest

from tests.matching.samples import CALLS, SOLUTIONS
from workers.matching.facts import CallFacts, SolutionFacts, fingerprint


def test_the_records_hold_the_allowed_inputs_and_nothing_else() -> None:
    call = {field.name for field in fields(CallFacts)}
    solution = {field.name for field in fields(SolutionFacts)}
    texts = {"title", "summary", "vision", "problem", "tried", "offered", "wanted", "details"}
    choices = {"kind", "themes", "offers", "prefecture", "municipality", "budget_kind"}
    gates = {"eligibility", "opens_at", "closes_at", "published"}
    assert call == {"id", "town"} | texts | choices | gates
    texts = {"title", "summary", "solves", "brings", "asks_text", "evidence"}
    choices = {"themes", "asks", "kinds", "stage", "areas"}
    assert solution == {"id", "firm"} | texts | choices | {"juridical", "published"}


@pytest.mark.parametrize(
    "changes",
    [{"id": 99}, {"town": 7}, {"opens_at": 5}, {"closes_at": 9}, {"published": False}],
)
def test_ids_owners_dates_and_states_are_no_content_of_a_call(changes: dict[str, int]) -> None:
    call = replace(CALLS[0], closes_at=8)
    assert fingerprint(replace(call, **changes)) == fingerprint(call)


def test_that_there_is_a_deadline_is_content() -> None:
    assert fingerprint(replace(CALLS[0], closes_at=8)) != fingerprint(CALLS[0])


@pytest.mark.parametrize("changes", [{"id": 99}, {"firm": 7}, {"published": False}])
def test_ids_owners_and_states_are_no_content_of_a_solution(changes: dict[str, int]) -> None:
    assert fingerprint(replace(SOLUTIONS[0], **changes)) == fingerprint(SOLUTIONS[0])


def test_order_of_choices_does_not_count_but_every_other_field_does() -> None:
    call = CALLS[0]
    assert fingerprint(replace(call, themes=call.themes[::-1])) == fingerprint(call)
    other = {
        "kind": "proposal",
        "budget_kind": "none",
        "prefecture": "07",
        "municipality": "062014",
        "themes": ("snow",),
        "offers": ("data",),
        "eligibility": ("juridical_person",),
        **dict.fromkeys(("title", "summary", "vision", "problem", "tried"), "別の文"),
        **dict.fromkeys(("offered", "wanted", "details"), "別の文"),
    }
    prints = {fingerprint(replace(call, **{name: value})) for name, value in other.items()}
    assert len(prints | {fingerprint(call)}) == len(other) + 1


def test_a_call_and_a_solution_never_share_a_fingerprint() -> None:
    call = CallFacts(id=1, town=1, kind="", title="同じ題")
    assert fingerprint(call) != fingerprint(SolutionFacts(id=1, firm=1, title="同じ題"))
