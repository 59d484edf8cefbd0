"""Tables as CSV: RFC 4180, and safe to open in a spreadsheet."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence

Cell = str | int
_FORMULA = "=+-@\u2212"  # what a spreadsheet takes for the beginning of a formula


def written(header: Sequence[str], rows: Iterable[Sequence[Cell]], *, bom: bool = False) -> bytes:
    """The table in UTF-8 with CRLF; `bom` puts the mark before it that Excel asks for."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([harmless(name) for name in header])
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig" if bom else "utf-8")


def harmless(cell: Cell) -> Cell:
    """The cell on one line, with an apostrophe before what would be read as a formula.

    Full-width signs count too, and so do signs behind white space. Numbers stay numbers.
    """
    if isinstance(cell, int):
        return cell
    first = unicodedata.normalize("NFKC", cell.lstrip()[:1])
    risky = cell[:1] in ("\t", "\r", "\n") or (first and first in _FORMULA)
    line = " ".join(cell.split())
    return f"'{line}" if risky else line
