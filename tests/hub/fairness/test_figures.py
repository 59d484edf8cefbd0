"""The figures of a week on wild markets: in range, blind to ids, telling nobody apart."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.domain.fairness.basis import Basis, Dealt, Firm, Town, thawed
from hub.domain.fairness.figures import figures
from hub.domain.fairness.groups import SIZES
from hub.domain.fairness.lines import lines
from hub.domain.fairness.measures import Shown, Span
from hub.models.matching import HOWS

DAY = 86_400.0
WEEK = Span(100 * DAY, 107 * DAY)
PLACES = (("13", "kanto"), ("12", "kanto"), ("31", "chugoku"), (None, None))


@st.composite
def markets(draw: st.DrawFn) -> tuple[Basis, list[Shown], dict[int, float]]:
    """Firms, towns and the places firms held in the lists of two calls."""
    firms = [
        Firm(id_, merit, size, prefecture, region, new, answered)
        for id_, (merit, size, (prefecture, region), new, answered) in enumerate(
            draw(
                st.lists(
                    st.tuples(
                        st.sampled_from([0.0, 0.1, 0.25, 0.4]),
                        st.sampled_from(SIZES),
                        st.sampled_from(PLACES),
                        st.booleans(),
                        st.integers(0, 3),
                    ),
                    max_size=24,
                )
            )
        )
    ]
    held = st.tuples(st.floats(90, 110), st.floats(0, 9)).map(
        lambda days: Span(days[0] * DAY, sum(days) * DAY)
    )
    shown = [
        Shown(call, draw(st.integers(1, 10)), call, firm.id, firm.id, 500 + call, how, draw(held))
        for firm in firms
        for call in draw(st.sets(st.sampled_from([1, 2])))
        for how in [draw(st.sampled_from(HOWS))]
    ]
    towns = [Town(501, 0.4, 1, *PLACES[0]), Town(502, 0.2, 6, *PLACES[2])]
    basis = Basis(
        span=WEEK,
        windows={1: WEEK, 2: Span(103 * DAY, 107 * DAY)},
        firms=firms,
        towns=towns,
        solutions=[firm.id for firm in firms if firm.merit],
        waiting=draw(st.lists(st.floats(0, 60), max_size=4)),
        lists=[Dealt(1, len(firms), 0.01), Dealt(2, 0, 0.0)],
    )
    return basis, shown, {501: 1.5}


@given(markets())
@settings(max_examples=25)
def test_every_figure_is_in_its_range(market: tuple[Basis, list[Shown], dict[int, float]]) -> None:
    found = figures(*market, "2026-W48")
    for line in lines(found):
        if line.measure in ("ratio", "share", "gini", "top") and line.part != "balance":
            assert line.value is None or 0 <= line.value <= 1, line
        if line.measure == "members" and line.value is not None:
            assert line.value >= 5
    for rows in (found["by_size"], found["by_age"], found["by_area"]):
        for row in rows:
            if row["ratio"] is not None:
                assert row["low"] <= row["high"]
        ratios = [row["ratio"] for row in rows if row["ratio"] is not None]
        assert not ratios or max(ratios) == 1


@given(markets(), st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_neither_ids_nor_order_have_a_part(
    market: tuple[Basis, list[Shown], dict[int, float]], random: object
) -> None:
    basis, shown, towards = market
    names = list(range(1_000, 1_000 + len(basis.firms)))
    random.shuffle(names)  # type: ignore[attr-defined]
    firms = sorted(firm._replace(id=names[firm.id]) for firm in basis.firms)
    places = [place._replace(firm=names[place.firm]) for place in shown]
    random.shuffle(places)  # type: ignore[attr-defined]
    renamed = figures(replace(basis, firms=firms), places, towards, "2026-W48")
    assert renamed == figures(basis, shown, towards, "2026-W48")


@given(markets())
@settings(max_examples=25)
def test_a_basis_comes_back_as_it_was_kept(
    market: tuple[Basis, list[Shown], dict[int, float]],
) -> None:
    basis, shown, towards = market
    again = thawed(basis.frozen())
    assert again == basis
    assert figures(again, shown, towards, "x") == figures(basis, shown, towards, "x")


@given(markets(), st.sampled_from(SIZES))
@settings(max_examples=25)
def test_a_class_of_less_than_five_leaves_no_number(
    market: tuple[Basis, list[Shown], dict[int, float]], size: str
) -> None:
    """Whatever the towns answer that a lone firm was shown to, the figures are the same."""
    basis, shown, towards = market
    other = "medium" if size != "medium" else "small"
    crowd = [firm._replace(size=other) for firm in basis.firms]
    crowd += [Firm(id_, 0.3, other, "13", "kanto", False, 1) for id_ in range(90, 95)]
    held = [Shown(1, 1, 1, id_, id_, 501, "merit", WEEK) for id_ in (*range(90, 95), 99)]
    replies = [
        figures(replace(basis, firms=[*crowd, lone]), [*shown, *held], towards, "x")["replies"]
        for lone in (Firm(99, 0.3, size, "13", "kanto", False, answered) for answered in (0, 1))
    ]
    assert replies[0] == replies[1]
