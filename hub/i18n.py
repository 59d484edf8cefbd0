"""Interface texts outside templates. The Japanese sentence is the message id."""

import gettext
from collections.abc import Callable
from functools import cache
from pathlib import Path

CATALOGUES = Path(__file__).parent / "translations"

Translate = Callable[[str], str]


def N_(message: str) -> str:
    """Mark `message` for the catalogue without translating it yet."""
    return message


@cache
def translator(language: str) -> Translate:
    """What turns message ids into a language where no page is asked for, as in mails."""
    if language == "ja":
        return N_
    return gettext.translation("messages", CATALOGUES, [language]).gettext
