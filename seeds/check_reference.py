"""Checks every row of the reference files: `python -m seeds.check_reference [folder]`.

The facts it holds them against: JIS X 0401 and 0402 codes with their check digit, 1,718 cities,
towns and villages and 23 special wards in 47 prefectures, and the shape of our own vocabularies.
"""

import csv
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from hub.domain.codes import municipality_check_digit, valid_municipality_code

FOLDER = Path(__file__).with_name("reference")
Row = dict[str, str]

MUNICIPALITIES_PER_PREFECTURE = (  # 01 Hokkaido to 47 Okinawa
    179, 40, 33, 35, 25, 35, 59, 44, 25, 35, 63, 54, 62, 33, 30, 15, 19, 17, 27, 77, 42, 35, 54, 29,
    19, 26, 43, 41, 39, 30, 19, 19, 27, 23, 19, 24, 17, 20, 34, 60, 20, 21, 45, 18, 26, 43, 41,
)  # fmt: skip
MUNICIPALITIES_PER_KIND = {"city": 792, "ward": 23, "town": 743, "village": 183}
DESIGNATED_CITIES = 20
MAY_BE_EMPTY = {"district", "parent_key"}
SUFFIXES = {  # kind: last character of the name, endings of the reading, third digit of the code
    "city": ("市", ("し",), "12"),
    "ward": ("区", ("く",), "1"),
    "town": ("町", ("ちょう", "まち"), "34567"),
    "village": ("村", ("むら", "そん"), "34567"),
}
TOKYO_ISLANDS = range(13360, 13500)  # their towns and villages belong to no district
HIRAGANA = re.compile(r"[ぁ-ん]+")

_VOWELS = "aiueo"
_SYLLABLES = {
    kana: (consonant + vowel)
    for line, consonant in (
        ("あいうえお", ""), ("かきくけこ", "k"), ("さしすせそ", "s"), ("たちつてと", "t"),
        ("なにぬねの", "n"), ("はひふへほ", "h"), ("まみむめも", "m"), ("らりるれろ", "r"),
        ("がぎぐげご", "g"), ("ざじずぜぞ", "z"), ("だぢづでど", "d"), ("ばびぶべぼ", "b"),
        ("ぱぴぷぺぽ", "p"),
    )
    for kana, vowel in zip(line, _VOWELS, strict=True)
}  # fmt: skip
_SYLLABLES |= {"や": "ya", "ゆ": "yu", "よ": "yo", "わ": "wa", "を": "o", "ん": "n"}
_SYLLABLES |= {"し": "shi", "ち": "chi", "つ": "tsu", "ふ": "fu"}
_SYLLABLES |= {"じ": "ji", "ぢ": "ji", "づ": "zu"}
_GLIDES = {"ゃ": "ya", "ゅ": "yu", "ょ": "yo"}


def problems(folder: Path = FOLDER) -> list[str]:
    """Every fault of the files in `folder`, one sentence each; empty when all is well."""
    tables = {path.stem: _read(path) for path in folder.glob("*.csv")}
    return [
        f"{name}: {fault}"
        for name, check in CHECKS.items()
        for fault in (*_empty_cells(tables[name]), *check(tables))
    ]


def hepburn(kana: str) -> str:
    """Hiragana in lower-case Hepburn letter by letter: long vowels stay doubled."""
    text = ""
    doubled = False
    for sign in kana:
        if sign == "っ":
            doubled = True
        elif sign in _GLIDES:
            stem = text[:-1]
            soft = stem.endswith(("sh", "ch", "j"))
            text = stem + (_GLIDES[sign][1:] if soft else _GLIDES[sign])
        else:
            syllable = _SYLLABLES[sign]
            if doubled:
                text += "t" if syllable.startswith("ch") else syllable[0]
                doubled = False
            text += syllable
    return text


def _regions(tables: dict[str, list[Row]]) -> Iterator[str]:
    rows = tables["regions"]
    yield from _repeated(rows, "key", "name_ja", "name_en")
    yield from _positions(rows)
    used = {row["region_key"] for row in tables["prefectures"]}
    yield from (f"{row['key']} has no prefecture" for row in rows if row["key"] not in used)


def _prefectures(tables: dict[str, list[Row]]) -> Iterator[str]:
    rows = tables["prefectures"]
    regions = {row["key"] for row in tables["regions"]}
    if [row["code"] for row in rows] != [f"{number:02}" for number in range(1, 48)]:
        yield "the codes are not 01 to 47 in order"
    yield from _repeated(rows, "name", "kana", "name_en")
    for row in rows:
        five = f"{row['code']}000"
        if row["body_code"] != five + municipality_check_digit(five):
            yield f"{row['name']}: body code {row['body_code']}"
        if row["region_key"] not in regions:
            yield f"{row['name']}: region {row['region_key']} is unknown"
        stem = row["kana"] if row["code"] == "01" else re.sub(r"(けん|と|ふ)$", "", row["kana"])
        if not HIRAGANA.fullmatch(row["kana"]):
            yield f"{row['name']}: reading {row['kana']} is not hiragana"
        elif _short(hepburn(stem)) != row["name_en"].lower():
            yield f"{row['name']}: {row['name_en']} does not read {row['kana']}"


