"""What each part of a match counts for, as the public page prints it.

The matcher keeps its own table, since background work knows nothing of the hub; a test holds the
two equal.
"""

from dataclasses import dataclass

from hub.i18n import N_


@dataclass(frozen=True, slots=True)
class Weight:
    """One part of a match: its share of the town's view and of the firm's view (0: not in it)."""

    code: str
    town: float
    firm: float
    name: str
    meaning: str


WEIGHTS = (
    Weight(
        "text",
        0.45,
        0.45,
        N_("文章の近さ"),
        N_("題名と本文のことばが、どれだけ近いか。言いかえや表記のちがいも見ます。"),
    ),
    Weight(
        "meaning",
        0.30,
        0.30,
        N_("意味の近さ"),
        N_("ことばがちがっても、言っている内容が近いか。"),
    ),
    Weight(
        "themes", 0.10, 0.10, N_("分野の重なり"), N_("選んだ分野が重なるか。分野は3つまでです。")
    ),
    Weight(
        "need",
        0.05,
        0.00,
        N_("困りごとと解決の対応"),
        N_("募集の困りごとに、ソリューションの解決することが答えているか。"),
    ),
    Weight(
        "wanted",
        0.05,
        0.00,
        N_("求める提案と提供の対応"),
        N_("募集が求める提案に、ソリューションの提供するものが合うか。"),
    ),
    Weight(
        "stage",
        0.05,
        0.00,
        N_("募集の種類と開発段階"),
        N_("実証実験なら試作でも、提案募集なら製品が合う、など。"),
    ),
    Weight(
        "place",
        0.00,
        0.05,
        N_("提供できる地域"),
        N_("届けられる地域に入るか。本社の場所は見ません。"),
    ),
    Weight("kind", 0.00, 0.05, N_("希望する募集の種類"), N_("企業が希望する種類の募集か。")),
    Weight(
        "asks",
        0.00,
        0.05,
        N_("求めるものと提供できるもの"),
        N_("企業が求めるものを、自治体が提供できるか。"),
    ),
)
