"""Whole questions reduced to what they ask, by grammar.

雪かきを手伝ってくれる会社ある？ asks for 雪かき and 手伝う. What holds the question together is left
out: grammar words, verbs of asking and being in trouble at the end of a sentence, light verbs,
and the noun in whose name one asks (会社, 方法, もの …) where it is only the head of the question.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from search.analysis import Morpheme, Sentence, parse
from search.vocabulary import read_sections

LONGEST = 400  # characters of a text that are looked at

_KANA_STRETCH = re.compile(r"(?<!\S)[ぁ-ゖー]+(?!\S)")
_WORDS = read_sections("question_words.txt")
_ASKING, _LIGHT, _LIGHT_NOUNS, _HEADS, _FORMAL, _OWN, _OWN_PLACES, _JUDGING, _ADVERBS = (
    frozenset(_WORDS[name])
    for name in (
        *("asking", "light", "light_nouns", "heads", "formal"),
        *("own", "own_places", "judging", "adverbs"),
    )
)


def core(text: str) -> tuple[tuple[int, int], ...]:
    """Return the spans of a question to leave out, so that the rest is what it asks.

    Offsets are those of the text. Keywords without grammar, and questions that would have nothing
    left, keep everything but grammar words.
    """
    return core_of(parse(text[:LONGEST]))


def core_of(sentence: Sentence) -> tuple[tuple[int, int], ...]:
    """Return the same for a sentence that is parsed already."""
    morphemes = sentence.morphemes
    if not any(_binds(m) for m in morphemes):
        return ()
    roles = _Roles(grammar={i for i in range(len(morphemes)) if _is_grammar(morphemes, i)})
    for first, last in _sentences(morphemes):
        roles.note(morphemes, first, last)
    content = {i for i, m in enumerate(morphemes) if m.pos[0] not in ("空白", "補助記号")}
    choices = (roles.grammar | roles.frame | roles.heads, roles.grammar | roles.frame)
    left = next((left for left in choices if content - left), roles.grammar)
    return tuple(_spans(sentence, sorted(left - _in_kana(sentence))))


def _in_kana(sentence: Sentence) -> set[int]:
    """Return the morphemes of stretches in kana alone, where the dictionary sees grammar in words."""
    spans = [match.span() for match in _KANA_STRETCH.finditer(sentence.folded.text)]
    return {
        i
        for i, m in enumerate(sentence.morphemes)
        if any(start <= m.start and m.end <= end for start, end in spans)
    }


def _binds(m: Morpheme) -> bool:
    return m.pos[0] in ("動詞", "助動詞", "助詞") or m.form == "?"


@dataclass(slots=True)
class _Roles:
    """Which morphemes are grammar, which the frame of a question, which only its head."""

    grammar: set[int]
    frame: set[int] = field(default_factory=set)
    heads: set[int] = field(default_factory=set)

    def note(self, morphemes: Sequence[Morpheme], first: int, last: int) -> None:
        """Note the roles of one sentence."""
        for i in range(first, last + 1):
            if i not in self.grammar:
                if _is_frame(morphemes, i):
                    self.frame.add(i)
                elif morphemes[i].form in _HEADS and _is_head(morphemes, i, last):
                    self.heads.add(i)
        self._note_asking(morphemes, first, last)

    def _note_asking(self, morphemes: Sequence[Morpheme], first: int, last: int) -> None:
        """The last predicate may ask: …を探しています, …で困っている, …に相談したい."""
        known = self.grammar | self.frame | self.heads
        i = last
        while i >= first:
            m = morphemes[i]
            if m.form in _ASKING and not _is_compound(morphemes, i):
                self.frame.add(i)
                if i > first and morphemes[i - 1].pos[0] == "接頭辞":
                    self.frame.add(i - 1)
            elif not (i in known or i in self.frame or m.pos[0] == "空白"):
                return
            i -= 1


def _sentences(morphemes: Sequence[Morpheme]) -> Iterator[tuple[int, int]]:
    """Yield the first and last index of each sentence; "…のですが、" ends one as well."""
    first = 0
    for i, m in enumerate(morphemes):
        if m.pos[1] in ("句点", "読点") or m.form in ("?", "!"):
            if i > first:
                yield first, i - 1
            first = i + 1
    if first < len(morphemes):
        yield first, len(morphemes) - 1


def _is_frame(morphemes: Sequence[Morpheme], i: int) -> bool:
    m = morphemes[i]
    if m.pos[0] == "動詞":
        return m.form in _LIGHT
    if m.pos[0] in ("形容詞", "形状詞"):
        return m.form in _JUDGING
    following = morphemes[i + 1].form if i + 1 < len(morphemes) else ""
    light = m.form in _LIGHT_NOUNS and following in ("為る", "出来る")
    formal = m.form in _FORMAL and not _is_compound(morphemes, i)
    return light or formal or _is_own(morphemes, i)


def _is_grammar(morphemes: Sequence[Morpheme], i: int) -> bool:
    m = morphemes[i]
    match m.pos[:2]:
        case ("助詞" | "助動詞" | "代名詞" | "連体詞" | "感動詞" | "接続詞", _):
            return True
        case ("動詞" | "形容詞" | "形状詞", "非自立可能") | ("形状詞", "助動詞語幹"):
            return True
        case ("副詞", _):
            return m.form in _ADVERBS
        case ("補助記号", _):
            return m.pos[1] in ("句点", "読点")
    return False


def _is_own(morphemes: Sequence[Morpheme], i: int) -> bool:
    """うち, うちの町, 私たち: the one who asks."""
    m = morphemes[i]
    if m.form in _OWN or m.surface in ("うち", "うちら", "わたし", "当", "我が"):
        return not _is_compound(morphemes, i)
    before = morphemes[i - 2] if i > 1 and morphemes[i - 1].surface == "の" else None
    this = morphemes[i - 1] if i and morphemes[i - 1].pos[0] in ("連体詞", "接頭辞") else None
    own = before is not None and (before.form in _OWN or before.pos[0] == "代名詞")
    own = own or (before is not None and before.surface == "うち")
    return m.form in _OWN_PLACES and (own or (this is not None and this.form in ("此の", "当")))


def _is_head(morphemes: Sequence[Morpheme], i: int, last: int) -> bool:
    """Tell whether a noun is only the head of what is asked: 手伝ってくれる会社, いい方法は？

    It ends a relative clause, or is judged (いい, どんな, おすすめの), or is what there is or is
    not; as part of a compound, or as the thing itself (会社の防災), it is none.
    """
    if _is_compound(morphemes, i):
        return False
    before = morphemes[i - 1] if i else None
    after = morphemes[i + 1] if i < len(morphemes) - 1 else None
    if after is not None and after.surface == "の" and after.pos[1] == "格助詞":
        return False
    clause = before is not None and (
        before.pos[0] in ("連体詞", "代名詞")
        or before.pos[1] == "副助詞"
        or before.pos[5].startswith(("連体形", "終止形"))
    )
    judged = (
        i > 1
        and before is not None
        and before.surface in ("の", "な")
        and morphemes[i - 2].form in _JUDGING
    )
    exists = any(
        m.form in ("有る", "無い", "居る") for m in morphemes[i + 1 : min(i + 4, last + 1)]
    )
    asked = i == last and any(m.form == "?" for m in morphemes[i + 1 : i + 3])
    return clause or judged or exists or asked


def _is_compound(morphemes: Sequence[Morpheme], i: int) -> bool:
    """Tell whether a noun stands right beside another, or is or carries an affix."""
    beside = [morphemes[j] for j in (i - 1, i + 1) if 0 <= j < len(morphemes)]
    if morphemes[i].pos[0] != "名詞":
        return morphemes[i].pos[0] == "接尾辞"
    return any(m.pos[0] in _NOMINAL and m.surface not in _POLITE for m in beside)


_NOMINAL = ("名詞", "接頭辞", "接尾辞")
_POLITE = ("方", "達", "たち", "さん", "等", "お", "ご", "御")


def _spans(sentence: Sentence, left: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the stretches of morphemes as spans of the text."""
    start = 0
    while start < len(left):
        end = start
        while end + 1 < len(left) and left[end + 1] == left[end] + 1:
            end += 1
        first, last = sentence.morphemes[left[start]], sentence.morphemes[left[end]]
        yield sentence.span(first.start, last.end)
        start = end + 1
