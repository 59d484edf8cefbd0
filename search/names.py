"""Names of organisations as a field of their own, where a name stays a name.

The analyser cuts みなとや帳票 into a harbour and forms; here it is a row of letters behind a mark
for its beginning, so that a name is found from its first letters on and by nothing else.
"""

import re
from collections.abc import Iterator

from search.analysis import exact_units, fold
from search.documents import SearchDocument

START = "^"

_LEGAL_FORMS = re.compile(
    r"株式会社|有限会社|合同会社|合資会社|合名会社|\((株|有|同|一社|公社|一財|公財|社福|学|医|特非)\)"
    r"|(一般|公益)(社団|財団)法人|(認定)?(特定非営利活動|npo)法人|(国立大学|学校|社会福祉|医療|独立行政|宗教)法人"
)


def name_units(document: SearchDocument) -> list[str]:
    """Return the names of a listing's owner as rows of letters, each behind START."""
    return [unit for name in _names(document) for unit in (START, *exact_units(name))]


def _names(document: SearchDocument) -> Iterator[str]:
    """Yield the owner's name as written, without its legal form, and in kana."""
    bare = _LEGAL_FORMS.sub(" ", fold(document.owner)).strip()
    for name in dict.fromkeys((fold(document.owner), bare, document.owner_kana)):
        if name:
            yield name
