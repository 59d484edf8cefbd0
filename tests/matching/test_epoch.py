"""Frozen statistics: the same market gives the same epoch, however it is listed."""

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.matching.samples import CALLS, SOLUTIONS, epoch_of, listings, profile, score_of
from workers.matching import epoch as epochs
from workers.matching import themes
from workers.matching.channels import key_of


def clones(count: int) -> list[object]:
    return [replace(SOLUTIONS[3], id=1000 + i, firm=900) for i in range(count)]


@pytest.mark.parametrize("seed", range(3))
def test_order_and_ids_do_not_matter(seed: int) -> None:
    shuffle = random.Random(seed)
    ids = shuffle.sample(range(10_000), len(CALLS) + len(SOLUTIONS))
    calls = [replace(call, id=ids.pop()) for call in shuffle.sample(CALLS, len(CALLS))]
    solutions = [replace(s, id=ids.pop()) for s in shuffle.sample(SOLUTIONS, len(SOLUTIONS))]
    assert epoch_of(calls, solutions).name == epoch_of(CALLS, SOLUTIONS).name


@pytest.mark.parametrize("count", [1, 10, 100])
def test_copies_change_nothing(count: int) -> None:
    left, right = listings(CALLS), listings((*SOLUTIONS, *clones(count)))
    assert epochs.build(left, right).name == epoch_of(CALLS, SOLUTIONS).name


def test_a_changed_text_changes_the_epoch() -> None:
    other = replace(CALLS[0], problem="港の水門を遠くから閉めたい。")
    assert epoch_of((other, *CALLS[1:]), SOLUTIONS).name != epoch_of(CALLS, SOLUTIONS).name


def test_what_every_call_says_is_common_even_if_no_solution_says_it() -> None:
    calls = [replace(call, details="橋梁も見ます。") for call in CALLS] * 4
    calls = [
        replace(call, id=i, title=call.title + "一二三四五"[: i % 5])
        for i, call in enumerate(calls)
    ]
    epoch = epoch_of(calls, SOLUTIONS)
    rarity = dict(zip(epoch.keys.tolist(), epoch.rarities.tolist(), strict=True))
    assert rarity[key_of("words", "橋梁")] < rarity[key_of("words", "助産師")] / 2


def test_a_market_without_listings_still_gives_an_epoch_that_scores() -> None:
    epoch = epoch_of((), ())
    assert (epoch.calls, epoch.solutions, len(epoch.keys)) == (0, 0, 0)
    fitting = score_of(CALLS[0], SOLUTIONS[0], epoch).value
    assert fitting > 0.6 > 0.3 > score_of(CALLS[0], SOLUTIONS[5], epoch).value


def test_a_saved_epoch_is_read_back_whole(tmp_path: Path) -> None:
    made = epoch_of(CALLS, SOLUTIONS)
    assert epochs.current(tmp_path) is None
    assert epochs.save(made, tmp_path) == tmp_path / made.name
    epochs.save(made, tmp_path)
    found = epochs.current(tmp_path)
    assert found is not None
    assert found.name == made.name
    a, b = made.vector(profile(CALLS[0])), found.vector(profile(CALLS[0]))
    assert np.array_equal(a.keys, b.keys)
    assert np.array_equal(a.values, b.values)
    assert found.theme_likeness(("snow",), ("snow",)) == made.theme_likeness(("snow",), ("snow",))


def test_the_newest_epoch_is_current_and_nothing_half_written_stays(tmp_path: Path) -> None:
    old, new = epoch_of(CALLS[:2], SOLUTIONS), epoch_of(CALLS, SOLUTIONS)
    epochs.save(old, tmp_path)
    epochs.save(new, tmp_path)
    found = epochs.current(tmp_path)
    assert found is not None
    assert found.name == new.name
    assert {path.name for path in tmp_path.iterdir()} == {old.name, new.name, "current"}


def test_an_epoch_of_other_rules_is_not_used(tmp_path: Path) -> None:
    folder = epochs.save(epoch_of(CALLS, SOLUTIONS), tmp_path)
    head = json.loads((folder / "epoch.json").read_text())
    (folder / "epoch.json").write_text(json.dumps({**head, "version": "m0"}))
    assert epochs.current(tmp_path) is None


def test_cosines_are_cosines() -> None:
    epoch = epoch_of(CALLS, SOLUTIONS)
    vector = epoch.vector(profile(CALLS[2]))
    aims = np.array(epochs.TEXT_SHARES) / np.array(epoch.scales)
    assert epochs.products(vector, vector) == pytest.approx(aims, rel=1e-4)


class TestThemes:
    rarities = themes.rarity([("snow",), ("snow", "health"), ("health.birth",), ("energy",)])

    def like(self, a: tuple[str, ...], b: tuple[str, ...]) -> float | None:
        return themes.likeness(a, b, self.rarities, 2.0)

    def test_equal_themes_are_alike_and_different_ones_not(self) -> None:
        assert self.like(("snow",), ("snow",)) == pytest.approx(1.0)
        assert self.like(("snow",), ("energy",)) == 0.0

    def test_no_theme_and_the_theme_other_say_nothing(self) -> None:
        assert self.like((), ("snow",)) is None
        assert self.like(("other",), ("snow",)) is None
        assert self.like(("other",), ("other",)) is None

    def test_a_finer_theme_is_like_its_parent_and_more_like_itself(self) -> None:
        parent = self.like(("health.birth",), ("health",))
        sister = self.like(("health.birth",), ("health.teeth",))
        assert parent is not None
        assert sister is not None
        assert 0.25 < sister < parent < 1.0
        assert self.like(("health.birth",), ("health.birth",)) == pytest.approx(1.0)

    def test_ticking_more_themes_is_no_gain(self) -> None:
        one, three = (
            self.like(("snow",), ("snow",)),
            self.like(("snow",), ("snow", "health", "energy")),
        )
        assert one is not None
        assert three is not None
        assert three < one
