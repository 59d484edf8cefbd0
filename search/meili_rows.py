"""Listings as a Meilisearch server holds them, and the settings of their index."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from search.armour import EVERY, armour, armoured, spelled
from search.channels import text_fields
from search.documents import (
    SearchDocument,
    bucket,
    closing,
    facet_values,
    focus,
    opening,
    tie,
)
from search.meili_server import Row, Server
from search.meili_text import LONGEST, name_value
from search.names import START, name_units
from search.query import STORED
from search.vocabulary.synonyms import PHRASES

# One for all models: a listing says which model its vectors are of.
EMBEDDER = "sem"
_CHANNELS = ("text", "kana", "groups", "grams")
_LISTED = (
    *("id", "target", "bucket", "lexicon", "vector_model"),
    *("words", "kana", "groups", "grams", "names"),
    *STORED,
)
_TEXTS = ("tok_title", "tok_text", "tok_reading", "tok_exact", "tok_every")
_MOST_VALUES = 100_000  # more than the words of the lexicon


def settings() -> dict[str, Any]:
    """Return the settings of an index; changing them needs a new SCHEMA_VERSION."""
    equal = {"equality": True, "comparison": False}
    ranged = {"equality": True, "comparison": True}
    return {
        "searchableAttributes": list(_TEXTS),
        "displayedAttributes": ["id", "version", "focus"],
        "filterableAttributes": [
            {"attributePatterns": names, "features": {"facetSearch": False, "filter": kind}}
            for names, kind in ((list(_LISTED), equal), (["opens", "closes"], ranged))
        ],
        "sortableAttributes": ["opens", "closes", "published", "tie"],
        "rankingRules": [
            *("sort", "words", "typo", "proximity", "attributeRank", "wordPosition", "exactness"),
            "tie:asc",
        ],
        "localizedAttributes": [{"attributePatterns": ["tok_*"], "locales": ["eng"]}],
        "typoTolerance": {"enabled": False},
        "prefixSearch": "disabled",
        "synonyms": _synonyms(),
        "faceting": {"maxValuesPerFacet": _MOST_VALUES},
        "pagination": {"maxTotalHits": 1_000_000},
        "facetSearch": False,
        "searchCutoffMs": 1_500,
    }


def rendered(document: SearchDocument) -> dict[str, Any]:
    """Return a listing as the server holds it."""
    channels = text_fields(document)
    words = {name: list(dict.fromkeys(channels[name].split())) for name in _CHANNELS}
    return {
        "id": document.id,
        "version": document.version,
        "target": document.target,
        "tok_title": armoured(channels["title"].split()),
        "tok_text": armoured(channels["text"].split()),
        "tok_reading": armoured(words["kana"]),
        "tok_exact": spelled(channels["exact"]),
        "tok_every": EVERY,
        "words": [word[:LONGEST] for word in words["text"]],
        "kana": [reading[:LONGEST] for reading in words["kana"]],
        "groups": words["groups"],
        "grams": words["grams"],
        "names": list(_name_values(document)),
        "lexicon": channels["lexicon"],
        "opens": opening(document),
        "closes": closing(document),
        "published": document.published_at,
        "focus": round(focus(document), 3),
        "tie": tie(document.id),
        "bucket": str(bucket(document.id)),
        "vector_model": document.vector_model,
        "_vectors": {EMBEDDER: _embeddings(document)},
        **{field: list(values) for field, values in facet_values(document).items()},
    }


def _name_values(document: SearchDocument) -> Iterator[str]:
    """Yield the names of the owner, each from START on."""
    name: list[str] = []
    for unit in [*name_units(document), START]:
        if unit == START and name:
            yield name_value(name)
            name = []
        name.append(unit)


def _synonyms() -> dict[str, list[str]]:
    return {
        " ".join(map(armour, terms)): [" ".join(map(armour, other.terms)) for other in others]
        for terms, others in PHRASES.synonyms.items()
    }


def _embeddings(document: SearchDocument) -> dict[str, Any] | None:
    """Return the vectors as the server takes them; left out, a listing would keep its old ones."""
    if not document.vectors:
        return None
    rows = [np.frombuffer(data, np.float16).tolist() for _, data in document.vectors]
    return {"embeddings": rows, "regenerate": False}


def fitting(
    server: Server, uid: str, documents: Sequence[SearchDocument]
) -> Sequence[SearchDocument]:
    """Drop vectors of another size than the index holds; the first ones decide the size."""
    sizes = [len(data) // 2 for document in documents for _, data in document.vectors]
    if not sizes:
        return documents
    size = server.dimensions(uid, EMBEDDER)
    if size is None:
        size = sizes[0]
        embedder = {"source": "userProvided", "dimensions": size}
        server.configure(uid, {"embedders": {EMBEDDER: embedder}})
    return [
        document
        if all(len(data) // 2 == size for _, data in document.vectors)
        else replace(document, vectors=(), vector_model="")
        for document in documents
    ]


def rows_of(documents: Sequence[SearchDocument]) -> tuple[list[Row], dict[str, str]]:
    """Return the latest of each listing as it is sent, and why some cannot be."""
    rows: list[Row] = []
    unfit: dict[str, str] = {}
    for document in {document.id: document for document in documents}.values():
        try:
            line = json.dumps(rendered(document), ensure_ascii=False).encode()
        except ValueError as error:
            unfit[document.id] = str(error)
        else:
            rows.append(Row(document.id, line))
    return rows, unfit
