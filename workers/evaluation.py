"""Every pair of an installation scored in every way that `hub eval` asks about.

It writes plain data: rankings with and without meaning, with each part left out, and the sub-scores
of all pairs. What is good and bad about them is for the caller to say.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from hub.domain import facts
from hub.services import Services
from search.embedding import Embedder
from search.enumeration import prose_factor
from search.passages import digest
from workers.context import opened
from workers.matching import echoes, meaning, score
from workers.matching import epoch as epochs
from workers.matching.channels import CHANNELS, NEED, WANTED, channel_numbers, profile
from workers.matching.copies import canonical
from workers.matching.epoch import Epoch
from workers.matching.exposure import RULES
from workers.matching.facts import CallFacts, SolutionFacts
from workers.matching.listing import CallTraits, Listing, SolutionTraits, listing
from workers.matching.score import Column, Mask, Scores, Values

DEPTH = 50  # ids of a ranking
_BATCH = 8  # passages that the model is asked for at a time

_PLAIN: Mapping[str, float] = {}

Vectors = dict[str, np.ndarray]


@dataclass
class _Market:
    """All listings, and all their pairs as columns: row-major, a row for each call."""

    epoch: Epoch
    calls: list[Listing]
    solutions: list[Listing]
    values: Values
    prose: Column
    limits: Column
    closed: Mask
    call_heads: Mapping[int, int]
    solution_heads: Mapping[int, int]

    def scores(self, without: Sequence[str], factors: Mapping[str, float] = _PLAIN) -> Scores:
        kept = {code: own for code, own in self.values.items() if code not in without}
        return score.combine(kept, self.prose, self.closed, factors, self.limits)


def run(out: Path, kept: Path | None, factors: Mapping[str, float] = _PLAIN) -> None:
    """Score the installation and write JSON to `out`; `kept` is a file to keep vectors in.

    With `factors` of the weights, it is scored by those too, as "refitted …".
    """
    services = opened()
    market = _market(services, kept)
    variants: dict[str, tuple[str, ...]] = {"meaning": (), "words": ("meaning",)}
    if "meaning" not in market.values:
        variants = {"words": ()}
    variants |= {f"without {code}": (code,) for code in score.CODES if _counts(market, code)}
    rankings = {name: _rankings(market, without) for name, without in variants.items()}
    if factors:
        for name in {"meaning", "words"} & variants.keys():
            rankings[f"refitted {name}"] = _rankings(market, variants[name], factors)
    out.write_text(json.dumps({"variants": rankings, "pairs": _pairs(market)}))


def _counts(market: _Market, code: str) -> bool:
    column = market.values.get(code)
    return column is not None and not np.isnan(column).all()


def _market(services: Services, kept: Path | None) -> _Market:
    with services.database.session() as session:
        calls = [CallFacts(**own) for own in facts.calls(session).values()]
        solutions = [SolutionFacts(**own) for own in facts.solutions(session).values()]
    vectors = _vectors(services.embedder, (*calls, *solutions), kept)

    def listed(one: CallFacts | SolutionFacts) -> Listing:
        return listing(one, profile(one), 1, _matrix(one, vectors))

    left, right = [listed(call) for call in calls], [listed(own) for own in solutions]
    model = services.embedder.model if services.embedder and vectors else ""
    epoch = epochs.build(left, right, model)
    rows, cols = (grid.ravel() for grid in np.indices((len(left), len(right))))
    given = [post.traits for post in left if isinstance(post.traits, CallTraits)]
    made = [post.traits for post in right if isinstance(post.traits, SolutionTraits)]
    values = _spoken(epoch, left, right) | score.structured(given, made, rows, cols, epoch)
    if epoch.frame is not None:
        values["meaning"] = _meant(epoch, left, right)
    prose = np.array([prose_factor(post.profile.enumeration) for post in right])
    return _Market(
        epoch=epoch,
        calls=left,
        solutions=right,
        values=values,
        prose=prose[cols],
        limits=np.where(values["text"] >= echoes.CLOSE, _limits(left, right), 1.0),
        closed=score.shut(given, made, rows, cols),
        call_heads=_heads(left),
        solution_heads=_heads(right),
    )


def _vectors(
    embedder: Embedder | None, listings: Sequence[CallFacts | SolutionFacts], kept: Path | None
) -> Vectors:
    """Return the vectors of all passages by digest, {} without a model."""
    if embedder is None:
        return {}
    known: Vectors = dict(np.load(kept)) if kept and kept.exists() else {}
    wanted = {digest(text): text for own in listings for text in meaning.texts(own)}
    missing = [key for key in wanted if key not in known]
    for start in range(0, len(missing), _BATCH):
        part = missing[start : start + _BATCH]
        found = embedder.embed_passages([wanted[key] for key in part])
        known |= dict(zip(part, found.astype(np.float16), strict=True))
    if kept and missing:
        np.savez(kept, **known)  # type: ignore[arg-type]
    return known


def _matrix(one: CallFacts | SolutionFacts, vectors: Vectors) -> meaning.Matrix | None:
    keys = [digest(text) for text in meaning.texts(one)]
    return np.stack([vectors[key] for key in keys]) if vectors else None


def _spoken(epoch: Epoch, left: Sequence[Listing], right: Sequence[Listing]) -> Values:
    """Return the parts that compare texts, for all pairs, one sparse product a channel."""
    sides = [[epoch.vector(post.profile) for post in side] for side in (left, right)]
    keys = np.unique(np.concatenate([vector.keys for side in sides for vector in side]))
    products, speaks = [], []
    for number in range(len(CHANNELS)):
        matrices = []
        for side in sides:
            own = [vector.keys[channel_numbers(vector.keys) == number] for vector in side]
            data = [v.values[channel_numbers(v.keys) == number] for v in side]
            starts = np.cumsum([0, *map(len, own)])
            cells = (np.concatenate(data), np.searchsorted(keys, np.concatenate(own)), starts)
            matrices.append(csr_matrix(cells, shape=(len(side), len(keys)), dtype=np.float64))
        products.append((matrices[0] @ matrices[1].T).toarray().ravel())
        stated = [np.diff(matrix.indptr) > 0 for matrix in matrices]
        speaks.append(np.logical_and.outer(*stated).ravel())
    return score.spoken(
        text=sum(products[:NEED], np.zeros_like(products[0])),
        need=np.where(speaks[NEED], products[NEED], np.nan),
        wanted=np.where(speaks[WANTED], products[WANTED], np.nan),
    )


def _limits(left: Sequence[Listing], right: Sequence[Listing]) -> Column:
    """Return the limits that echoes set to r of all pairs, however close their texts."""
    others = echoes.joined([post.profile.shingles for post in right])
    found = [echoes.limits(post.profile.shingles, *others) for post in left]
    return np.concatenate(found) if found else np.zeros(0)


def _meant(epoch: Epoch, left: Sequence[Listing], right: Sequence[Listing]) -> Column:
    calls = [own for post in left if (own := epoch.call_meaning(post.meaning))]
    solutions = [own for post in right if (own := epoch.solution_meaning(post.meaning))]
    rows, cols = (grid.ravel() for grid in np.indices((len(calls), len(solutions))))
    return score.meant(meaning.likenesses(calls, solutions, rows, cols), epoch)


def _rankings(
    market: _Market, without: Sequence[str], factors: Mapping[str, float] = _PLAIN
) -> dict[str, Any]:
    """Return side -> id -> how many of the other side are shown, and all of it, best first."""
    shape = (len(market.calls), len(market.solutions))
    values = market.scores(without, factors).value.reshape(shape)
    closed = market.closed.reshape(shape)
    return {
        "call": {
            post.id: _ranking(
                values[i],
                closed[i],
                market.solutions,
                market.solution_heads,
                RULES.cut_call,
                by_owner=True,
            )
            for i, post in enumerate(market.calls)
        },
        "solution": {
            post.id: _ranking(
                values[:, i],
                closed[:, i],
                market.calls,
                market.call_heads,
                RULES.cut_firm,
                by_owner=False,
            )
            for i, post in enumerate(market.solutions)
        },
    }


def _ranking(
    values: Column,
    closed: Mask,
    posts: Sequence[Listing],
    heads: Mapping[int, int],
    cut: float,
    *,
    by_owner: bool,
) -> dict[str, Any]:
    """Return what is shown: one post of an offer, for a call one of a firm; then all others.

    What a list folds or cuts away stands behind it, copies last.
    """
    order = sorted(
        (i for i in range(len(posts)) if not closed[i]),
        key=lambda i: (-values[i], posts[i].profile.digest),
    )
    owners: set[int] = set()
    places: dict[str, list[int]] = {"shown": [], "folded": [], "copies": []}
    for i in order:
        post = posts[i]
        folded = values[i] < cut or (by_owner and post.owner in owners)
        kind = "copies" if heads[post.id] != post.id else "folded" if folded else "shown"
        places[kind].append(post.id)
        if kind == "shown":
            owners.add(post.owner)
    ranked = [*places["shown"], *places["folded"], *places["copies"]]
    return {"shown": len(places["shown"]), "ranked": ranked[:DEPTH]}


def _heads(posts: Sequence[Listing]) -> Mapping[int, int]:
    texts = [post.profile.shingles for post in posts]
    return canonical([post.id for post in posts], [post.seniority for post in posts], texts)


def _pairs(market: _Market) -> list[dict[str, Any]]:
    """Return every pair that no gate keeps apart with its sub-scores and r, in each main way."""
    raws = [market.scores(()).raw]
    if "meaning" in market.values:
        raws.append(market.scores(("meaning",)).raw)
    columns = {code: own.tolist() for code, own in market.values.items()}
    ids = [(call.id, solution.id) for call in market.calls for solution in market.solutions]
    return [
        {
            "call": call,
            "solution": solution,
            "raw": [float(raw[i]) for raw in raws],
            "parts": {code: own[i] for code, own in columns.items() if own[i] == own[i]},
        }
        for i, (call, solution) in enumerate(ids)
        if not market.closed[i]
    ]
