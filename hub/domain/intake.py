"""How much a town can take: a paused or full desk is recommended to fewer firms, or to none."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.db import in_parts
from hub.domain.desks import is_paused
from hub.models.desk import Desk


def states(session: Session, towns: Collection[int], *, now: datetime) -> dict[int, str]:
    """What each town can take beyond the usual: "paused" nothing, "full" no more than the floor.

    Towns that take what comes are left out.
    """
    found: dict[int, str] = {}
    for part in in_parts(sorted(towns)):
        desks = session.scalars(
            select(Desk).where(Desk.state == "published", Desk.organisation_id.in_(part))
        ).all()
        by_town: defaultdict[int, list[Desk]] = defaultdict(list)
        for desk in desks:
            by_town[desk.organisation_id].append(desk)
        for town, own in by_town.items():
            if all(is_paused(desk, now) for desk in own):
                found[town] = "paused"
    return found
