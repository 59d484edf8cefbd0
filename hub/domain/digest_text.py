"""What the morning's recommendations say: plain text, each card complete in itself."""

from collections.abc import Sequence

from hub.domain.alert_text import Links, Text, joined, name_of, wrap
from hub.domain.inputs import format_moment
from hub.i18n import Translate, translator
from hub.models.digest import Digest
from hub.models.matching import Match
from hub.models.organisation import Organisation

MOST_REASONS = 2
MOST_GAPS = 1
INDENT = "   "


def end_token(links: Links, nonce: str) -> str:
    """The secret of the ending link."""
    return links.token("digest end", nonce)


def end_url(digest: Digest, links: Links) -> str:
    """The page that ends the digest, or keeps it coming."""
    return links.to(f"/digest/end/{end_token(links, digest.nonce)}", digest.language)


def answer_token(links: Links, digest: Digest, match: Match) -> str:
    """The secret of a card's link: of this digest, this organisation and this pair alone."""
    organisation = digest.membership.organisation_id
    purpose = f"digest answer {organisation} {match.call_id}-{match.solution_id}"
    return links.token(purpose, digest.nonce)


def digest(
    digest: Digest,
    own: Organisation,
    cards: Sequence[Match],
    links: Links,
    *,
    left: int | None = None,
) -> Text:
    """The mail: at most a few pairs, each with why, what is missing, by when, and two links.

    `left` is how many more come to an address that nobody has answered from; None for others.
    """
    _ = translator(digest.language)
    names = {"name": name_of(own, digest.language), "count": len(cards)}
    if own.kind == "municipality":
        first = _("%(name)sの募集に合うソリューションが、新しく%(count)d件あります。")
    else:
        first = _("%(name)sのソリューションに合う募集が、新しく%(count)d件あります。")
    return Text(
        _("【Local Hub】%(name)sへのおすすめ%(count)d件") % names,
        joined(
            wrap(first % names),
            *_unconfirmed(digest, left, links, _),
            *(_card(n, digest, own, match, links, _) for n, match in enumerate(cards, 1)),
            *_foot(digest, own, links, _),
        ),
    )


def _unconfirmed(digest: Digest, left: int | None, links: Links, _: Translate) -> tuple[str, ...]:
    """That the mails stop by themselves, and the page that keeps them coming."""
    if left is None:
        return ()
    if left > 0:
        said = _(
            "このメールは、あと%(count)d通で止まります。"
            "続けて受け取るには、次のページで「続けて受け取る」を押してください。"
        ) % {"count": left}
    else:
        said = _(
            "このメールは、この1通で止まります。"
            "続けて受け取るには、次のページで「続けて受け取る」を押してください。"
        )
    return wrap(said), end_url(digest, links)


def _card(
    number: int, digest: Digest, own: Organisation, match: Match, links: Links, _: Translate
) -> str:
    language = digest.language
    call, solution = match.call, match.solution
    theirs, ours = (solution, call) if own.kind == "municipality" else (call, solution)
    for_ours = _("この募集に: %(title)s") if ours is call else _("このソリューションで: %(title)s")
    when = format_moment(call.closes_at, language) if call.closes_at else _("随時受付中")
    reasons = (match.reasons or {}).get(language, [])[:MOST_REASONS]
    gaps = (match.gaps or {}).get(language, [])[:MOST_GAPS]
    answer = links.to(f"/digest/answer/{answer_token(links, digest, match)}", language)
    return "\n".join(
        (
            wrap(theirs.title, f"{number}. "),
            wrap(name_of(theirs.organisation, language), INDENT),
            wrap(for_ours % {"title": ours.title}, INDENT),
            wrap(_("締切: %(when)s") % {"when": when}, INDENT),
            *(wrap(_("なぜ: %(why)s") % {"why": sentence}, INDENT) for sentence in reasons),
            *(wrap(_("足りないこと: %(gap)s") % {"gap": sentence}, INDENT) for sentence in gaps),
            wrap(_("くわしく読む"), INDENT),
            links.listing(theirs, language),
            wrap(_("返事をする（関心がある・今回は対象外・表示しない）"), INDENT),
            answer,
        )
    )


def _foot(digest: Digest, own: Organisation, links: Links, _: Translate) -> tuple[str, ...]:
    return (
        "-" * 40,
        wrap(
            _(
                "会社の大きさや投稿の数は、順位に使っていません。"
                "返事は、あなたの団体のおすすめだけを変えます。返事のリンクは30日使えます。"
            )
        ),
        wrap(_("リンクが開けないときは、ログインして次のページから返事ができます。")),
        links.to(f"/my/organisations/{own.id}/matches", digest.language),
        wrap(_("このメールを止めるには、次のページを開いてボタンを押してください。")),
        end_url(digest, links),
        wrap(
            _(
                "このメールは1日に1通までで、返信できません。"
                "Local Hub は行政機関が運営するサイトではありません。"
            )
        ),
    )
