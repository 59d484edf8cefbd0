"""What people type, by kind: from one word to a whole question, with slips, places and filters."""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.corpus import FIELDS, HOW, TROUBLE, Corpus, Subject
from search.analysis import tokenize
from search.vocabulary.synonyms import PHRASES
from tests.search.gazetteer import table

_KANJI_OR_KATAKANA = re.compile(r"[一-鿿ァ-ヺー]{4,8}")
_SHORTEST_PHRASE = 4
_COMMON = 0.4  # of queries have a word that many listings mention
_PREFECTURES = tuple(row["code"] for row in table("prefectures"))
_QUESTIONS = (
    "{a}の{trouble}不足を解決する方法はありますか",
    "{a}を手伝ってくれる会社ある？",
    "どうすれば{a}を{b}と一緒に進められますか？",
    "{a}に困っています。{trouble}がありません",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A query of a kind; `filters` are chosen values by facet."""

    kind: str
    text: str
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def queries(corpus: Corpus, count: int, seed: int = 2) -> list[Asked]:
    """Return `count` queries of each kind."""
    chance = random.Random(seed)
    found = []
    for kind, make in _KINDS.items():
        texts: dict[str, None] = {}
        while len(texts) < count and kind != "browse":
            if text := make(corpus, corpus.subject(chance), chance):
                texts[text] = None
        for text in texts or [""] * count:
            filters = _filters(chance) if kind == "filters" else {}
            found.append(Asked(kind, text, filters))
    return found


def _word(corpus: Corpus, subject: Subject, chance: random.Random) -> str:
    """Return a word of a subject, or of those that many listings mention."""
    return (FIELDS if chance.random() < _COMMON else subject.words).one(chance)


def _words(corpus: Corpus, subject: Subject, chance: random.Random) -> str:
    """Return two or three words; some of them are common ones."""
    own = subject.words.some(chance, chance.choice((2, 2, 3)))
    if chance.random() < _COMMON:
        own[0] = (FIELDS if chance.random() < 0.5 else HOW).one(chance)
    return " ".join(dict.fromkeys(own))


def _kana(corpus: Corpus, subject: Subject, chance: random.Random) -> str:
    """Return a word as it sounds, where every piece of it has a reading."""
    tokens = tokenize(subject.words.one(chance))
    return "".join(token.reading for token in tokens) if all(t.reading for t in tokens) else ""


def _synonym(corpus: Corpus, subject: Subject, chance: random.Random) -> str:
    """Return a word that the vocabulary has other names for."""
    word = subject.words.one(chance)
    forms = tuple(token.form for token in tokenize(word))
    return word if forms in PHRASES.synonyms else ""


def _phrase(corpus: Corpus, subject: Subject, chance: random.Random) -> str:
    word = subject.words.one(chance)
    return f'"{word}"' if len(word) >= _SHORTEST_PHRASE else ""


def _exclusion(corpus: Corpus, subject: Subject, chance: random.Random) -> str:
    first, second = subject.words.some(chance, 2)
    return f"{first} -{second}"


def _either(corpus: Corpus, subject: Subject, chance: random.Random) -> str:
    first, second = subject.words.some(chance, 2)
    return f"{first} OR {second}"


def _place(corpus: Corpus, subject: Subject, chance: random.Random) -> str:
    return f"{corpus.places.one(chance)} {subject.words.one(chance)}"


def _question(corpus: Corpus, subject: Subject, chance: random.Random) -> str:
    first, second = subject.words.some(chance, 2)
    trouble = TROUBLE.one(chance)
    return chance.choice(_QUESTIONS).format(a=first, b=second, trouble=trouble)


def _slip(corpus: Corpus, subject: Subject, chance: random.Random) -> str:
    """Return a word in which two neighbouring letters changed places."""
    word = subject.words.one(chance)
    if not _KANJI_OR_KATAKANA.fullmatch(word):
        return ""
    at = chance.randrange(1, len(word) - 1)
    slipped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return slipped if slipped != word else ""


def _filters(chance: random.Random) -> dict[str, tuple[str, ...]]:
    return {"prefecture": tuple(chance.sample(_PREFECTURES, 3)), "offer": ("field",)}


_KINDS: dict[str, Callable[[Corpus, Subject, random.Random], str]] = {
    "word": _word,
    "words": _words,
    "kana": _kana,
    "synonym": _synonym,
    "phrase": _phrase,
    "exclusion": _exclusion,
    "either": _either,
    "place": _place,
    "question": _question,
    "slip": _slip,
    "browse": _word,
    "filters": _words,
}
KINDS = tuple(_KINDS)
