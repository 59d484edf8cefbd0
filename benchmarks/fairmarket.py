"""A market of numbers for benchmarks.fairness: what suits whom is known, a score sees it dimly.

Firms differ in size; posts per firm are lognormal (median 2, 99th percentile 35), and 35 % of the
posts of firms with more than four are reposts. Calls and solutions are points around forty themes
in 24 dimensions. Truth is their likeness, on the published scale: 0.53 where the best 1.5 % of all
pairs begin. The score is truth + noise + polish · size: large firms write better texts, and nothing
else of a firm's size is in it. How much larger firms post more was set so that lists with copies
collapsed, and nothing else done, are about as unequal as in the study the targets come from (Gini
0.71, the first 1 % of firms hold 14 %).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.matching.exposure import Pairs

Array = NDArray[Any]
_DIMENSIONS, _THEMES = 24, 40
_NOISE, _SAME_TEXT = 0.04, 0.005
_RELATED, _EXACT = (0.985, 0.53), (0.999, 0.72)  # quantile of truth, and its published value
_GRADES = (0.985, 0.995, 0.999)
_SPREAD = np.log(35 / 2) / 2.326
_GROWTH = 0.4  # correlation of a firm's size with the logarithm of its posts
_REPOSTS, _FEW = 0.35, 4
_PER_CALL, _PER_SOLUTION = 200, 10
_SMALL, _LARGE = 0.69, 0.90  # quantiles of size where the classes end


@dataclass(frozen=True)
class Market:
    """Calls and posts; a post is a solution of a firm, `offer` the first post of the same text.

    `truth` and `score` are matrices of calls by posts.
    """

    truth: Array
    score: Array
    firm: Array
    offer: Array
    size: Array  # of each firm; no policy sees it
    polish: Array  # by how much the texts of each firm are scored too high
    grades: Array  # truth from which a pair deserves grade 1, 2, 3
    verified: Array  # firms

    @cached_property
    def pairs(self) -> Pairs:
        """The candidate pairs: 200 posts a call and 10 calls a post, canonical ones only."""
        return self._pairs(np.flatnonzero(self.offer == np.arange(len(self.offer))))

    @cached_property
    def posts(self) -> Pairs:
        """The same with every post for itself, as a list by relevance alone has it."""
        return self._pairs(np.arange(len(self.offer)))

    def grade(self, calls: Array, posts: Array) -> Array:
        """Return the true grades, 0 to 3."""
        found: Array = np.searchsorted(self.grades, self.truth[calls, posts], side="right")
        return found

    def only(self, calls: Array, posts: Array) -> Pairs:
        """Return the candidate pairs among some calls and posts; their copies are known."""
        heads = posts[self.offer[posts] == posts]
        return self._pairs(heads, calls)

    def _pairs(self, posts: Array, calls: Array | None = None) -> Pairs:
        calls = np.arange(len(self.score)) if calls is None else calls
        score = self.score[np.ix_(calls, posts)]
        near = np.zeros(score.shape, bool)
        _mark_best(near, score, min(_PER_CALL, score.shape[1]))
        _mark_best(near.T, score.T, min(_PER_SOLUTION, score.shape[0]))
        row, column = np.nonzero(near)
        call, post = calls[row], posts[column]
        tie = (call.astype(np.uint64) << np.uint64(32)) + post.astype(np.uint64)
        return Pairs(
            call,
            post,
            self.firm[post],
            call // 5,
            self.offer[post],
            call,
            score[row, column].astype(float),
            _mixed(tie),
            self.verified[self.firm[post]],
        )


def market(calls: int, solutions: int, firms: int, *, polish: float, seed: int) -> Market:
    """Draw a market; the number of posts comes near `solutions`."""
    chance = np.random.default_rng(seed)
    size = chance.normal(size=firms)
    posts = np.exp(_SPREAD * (_GROWTH * size + (1 - _GROWTH**2) ** 0.5 * chance.normal(size=firms)))
    count = np.maximum(np.rint(posts * solutions / posts.sum()), 1).astype(int)
    firm = np.repeat(np.arange(firms), count)
    offer = _offers(count, chance)
    themes = _unit(chance.normal(size=(_THEMES, _DIMENSIONS)))
    home = chance.integers(_THEMES, size=(firms, 2))
    theme = home[firm, chance.integers(2, size=len(firm))]
    place = _near(themes[theme], chance)[offer]
    need = _near(themes[chance.integers(_THEMES, size=calls)], chance)
    truth = (need @ place.T).astype(np.float32)
    low, high = np.quantile(truth[:: max(1, calls // 200)], (_RELATED[0], _EXACT[0]))
    truth = _RELATED[1] + (truth - low) / (high - low) * (_EXACT[1] - _RELATED[1])
    grades = np.quantile(truth[:: max(1, calls // 200)], _GRADES)
    noise = chance.normal(0, _NOISE, truth.shape).astype(np.float32)[:, offer]
    noise += chance.normal(0, _SAME_TEXT, truth.shape).astype(np.float32)
    better = (polish * size).astype(np.float32)
    score = np.clip(truth + noise + better[firm], 0, 1)
    return Market(truth, score, firm, offer, size, better, grades, np.ones(firms, bool))


def with_posts(
    base: Market, posts: Array, times: int, *, same: bool, owners: Array | None = None, seed: int
) -> Market:
    """Return the market after each of these posts was posted `times` more.

    `same`: nearly the same text, recognised as a copy; otherwise rewritten, so that its score errs
    anew. `owners`: the firms that post, unverified when new; otherwise the firm of the post.
    """
    chance = np.random.default_rng(seed)
    of = np.repeat(posts, times)
    owner = base.firm[of] if owners is None else owners
    truth = base.truth[:, of]
    error = base.score[:, of] - truth
    if not same:
        error = chance.normal(base.polish[base.firm[of]], _NOISE, truth.shape)
    error = (error + chance.normal(0, _SAME_TEXT, truth.shape)).astype(np.float32)
    new = np.arange(len(of)) + len(base.firm)
    more = max(int(owner.max()) + 1 - len(base.size), 0)
    return replace(
        base,
        truth=np.hstack([base.truth, truth]),
        score=np.hstack([base.score, np.clip(truth + error, 0, 1)]),
        firm=np.concatenate([base.firm, owner]),
        offer=np.concatenate([base.offer, base.offer[of] if same else new]),
        size=np.concatenate([base.size, np.full(more, base.size.min())]),
        polish=np.concatenate([base.polish, np.full(more, base.polish.min())]),
        verified=np.concatenate([base.verified, np.zeros(more, bool)]),
    )


def classes(size: Array) -> Sequence[Array]:
    """Return the masks of small, middle and large firms."""
    low, high = np.quantile(size, (_SMALL, _LARGE))
    return size < low, (size >= low) & (size < high), size >= high


def _offers(count: Array, chance: np.random.Generator) -> Array:
    """Return for each post the first of the same text."""
    first = np.repeat(np.cumsum(count) - count, count)
    own = np.arange(len(first))
    many = np.repeat(count > _FEW, count)
    again = many & (own > first) & (chance.random(len(first)) < _REPOSTS)
    older = first + (chance.random(len(first)) * (own - first)).astype(int)
    offer = np.where(again, older, own)
    while not np.array_equal(offer, offer[offer]):
        offer = offer[offer]
    return offer


def _near(centres: Array, chance: np.random.Generator) -> Array:
    return _unit(centres + 0.8 * chance.normal(size=centres.shape) / _DIMENSIONS**0.5)


def _unit(rows: Array) -> Array:
    found: Array = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found


def _mark_best(marks: Array, score: Array, count: int) -> None:
    """Mark the best columns of every row."""
    best = np.argpartition(score, score.shape[1] - count, axis=1)[:, score.shape[1] - count :]
    marks[np.arange(len(marks))[:, None], best] = True


def _mixed(numbers: Array) -> Array:
    """Return numbers as a hash would scatter them (the finaliser of splitmix64)."""
    with np.errstate(over="ignore"):
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            numbers = (numbers ^ (numbers >> np.uint64(shift))) * np.uint64(factor)
    return numbers ^ (numbers >> np.uint64(31))
