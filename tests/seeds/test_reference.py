"""The reference files are sound, the checker sees faults, and loading is safe to repeat."""

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.db import Database
from hub.models.base import Base
from hub.models.listing import CALL_KINDS
from hub.models.reference import CallKind, Municipality, Offer, Prefecture, Region, Theme
from seeds import check_reference, reference

EVERYTHING = {
    "regions": 9,
    "prefectures": 47,
    "municipalities": 1741,
    "themes": 155,
    "offers": 11,
    "call_kinds": 4,
}
NOTHING = dict.fromkeys(EVERYTHING, 0)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    database = Database(f"sqlite:///{tmp_path}/hub.db")
    Base.metadata.create_all(database.engine)
    with database.session(writing=True) as session:
        yield session
    database.dispose()


@pytest.fixture(scope="module")
def municipalities() -> list[dict[str, str]]:
    with (reference.FOLDER / "municipalities.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_files_are_sound() -> None:
    assert check_reference.problems() == []


@pytest.mark.parametrize(
    ("code", "prefecture", "name", "kana", "romaji", "district"),
    [
        ("011002", "01", "札幌市", "さっぽろし", "sapporo", ""),
        ("132128", "13", "日野市", "ひのし", "hino", ""),
        ("132250", "13", "稲城市", "いなぎし", "inagi", ""),
        ("131016", "13", "千代田区", "ちよだく", "chiyoda", ""),
        ("221309", "22", "浜松市", "はままつし", "hamamatsu", ""),
        ("112062", "11", "行田市", "ぎょうだし", "gyoda", ""),
        ("203033", "20", "小海町", "こうみまち", "koumi", "南佐久郡"),
        ("342084", "34", "府中市", "ふちゅうし", "fuchu", ""),
        ("134015", "13", "八丈町", "はちじょうまち", "hachijo", ""),
        ("394050", "39", "梼原町", "ゆすはらちょう", "yusuhara", "高岡郡"),
        ("473260", "47", "北谷町", "ちゃたんちょう", "chatan", "中頭郡"),
    ],
)
def test_known_municipalities(
    municipalities: list[dict[str, str]],
    code: str,
    prefecture: str,
    name: str,
    kana: str,
    romaji: str,
    district: str,
) -> None:
    (row,) = [row for row in municipalities if row["code"] == code]
    found = tuple(row[c] for c in ("prefecture_code", "name", "kana", "romaji", "district"))
    assert found == (prefecture, name, kana, romaji, district)


@pytest.mark.parametrize(
    ("name", "prefectures"),
    [
        ("府中市", ["13", "34"]),
        ("伊達市", ["01", "07"]),
        ("池田町", ["01", "18", "20", "21"]),
        ("泊村", ["01"]),
    ],
)
def test_names_that_exist_more_than_once(
    municipalities: list[dict[str, str]], name: str, prefectures: list[str]
) -> None:
    assert [r["prefecture_code"] for r in municipalities if r["name"] == name] == prefectures


@pytest.mark.parametrize(
    ("kana", "romaji"),
    [
        ("にっこう", "nikkou"),
        ("くっちゃん", "kutchan"),
        ("ちゅうおう", "chuuou"),
        ("じょうえつ", "jouetsu"),
        ("ぎょくとう", "gyokutou"),
        ("おぢか", "ojika"),
    ],
)
def test_hepburn(kana: str, romaji: str) -> None:
    assert check_reference.hepburn(kana) == romaji


@pytest.mark.parametrize(
    ("file", "right", "wrong", "message"),
    [
        ("municipalities", "011002,01,", "011003,01,", "check digit"),
        ("municipalities", "011002,01,", "11002,01,", "check digit"),
        ("municipalities", "132128,13,日野市", "132128,14,日野市", "does not agree"),
        ("municipalities", "さっぽろし", "サッポロシ", "reading"),
        ("municipalities", "さっぽろし", "さっぽろまち", "reading"),
        ("municipalities", ",sapporo,", ",saporo,", "does not read"),
        ("municipalities", "inagi,city", "inagi,town", "is no town"),
        ("municipalities", "hachijo,town,", "hachijo,town,八丈郡", "district"),
        ("municipalities", "koumi,town,南佐久郡", "koumi,town,", "district"),
        ("municipalities", "132250,13,稲城市", "132250,13,日野市", "stands twice"),
        (
            "municipalities",
            "132128,13,日野市,ひのし,hino,city,\n",
            "",
            "prefecture 13 has 61 instead of 62",
        ),
        ("prefectures", "130001", "130002", "body code"),
        ("prefectures", "Gunma,kanto", "Gunma,kansai", "region kansai is unknown"),
        ("prefectures", "Gunma", "Gumma", "does not read"),
        ("regions", "tokai,東海,Tokai,5", "tokai,東海,Tokai,6", "positions"),
        ("themes", "\nsnow.use,snow,", "\nsnow.use,sleet,", "parent sleet is unknown"),
        ("themes", "\nsnow.use,snow,", "\nuse,snow,", "begin with its parent"),
        ("offers", "\ndata,", "\nfield,", "key field is repeated"),
        ("call_kinds", ",Pilot,", ",,", "name_en is ''"),
    ],
)
def test_the_checker_sees_a_fault(
    tmp_path: Path, file: str, right: str, wrong: str, message: str
) -> None:
    folder = shutil.copytree(reference.FOLDER, tmp_path / "reference")
    path = folder / f"{file}.csv"
    text = path.read_text(encoding="utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    assert any(message in fault for fault in check_reference.problems(folder))


def test_the_kinds_of_call_are_those_a_listing_may_have() -> None:
    with (reference.FOLDER / "call_kinds.csv").open(encoding="utf-8", newline="") as file:
        assert tuple(row["key"] for row in csv.DictReader(file)) == CALL_KINDS


def test_loading_fills_the_tables(session: Session) -> None:
    assert reference.load_reference(session) == EVERYTHING
    session.commit()
    for model, rows in zip(
        (Region, Prefecture, Municipality, Theme, Offer, CallKind), EVERYTHING.values(), strict=True
    ):
        assert session.scalar(select(func.count()).select_from(model)) == rows
    town = session.get_one(Municipality, "342084")
    assert town.full_name == "広島県府中市"
    assert town.prefecture.region.name_ja == "中国"
    assert session.get_one(Theme, "snow").parent_key is None
    assert session.get_one(Theme, "snow.roofs").parent_key == "snow"
    assert town.district == ""


def test_loading_again_writes_nothing(session: Session) -> None:
    reference.load_reference(session)
    session.commit()
    session.expunge_all()
    assert reference.load_reference(session) == NOTHING
    assert not session.new
    assert not session.dirty


def test_loading_mends_changed_and_lost_rows_and_keeps_retired_ones(session: Session) -> None:
    reference.load_reference(session)
    session.get_one(Municipality, "132128").kana = "ひの"
    session.delete(session.get_one(Municipality, "132250"))
    session.add(Offer(key="retired", name_ja="昔の項目", name_en="Old", position=99))
    session.commit()
    session.expunge_all()
    assert reference.load_reference(session) == NOTHING | {"municipalities": 2}
    assert session.get_one(Municipality, "132128").kana == "ひのし"
    assert session.get_one(Municipality, "132250").name == "稲城市"
    assert session.get_one(Offer, "retired").position == 99
