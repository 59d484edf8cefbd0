"""What is told of a listing that counts as a copy of one published before."""

from dataclasses import dataclass

from flask import url_for

from hub.domain import matches
from hub.models.listing import Call, Solution
from hub.policy import allowed
from hub.web import present
from hub.web.context import actor, session


@dataclass(frozen=True, slots=True)
class CopyNote:
    """What `copy_note` of `components/match.html` draws.

    `url`, `title` and `owner` are of the listing that stands for this one ("call" or "solution"),
    which is public; `list_url` is its list where that is ours too, else "".
    """

    subject: str
    title: str
    url: str
    owner: str
    list_url: str


def note(listing: Call | Solution) -> CopyNote | None:
    """What to say of a listing of ours; None when it stands for itself."""
    original = matches.original(session(), listing)
    if original is None:
        return None
    subject = original.subject
    ours = allowed(actor(), f"{subject}.matches", original)
    return CopyNote(
        subject=subject,
        title=original.title,
        url=url_for(f"listing.{subject}", id_=original.id),
        owner=present.organisation_name(original.organisation),
        list_url=url_for(f"my.{subject}_matches", id_=original.id) if ours else "",
    )
