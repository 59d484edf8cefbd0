"""What writing a call and writing a solution have in common."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue

from hub.domain.errors import Conflict, Refused
from hub.domain.inputs import format_moment
from hub.models.listing import Call, Solution
from hub.web import choices
from hub.web.context import commit, now, person, session
from hub.web.forms import Form, sentence
from hub.web.language import chosen
from hub.web.words import _

Listing = Call | Solution


def number(text: str | None) -> int:
    """The version a form was opened with; anything unreadable never equals a real one."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else -1


def clashes(
    yours: Mapping[str, Any], theirs: Mapping[str, Any], labels: Mapping[str, str]
) -> list[dict[str, str]]:
    """What the other person's version says where it differs from what was typed, in words."""
    names = choices.every_name()
    return [
        {
            "label": _(label),
            "theirs": shown(theirs[name], names),
            "yours": shown(yours[name], names),
        }
        for name, label in labels.items()
        if (theirs[name] or None) != (yours[name] or None)
    ]


def shown(value: Any, names: Mapping[str, str]) -> str:
    """A value as a person reads it: names of keys, dates with their weekday."""
    if isinstance(value, tuple | list):
        return _("、").join(names.get(key, key) for key in value)
    if isinstance(value, datetime):
        return format_moment(value, chosen())
    return "" if value is None else names.get(str(value), str(value))


def attempt(form: Form, rule: Callable[[], Any]) -> tuple[Any, Conflict | None]:
    """Run a rule and commit; a refusal is put at the form's fields, a conflict handed back.

    Returns (what the rule returned, None) or (None, the conflict); with a refusal (None, None).
    """
    try:
        result = rule()
        commit()
    except Refused as refused:
        session().rollback()
        form.refuse(refused)
        return None, None
    except Conflict as conflict:
        session().rollback()
        return None, conflict
    return result, None


def move(
    listing: Listing,
    target: str,
    rule: Callable[..., None],
    version: str | None,
    done: str,
    to: str,
) -> ResponseReturnValue:
    """Publish, close or discard by a button; afterwards to the page `to`.

    A refusal or someone else's change leads back to the preview, which says why. Pressing twice
    is no mistake: who finds the listing in its `target` state has got what was wanted.
    """
    if listing.state == target:
        return redirect(to, 303)
    preview = url_for(f"{listing.subject}_editing.preview", id_=listing.id)
    try:
        rule(session(), listing, actor=person(), now=now(), expected_version=number(version))
        commit()
    except Conflict as conflict:
        arrived = conflict.current.state == target
        session().rollback()
        if arrived:
            return redirect(to, 303)
        flash(_("ほかの人が先に変更しました。いまの内容を確かめてください"), "error")
        return redirect(preview, 303)
    except Refused as refused:
        session().rollback()
        for problem in refused.problems:
            flash(sentence(problem), "error")
        return redirect(preview, 303)
    flash(done)
    return redirect(to, 303)
