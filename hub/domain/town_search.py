"""Finding municipalities by a piece of their name, for a list of what there is.

`hub.domain.places` is for forms, where one body is meant; here every one that fits is wanted.
"""

from sqlalchemy import Select, SQLColumnExpression, func, or_, select

from hub.models.reference import Municipality, Prefecture
from search.analysis import fold, hiragana

# What `fold` does to the characters of municipalities' names, for SQL to do the same.
SPELLINGS = (("ヶ", "ケ"), ("條", "条"), ("嶋", "島"))


def typed(text: str) -> tuple[str, str]:
    """What was typed as a name and as a reading, in the spelling that is compared."""
    return fold(text).replace(" ", ""), hiragana(text).replace(" ", "")


def towns_named(text: str) -> Select[Municipality]:
    """Municipalities whose name holds the text, or whose reading, romaji or full name it is.

    The beginning of a reading or of the romaji is enough. By code.
    """
    wanted, reading = typed(text)
    return (
        select(Municipality)
        .join(Municipality.prefecture)
        .where(
            or_(
                _folded(Municipality.name).contains(wanted, autoescape=True),
                Prefecture.name + _folded(Municipality.name) == wanted,
                Municipality.kana.startswith(reading, autoescape=True),
                Municipality.romaji.startswith(wanted, autoescape=True),
            )
        )
        .order_by(Municipality.code)
    )


def _folded(name: SQLColumnExpression[str]) -> SQLColumnExpression[str]:
    for written, compared in SPELLINGS:
        name = func.replace(name, written, compared)
    return name
