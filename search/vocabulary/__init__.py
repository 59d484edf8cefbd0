"""Words of the field: synonyms, names of places, and which words of the dictionary are too wide."""

import csv
from importlib.resources import files


def read_rows(name: str) -> list[list[str]]:
    """Return the rows of a table of this folder, without its heading."""
    return list(csv.reader(_read(name).splitlines()))[1:]


def read_words(name: str) -> frozenset[str]:
    """Return the words of a list of this folder."""
    return frozenset(_read(name).split())


def read_sections(name: str) -> dict[str, list[str]]:
    """Return the words after each "heading:" of a list; `#` begins a comment line."""
    lines = [line for line in _read(name).splitlines() if line.strip() and line[0] != "#"]
    parts = [line.partition(":") for line in lines]
    return {heading: words.split() for heading, _, words in parts}


def _read(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")
