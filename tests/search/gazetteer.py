"""The gazetteer of the reference tables, for the tests of what is understood of a query."""

import csv
from functools import cache
from pathlib import Path

from search.intent import FilterWords, Name
from search.places import Gazetteer, Place

REFERENCE = Path(__file__).parents[2] / "seeds" / "reference"


def table(name: str) -> list[dict[str, str]]:
    """The rows of a reference table."""
    with (REFERENCE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def gazetteer() -> Gazetteer:
    """Every prefecture and municipality; built once for all tests of a process."""
    prefectures = [
        Place(
            code=row["code"],
            prefecture=row["code"],
            name=row["name"],
            kana=row["kana"],
            romaji=row["name_en"],
            kind="prefecture",
        )
        for row in table("prefectures")
    ]
    towns = [
        Place(
            code=row["code"],
            prefecture=row["prefecture_code"],
            name=row["name"],
            kana=row["kana"],
            romaji=row["romaji"],
            kind=row["kind"],
            district=row["district"],
        )
        for row in table("municipalities")
    ]
    return Gazetteer([*prefectures, *towns])


@cache
def codes() -> dict[str, str]:
    """Full names (with the prefecture before a municipality's) and their codes."""
    prefectures = {row["code"]: row["name"] for row in table("prefectures")}
    towns = {
        prefectures[row["prefecture_code"]] + row["name"]: row["code"]
        for row in table("municipalities")
    }
    return {name: code for code, name in prefectures.items()} | towns


@cache
def filter_words() -> FilterWords:
    """Names of the reference tables and what people type for them."""
    tables = (("kind", "call_kinds"), ("theme", "themes"), ("offer", "offers"))
    return FilterWords(
        Name(field, row["key"], row[column])
        for field, name in tables
        for row in table(name)
        for column in ("name_ja", "name_en")
    )