def _municipalities(tables: dict[str, list[Row]]) -> Iterator[str]:
    rows = tables["municipalities"]
    yield from _repeated(rows, "code")
    full_names = Counter((row["prefecture_code"], row["name"]) for row in rows)
    yield from (f"{name} stands twice in {code}" for (code, name), n in full_names.items() if n > 1)
    for row in rows:
        yield from (f"{row['code']} {row['name']}: {fault}" for fault in _municipality(row))
    counts = Counter(row["prefecture_code"] for row in rows)
    for number, count in enumerate(MUNICIPALITIES_PER_PREFECTURE, 1):
        if counts[f"{number:02}"] != count:
            yield f"prefecture {number:02} has {counts[f'{number:02}']} instead of {count}"
    if (kinds := Counter(row["kind"] for row in rows)) != MUNICIPALITIES_PER_KIND:
        yield f"kinds are {dict(kinds)}"
    designated = sum(row["kind"] == "city" and row["code"][2] == "1" for row in rows)
    if designated != DESIGNATED_CITIES:
        yield f"{designated} designated cities"


def _municipality(row: Row) -> Iterator[str]:
    code, kind, kana = row["code"], row["kind"], row["kana"]
    if not valid_municipality_code(code):
        yield "the check digit is wrong"
        return
    if kind not in SUFFIXES:
        yield f"kind {kind} is unknown"
        return
    character, endings, third_digits = SUFFIXES[kind]
    if code[:2] != row["prefecture_code"]:
        yield f"prefecture {row['prefecture_code']} does not agree with the code"
    if not row["name"].endswith(character) or code[2] not in third_digits:
        yield f"is no {kind}"
    stem = next((kana.removesuffix(ending) for ending in endings if kana.endswith(ending)), "")
    if not stem or not HIRAGANA.fullmatch(kana):
        yield f"reading {kana}"
    elif not re.fullmatch(r"[a-z]+", row["romaji"]) or not _reads(row["romaji"], stem):
        yield f"{row['romaji']} does not read {stem}"
    without_district = kind in ("city", "ward") or int(code[:5]) in TOKYO_ISLANDS
    if without_district == bool(row["district"]) or row["district"][-1:] not in ("", "郡"):
        yield f"district {row['district']!r}"


def _themes(tables: dict[str, list[Row]]) -> Iterator[str]:
    rows = tables["themes"]
    yield from _repeated(rows, "key", "name_ja", "name_en")
    top = [row for row in rows if not row["parent_key"]]
    if rows[: len(top)] != top:
        yield "a parent stands below a child"
    yield from _positions(top)
    children: dict[str, list[Row]] = {row["key"]: [] for row in top}
    for row in rows[len(top) :]:
        if row["parent_key"] not in children:
            yield f"{row['key']}: parent {row['parent_key']} is unknown"
            continue
        children[row["parent_key"]].append(row)
        if not re.fullmatch(rf"{row['parent_key']}\.[a-z_]+", row["key"]):
            yield f"{row['key']} does not begin with its parent"
    for parent, rows_below in children.items():
        if not 3 <= len(rows_below) <= 6:
            yield f"{parent} has {len(rows_below)} finer themes"
        yield from _positions(rows_below)


def _vocabulary(name: str) -> Callable[[dict[str, list[Row]]], Iterator[str]]:
    def check(tables: dict[str, list[Row]]) -> Iterator[str]:
        yield from _repeated(tables[name], "key", "name_ja", "name_en")
        yield from _positions(tables[name])

    return check


CHECKS: dict[str, Callable[[dict[str, list[Row]]], Iterable[str]]] = {
    "regions": _regions,
    "prefectures": _prefectures,
    "municipalities": _municipalities,
    "themes": _themes,
    "offers": _vocabulary("offers"),
    "call_kinds": _vocabulary("call_kinds"),
}


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _empty_cells(rows: list[Row]) -> Iterator[str]:
    for number, row in enumerate(rows, 2):
        for column, cell in row.items():
            if (not cell and column not in MAY_BE_EMPTY) or cell != cell.strip():
                yield f"line {number}: {column} is {cell!r}"


def _repeated(rows: list[Row], *columns: str) -> Iterator[str]:
    for column in columns:
        counts = Counter(row[column] for row in rows)
        yield from (f"{column} {value} is repeated" for value, n in counts.items() if n > 1)


def _positions(rows: list[Row]) -> Iterator[str]:
    if [row["position"] for row in rows] != [str(n) for n in range(1, len(rows) + 1)]:
        yield f"positions from {rows[0]['key'] if rows else 'nothing'} are not 1, 2, 3 …"


def _reads(romaji: str, kana: str) -> bool:
    """Whether the spelling fits the reading; a long vowel may be short or, as in 小海, two."""
    return _short(romaji) == _short(hepburn(kana))


def _short(romaji: str) -> str:
    return re.sub(r"(?<=o)[ou]+", "", romaji.replace("uu", "u"))


def main() -> int:
    """Print the faults; 0 when there are none."""
    faults = problems(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
    print("\n".join(faults) or "The reference data is sound.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
