"""A running text as sentences, each with the weight of its manner of speaking.

Public notices carry long preambles, eligibility, privacy, schedules and contacts around a few
sentences of need. The patterns are the set phrases of such notices, not topics.
"""

import re
from collections.abc import Iterator

from search.analysis import fold
from search.vocabulary.notices import PREAMBLE, PROCEDURE

PROCEDURE_WEIGHT = 0.1
PREAMBLE_WEIGHT = 0.3
HEADING_WEIGHT = 0.3

_SENTENCE = re.compile(r"[^。！？!?\n]+[。！？!?]*")
_HEADING = re.compile(
    r"\s*([■●◆□○◇▼▽▶★【〔［\[<＜]|[(（第]?[0-9０-９一二三四五六七八九十]{1,2}[.．、)）章\s])"
)


def weighted_sentences(text: str) -> Iterator[tuple[str, float]]:
    """Yield (sentence, weight of its manner of speaking) for a running text.

    A short line without a full stop is a heading; under a heading of procedure ("応募資格")
    everything counts as procedure until the next heading.
    """
    below_procedure = False
    for line in text.splitlines():
        if not line.strip():
            continue
        if _is_heading(line):
            below_procedure = PROCEDURE.search(fold(line)) is not None
            yield line.strip(), PROCEDURE_WEIGHT if below_procedure else HEADING_WEIGHT
            continue
        for match in _SENTENCE.finditer(line):
            if sentence := match.group().strip():
                yield sentence, PROCEDURE_WEIGHT if below_procedure else _manner(sentence)


def _is_heading(line: str) -> bool:
    return _HEADING.match(line) is not None and len(line.strip()) <= 24 and "。" not in line


def _manner(sentence: str) -> float:
    folded = fold(sentence)
    if PROCEDURE.search(folded):
        return PROCEDURE_WEIGHT
    return PREAMBLE_WEIGHT if PREAMBLE.search(folded) else 1.0
