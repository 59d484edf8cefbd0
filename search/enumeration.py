"""How much of a text is bare enumeration: keyword stuffing, whatever stands between the words.

A list says which words the author wants to be found by and nothing about what is done. It takes
four shapes, all of them looked for over the whole text, across sentences, lines and fields:

    run         four or more short noun phrases in a row, whatever marks, blanks or tags part them
    chain       eight or more nouns with nothing but の, と, や and their like between them
    frame       the same words behind four or more different noun phrases (…に対応します)
    definition  four or more sentences of the kind …とは…

A quantity (120mm, 9時) neither counts nor ends a run; with more than one of them for two phrases it
is a table, an address or a timetable, and those say something. Brackets, labels, headings, the ends
of sentences and one short item that is no noun phrase end a run of less than eight phrases.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from itertools import groupby
from typing import NamedTuple

from search.analysis import tokenize

MINIMUM_RUN = 4
MINIMUM_CHAIN = 8
LONGEST_ITEM = 16
FREE_SHARE = 0.1

# Combining marks and variation selectors belong to the letter before them.
_LETTER = r"(?:[^\W_]|[\u0300-\u036f\u3099\u309a\ufe00-\ufe0f\U000e0100-\U000e01ef])"
# What stands between two items is a tag, an address of a page, or anything that is no letter. A
# blank between two Latin words joins them, as does a mark inside of 03-1234-5678 or end-to-end.
_ITEM = re.compile(
    rf"""<[^<>]{{0,80}}> | https?://[!-~]+
       | (?P<item>{_LETTER}+
           (?:(?:(?<=[A-Za-z])[ ](?=[A-Za-z]) | (?<=[A-Za-z0-9])[-.,:'’&@](?=[A-Za-z0-9]))
              {_LETTER}+)*)""",
    re.VERBOSE,
)
_STOP = re.compile(r"[。！？!?\n\r]")
_BREAK = re.compile(r"[「」『』()（）【】〔〕［］\[\]:：■●◆▼]")
_CLOSED = re.compile(r"[」』)）】〕］\]]\W*[「『(（【〔［\[]")
_LINK = "の|と|や|お|ご|等|など|から|まで|及び|および|又は|または|かつ|あるいは"
_LINKED = re.compile(_LINK)
_LINKS = re.compile(rf"(?:{_LINK}|\s)*")
_PARTICLE = re.compile(r"[をにもへでがは]?")
_OBJECT = re.compile(r"を.", re.DOTALL)
_NUMBER = re.compile(r"\d+")
_UNITS = "A-Za-z%年月日時分秒間円人名台件回社階番号点個本枚歳度万億千"
_QUANTITY = re.compile(rf"\d[\d.,:-]*[{_UNITS}]{{1,3}}|\d+[.,:-][\d.,:-]*")
_MOST_BESIDE = 3  # letters beside the quantity: 約9時から, 幅120mm
# Dictionary forms of verbs and adjectives end like this after a kanji or kana.
_INFLECTED = re.compile(r"[^ァ-ヺa-z0-9][うくぐすつぬぶむるい]$")
_NOUN_IN_I = re.compile(r"(違い|思い|願い|扱い|迷い|祝い|集い|憩い|払い|洗い|使い|買い|見舞い)$")
_MOST_LATIN = 2  # words of a Latin phrase: with more of them it is prose
_LONGEST_ODD = 8  # characters of an item within a list that is no noun phrase
_PER_NOUN = 8  # characters: a phrase with this many for each of its nouns is as short as one of 16
# The same few kana between one short piece and the next, four times: a frame without marks.
_GLUED = re.compile(r"([ぁ-ん]{2,6})(?:[^ぁ-ん、。，．・/／\s]{1,16}\1){3,}")
# Two frames are the same when their first letters are: に対応します, に対応できます.
_FRAME = re.compile(r"[ぁ-ん](?<![のや]).{1,2}|[をにもへでがは]$", re.DOTALL)
_LONGEST_FRAME = 12
_DEFINITION = re.compile(r"(?<![^\W_])([^\W_]{1,16}?)とは[^。！？!?\n]*[。！？!?\n]*")
_MARKS = re.compile(r"[\W_]*")

Span = tuple[int, int]


class _Kind(Enum):
    PHRASE = "a short noun phrase"
    OPEN = "one with a particle behind it: prose follows, or the next of a list"
    QUANTITY = "a number with its unit"
    NOTHING = "a link, the number of a list, or the same few letters again and again"
    ODD = "short and no noun phrase"
    PROSE = "anything else"


class _Item(NamedTuple):
    start: int
    end: int
    kind: _Kind
    alone: bool = False  # in its sentence or line


_PHRASES = (_Kind.PHRASE, _Kind.OPEN)


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Cut a text into (piece, is it bare enumeration); the pieces make up the whole text."""
    done = 0
    for start, end in enumerations(text):
        if done < start:
            yield text[done:start], False
        yield text[start:end], True
        done = end
    if done < len(text):
        yield text[done:], False


def enumerations(text: str) -> Iterator[Span]:
    """Yield where the bare enumerations of a text stand, in order and apart from one another.

    An enumeration ends where the next letter stands, so it holds the marks behind its last item.
    """
    items = [match.span("item") for match in _ITEM.finditer(text) if match["item"] is not None]
    glued = [match.span() for match in _GLUED.finditer(text)]
    done = 0
    found = [*_runs(text, items), *_chains(text, items), *_frames(text, items), *_defined(text)]
    for start, end in sorted([*found, *glued]):
        whole = _after(text, end)
        if whole > done:
            yield max(start, done), whole
            done = whole


def prose_factor(share: float) -> float:
    """Return D, by which a score falls with the share of bare enumeration (both 0..1).

    A tenth is free, since honest posts list what they support; beyond it D = (1 - excess)^2.
    """
    excess = max(0.0, share - FREE_SHARE) / (1 - FREE_SHARE)
    return (1 - excess) ** 2


def _runs(text: str, items: Sequence[Span]) -> Iterator[Span]:
    """Yield the runs of noun phrases: those within a sentence and those of whole sentences."""
    whole: list[_Item] = []
    kinds = _kinds(text[start:end] for start, end in items)
    for sentence in _parted(items, lambda end, start: _STOP.search(text, end, start) is not None):
        alone = len(sentence) == 1
        read = [_Item(start, end, kinds[text[start:end]], alone) for start, end in sentence]
        if read[-1].kind is not _Kind.OPEN and all(item.kind is not _Kind.PROSE for item in read):
            whole += read
            continue
        yield from _listed(text, whole)
        whole = []
        for prose, group in groupby(read, key=lambda item: item.kind is _Kind.PROSE):
            if not prose:
                yield from _listed(text, list(group))
    yield from _listed(text, whole)


def _kinds(items: Iterable[str]) -> dict[str, _Kind]:
    """Return what every item is; odd letters that come again and again only hold a list together."""
    times = Counter(items)
    kinds = {item: _kind(item) for item in times}
    often = (item for item, kind in kinds.items() if kind is _Kind.ODD)
    return kinds | {item: _Kind.NOTHING for item in often if times[item] >= MINIMUM_RUN}


def _chains(text: str, items: Sequence[Span]) -> Iterator[Span]:
    """Yield the chains of nouns within an item: a run that links part instead of marks."""
    for start, end in items:
        item = text[start:end]
        if len(_LINKED.findall(item)) < MINIMUM_CHAIN - 1:
            continue
        words = [(start + token.start, start + token.end) for token in tokenize(item)]
        linked = _parted(words, lambda a, b: a < b and _LINKS.fullmatch(text, a, b) is not None)
        nouns = [(own[0][0], own[-1][1]) for own in linked]
        read = [_Item(*span, _kind(text[slice(*span)])) for span in nouns]
        for prose, group in groupby(read, key=lambda item: item.kind is _Kind.PROSE):
            if not prose:
                yield from _long_enough(list(group), MINIMUM_CHAIN)


def _parted(spans: Sequence[Span], apart: Callable[[int, int], bool]) -> Iterator[list[Span]]:
    """Yield neighbouring spans together, cut where `apart` (end, next start) says so."""
    found: list[Span] = []
    for span in spans:
        if found and apart(found[-1][1], span[0]):
            yield found
            found = []
        found.append(span)
    if found:
        yield found


def _listed(text: str, run: Sequence[_Item]) -> Iterator[Span]:
    """Yield the lists among items without prose: long ones whole, or else what nothing breaks."""
    long = list(_long_enough(run, MINIMUM_CHAIN))
    if long:
        yield from long
        return
    part: list[_Item] = []
    for item in run:
        if part and _breaks(text, part[-1], item):
            yield from _long_enough(part, MINIMUM_RUN)
            part = []
        part.append(item)
    yield from _long_enough(part, MINIMUM_RUN)


def _breaks(text: str, left: _Item, right: _Item) -> bool:
    """Tell whether a short list ends between two items."""
    if _Kind.ODD in (left.kind, right.kind):
        return True
    between = text[left.end : right.start]
    if _STOP.search(between) and not (left.alone and right.alone):
        return True
    return _BREAK.search(between) is not None and _CLOSED.search(between) is None


def _long_enough(run: Sequence[_Item], least: int) -> Iterator[Span]:
    """Yield the span from the first to the last phrase of a run that has at least so many."""
    at = [i for i, item in enumerate(run) if item.kind in _PHRASES]
    while at and run[at[-1]].kind is _Kind.OPEN:
        at.pop()
    if len(at) < least:
        return
    others = sum(item.kind in (_Kind.QUANTITY, _Kind.ODD) for item in run[at[0] :])
    if 2 * others <= len(at):
        yield run[at[0]].start, run[at[-1]].end


def _kind(item: str) -> _Kind:
    """Return what an item is to a list."""
    links = len(_LINKED.findall(item))
    if len(item) > max(LONGEST_ITEM, _PER_NOUN * (links + 1)) or _OBJECT.search(item):
        return _Kind.PROSE
    if item.isascii() and len(item.split()) > _MOST_LATIN:
        return _Kind.PROSE
    if _NUMBER.fullmatch(item) or _LINKS.fullmatch(item):
        return _Kind.NOTHING
    beside = len(_QUANTITY.sub("", item))
    if beside < len(item) and beside <= _MOST_BESIDE:
        return _Kind.QUANTITY
    return _phrase(item) or (_Kind.ODD if len(item) <= _LONGEST_ODD else _Kind.PROSE)


def _phrase(item: str) -> _Kind | None:
    """Return the kind of a noun phrase, None for anything else."""
    end = 0
    tokens = tokenize(item)
    for token in tokens:
        if _INFLECTED.search(token.form) and not _NOUN_IN_I.search(token.form):
            return None
        if not _LINKS.fullmatch(item, end, token.start):
            return None
        end = token.end
    rest = _LINKS.match(item, end)
    if not tokens or rest is None or not _PARTICLE.fullmatch(item, rest.end()):
        return None
    return _Kind.PHRASE if rest.end() == len(item) else _Kind.OPEN


def _frames(text: str, items: Sequence[Span]) -> Iterator[Span]:
    """Yield the items that say the same words behind different noun phrases."""
    heads: defaultdict[str, defaultdict[str, list[Span]]] = defaultdict(lambda: defaultdict(list))
    for start, end in items:
        item = text[start:end]
        for cut in range(max(1, len(item) - _LONGEST_FRAME), min(len(item), LONGEST_ITEM + 1)):
            if frame := _FRAME.match(item, cut):
                heads[frame.group()][item[:cut]].append((start, end))
    for own in heads.values():
        if len(own) >= MINIMUM_RUN:
            found = [spans for head, spans in own.items() if _kind(head) is _Kind.PHRASE]
            if len(found) >= MINIMUM_RUN:
                yield from (span for spans in found for span in spans)


def _defined(text: str) -> Iterator[Span]:
    """Yield the sentences that define a noun phrase, where many do."""
    found = list(_DEFINITION.finditer(text))
    if len({match.group(1) for match in found}) >= MINIMUM_RUN:
        yield from (match.span() for match in found)


def _after(text: str, end: int) -> int:
    """Return where the marks behind an item end."""
    marks = _MARKS.match(text, end)
    return marks.end() if marks else end
