"""Interface texts in the reader's language, with a type: Flask-Babel declares none."""

from flask_babel import gettext


def _(message: str, **values: object) -> str:
    """The translation of a message id, with `%(name)s` filled in."""
    return str(gettext(message, **values))
