"""What all forms share: the token, and sentences of refused rules put at their fields."""

from collections.abc import Mapping
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from wtforms import Field, SelectMultipleField
from wtforms.validators import InputRequired, Length

from hub.domain.errors import Problem, Refused
from hub.i18n import N_
from hub.web.access import token_is_stale
from hub.web.words import _

STALE = N_(
    "ページを開いてから時間がたったため、まだ保存していません。"
    "内容は残っています。もう一度ボタンを押してください"
)


def sentence(problem: Problem) -> str:
    """The problem in the reader's language; labels inside it are translated too."""
    values = {key: _(value) if key == "label" else value for key, value in problem.values.items()}
    message = _(problem.message)
    return message % values if values else message


class Form(FlaskForm):
    """A form whose rules live in hub.domain: it reads, the rule judges, `refuse` shows."""

    # problem field -> form field, where their names differ
    places: Mapping[str, str] = {}

    def sent(self) -> bool:
        """Whether the form was sent with a good token; a stale one leaves a sentence."""
        if request.method != "POST":
            return False
        if token_is_stale():
            self.form_errors.append(_(STALE))
            return False
        return True

    def refuse(self, refused: Refused) -> None:
        """Put each sentence at its field, or above the form when it belongs to none."""
        for problem in refused.problems:
            self._place(problem)

    def _place(self, problem: Problem) -> None:
        name = self.places.get(problem.field, problem.field)
        field: Field | None = self._fields.get(name)
        if field is None:
            self.form_errors.append(sentence(problem))
        else:
            field.errors = [*field.errors, sentence(problem)]

    def parsed(self, parse: Any, *args: Any, problems: list[Problem], **kwargs: Any) -> Any:
        """`parse(...)`, or None with its problems kept for later."""
        try:
            return parse(*args, **kwargs)
        except Refused as refused:
            problems += refused.problems
            return None


def must() -> InputRequired:
    """Marks a field 必須. Only the mark is used: the rule in hub.domain decides."""
    return InputRequired()


def at_most(characters: int) -> Length:
    """Tells the longest length at the field. Only told here: the rule decides."""
    return Length(max=characters)


class Choices(SelectMultipleField):
    """Several keys; what is not on offer is left for the rule to refuse."""

    def __init__(self, label: Any = None, **kwargs: Any) -> None:
        super().__init__(label, validate_choice=False, choices=[], **kwargs)

    @property
    def keys(self) -> tuple[str, ...]:
        """The chosen keys in the order they were sent, each once."""
        return tuple(dict.fromkeys(self.data or ()))
