"""Words of the field: synonyms, names of places, and which words of the dictionary are too wide."""

import csv
from importlib.resources import files


def read_rows(name: str) -> list[list[str]]:
    """Return the rows of a table of this folder, without its heading."""
    return list(csv.reader(_read(name).splitlines()))[1:]


def read_words(name: str) -> frozenset[str]:
    """Return the words of a list of this folder."""
    return frozenset(_read(name).split())


def _read(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")
