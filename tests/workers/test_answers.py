"""Answers through the deal: they move the lists of who gives them, and no other place at all."""

from pathlib import Path

from sqlalchemy import select

from hub.db import Database
from hub.domain import feedback
from hub.domain.feedback import Pair
from hub.models import Call, Match, MatchList, Place, Solution, Standing, User
from tests import market
from tests.conftest import NOW
from tests.workers.test_deal import call_on, crowded, current, folder, shown, work_off
from workers.matching.exposure import RULES

__all__ = ["crowded", "folder"]


def places_of_others(database: Database, town_id: int) -> list[tuple[object, ...]]:
    """Every place there ever was, but for the lists of this town's calls; scores and standings."""
    with database.session() as session:
        ours = select(Call.id).where(Call.organisation_id == town_id)
        places = select(*Place.__table__.columns).where(
            (Place.kind == "firm") | Place.owner_id.not_in(ours)
        )
        lists = select(MatchList.kind, MatchList.owner_id, MatchList.dealt_at).where(
            (MatchList.kind == "firm") | MatchList.owner_id.not_in(ours)
        )
        pairs = select(Match.call_id, Match.solution_id, Match.score, Match.raw)
        owed = select(Standing.organisation_id, Standing.debt, Standing.shift)
        return [
            row
            for part in (places, lists, pairs, owed)
            for row in sorted(map(tuple, session.execute(part)), key=repr)
        ]


def test_three_equal_reasons_move_our_lists_and_no_place_of_others(
    crowded: Database, folder: Path
) -> None:
    with crowded.unit_of_work() as session:
        other = market.town(session, "011002")
        call_on(session, other, "childcare", title="夕方の子どもの居場所", tried="去年試しました。")
    work_off(crowded, folder)
    with crowded.session() as session:
        town_id = session.get_one(Call, 1).organisation_id
        before = shown(session, "call", 1)
    others = places_of_others(crowded, town_id)
    with crowded.unit_of_work() as session:
        officer = session.get_one(User, 1)
        for place in current(session, "call", 1)[:3]:
            pair = Pair(
                "call", session.get_one(Call, 1), session.get_one(Solution, place.solution_id)
            )
            feedback.answer(session, pair, "declined", reason="theme", actor=officer, now=NOW)
        assert set(feedback.tastes(session, "call", [1], NOW)[1]) == {"themes"}
    work_off(crowded, folder)
    with crowded.session() as session:
        after = shown(session, "call", 1)
        assert set(after).isdisjoint(before[:3])
        assert set(before[3:]) <= set(after)
        assert len(after) == len(before), "the next ones move up"
    assert places_of_others(crowded, town_id) == others


def test_taking_answers_back_brings_the_list_back(crowded: Database, folder: Path) -> None:
    with crowded.session() as session:
        before = shown(session, "call", 1)
    for undone in (False, True):
        with crowded.unit_of_work() as session:
            officer = session.get_one(User, 1)
            for call_id, solution_id in before[:3]:
                pair = Pair(
                    "call", session.get_one(Call, call_id), session.get_one(Solution, solution_id)
                )
                if undone:
                    feedback.undo(session, pair, actor=officer, now=NOW)
                else:
                    feedback.answer(session, pair, "hidden", actor=officer, now=NOW)
        work_off(crowded, folder)
    with crowded.session() as session:
        won = RULES.k - RULES.q  # reserve places stay with whom they went to meanwhile
        assert shown(session, "call", 1)[:won] == before[:won]
