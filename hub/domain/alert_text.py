"""What mails of alerts say: plain text, complete in itself, in the reader's language.

Gateways of town halls strip links and attachments, so every mail names its listings in full, puts
each address on a line of its own, and carries a reference number that can be typed.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width
from urllib.parse import urlsplit

from hub.domain.inputs import format_moment
from hub.i18n import Translate, translator
from hub.models.alert import Alert
from hub.models.listing import Call, Solution
from hub.models.organisation import Organisation

COLUMNS = 76
MOST_LISTED = 20
TITLE_IN_SUBJECT = 40


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses for mails: of the installation's own origin, whatever a request was sent to."""

    origin: str
    secret: str

    @property
    def host(self) -> str:
        """The name that message ids end with."""
        name = urlsplit(self.origin).hostname or ""
        return name if name and ":" not in name else "localhost"

    def token(self, purpose: str, nonce: str) -> str:
        """The secret of a link, 22 characters. Only who knows the installation's secret makes it."""
        mark = hmac.new(self.secret.encode(), f"alert {purpose} {nonce}".encode(), hashlib.sha256)
        return urlsafe_b64encode(mark.digest()[:16]).decode().rstrip("=")

    def confirm(self, alert: Alert) -> str:
        """The page that begins the alert."""
        return self._to(alert, f"/alerts/confirm/{self.token('confirm', alert.nonce)}")

    def end(self, alert: Alert) -> str:
        """The page that ends it."""
        return self._to(alert, f"/alerts/end/{self.token('end', alert.nonce)}")

    def reference(self, alert: Alert) -> str:
        """The page of the reference number."""
        return self._to(alert, f"/r/{alert.reference}")

    def listing(self, row: Call | Solution, language: str) -> str:
        """The page of a listing."""
        return self.to(f"/{row.subject}s/{row.id}", language)

    def to(self, path: str, language: str) -> str:
        """A page of ours in the reader's language."""
        return f"{self.origin}{path}{'?lang=en' if language == 'en' else ''}"

    def _to(self, alert: Alert, path: str) -> str:
        return self.to(path, alert.language)


@dataclass(frozen=True, slots=True)
class Text:
    """Subject and body of a mail."""

    subject: str
    body: str


def confirmation(alert: Alert, links: Links) -> Text:
    """Asks whether the address wishes the alert."""
    _ = translator(alert.language)
    return Text(
        _("【Local Hub】お知らせを始める前の確認"),
        joined(
            wrap(
                _(
                    "Local Hub で、次の条件の新着をこのアドレスに知らせる申し込みがありました。"
                    "7日以内に次のページを開き、ボタンを押すと、お知らせが始まります。"
                )
            ),
            links.confirm(alert),
            _search(alert, _),
            wrap(
                _(
                    "リンクが開けないときは、次のアドレスをブラウザに入力し、"
                    "このメールの宛先を書いてボタンを押してください。"
                )
            ),
            links.reference(alert),
            wrap(
                _(
                    "心あたりがないときは、何もしないでください。"
                    "お知らせは始まらず、アドレスは7日で消えます。"
                )
            ),
            _foot(_),
        ),
    )


def already(alert: Alert, links: Links) -> Text:
    """Tells the owner of the address, and nobody else, that the alert runs already."""
    _ = translator(alert.language)
    return Text(
        _("【Local Hub】このお知らせはもう始まっています"),
        joined(
            wrap(
                _(
                    "次の条件の新着をこのアドレスに知らせる申し込みが、もう一度ありました。"
                    "お知らせはもう始まっています。何もしなくてかまいません。"
                )
            ),
            _search(alert, _),
            *_ending(alert, links, _),
            _foot(_),
        ),
    )


def news(alert: Alert, rows: Sequence[Call | Solution], links: Links) -> Text:
    """Names the new listings, each in full; from the 21st on only their number."""
    _ = translator(alert.language)
    names = {"title": _short(alert.title), "count": len(rows)}
    if alert.target == "call":
        subject = _("【Local Hub】「%(title)s」の募集に新着%(count)d件")
        first = _("次の条件に合う募集が、新しく%(count)d件あります。")
    else:
        subject = _("【Local Hub】「%(title)s」のソリューションに新着%(count)d件")
        first = _("次の条件に合うソリューションが、新しく%(count)d件あります。")
    listed = rows[:MOST_LISTED]
    rest = len(rows) - len(listed)
    more = _("ほかに%(count)d件あります。次のページから、すべて見られます。") % {"count": rest}
    return Text(
        subject % names,
        joined(
            wrap(first % names),
            _search(alert, _),
            *(_item(n, alert, row, links, _) for n, row in enumerate(listed, 1)),
            *([f"{wrap(more)}\n{links.reference(alert)}"] if rest else []),
            *_ending(alert, links, _),
            _foot(_),
        ),
    )


def _item(number: int, alert: Alert, row: Call | Solution, links: Links, _: Translate) -> str:
    lines = [
        wrap(name_of(row.organisation, alert.language), f"{number}. "),
        wrap(row.title, "   "),
    ]
    if isinstance(row, Call):
        closes = row.closes_at
        when = format_moment(closes, alert.language) if closes else _("随時受付中")
        lines.append(wrap(_("締切: %(when)s") % {"when": when}, "   "))
    return "\n".join((*lines, links.listing(row, alert.language)))


def _search(alert: Alert, _: Translate) -> str:
    return "\n".join(
        (
            wrap(_("条件: %(title)s") % {"title": alert.title}),
            _("参照番号: %(reference)s") % {"reference": alert.reference},
        )
    )


def _ending(alert: Alert, links: Links, _: Translate) -> tuple[str, ...]:
    return (
        "-" * 40,
        wrap(_("このお知らせを止めるには、次のページを開いてボタンを押してください。")),
        links.end(alert),
        wrap(
            _(
                "リンクが開けないときは、次のアドレスをブラウザに入力してください。条件も見られます。"
            )
        ),
        links.reference(alert),
    )


def _foot(_: Translate) -> str:
    return wrap(
        _(
            "お知らせは1日に1通までです。このメールには返信できません。"
            "Local Hub は行政機関が運営するサイトではありません。"
        )
    )


def name_of(organisation: Organisation, language: str) -> str:
    """The organisation; a municipality with its prefecture."""
    if language == "ja" or organisation.kind != "municipality":
        return organisation.full_name
    if (town := organisation.municipality) is not None:
        return f"{town.romaji.capitalize()}, {town.prefecture.name_en}"
    prefecture = organisation.prefecture
    return prefecture.name_en if prefecture is not None else organisation.full_name


def _short(title: str) -> str:
    return title if len(title) <= TITLE_IN_SUBJECT else f"{title[:TITLE_IN_SUBJECT]}…"


def joined(*parts: str) -> str:
    """Parts of a mail with an empty line between them."""
    return "\n\n".join(parts) + "\n"


# --- Lines --------------------------------------------------------------------------------------

# What is never cut: addresses, words of letters without accents; else one character at a time.
_UNIT = re.compile(r"https?://[!-~]+|[!-~]{1,30}|.", re.DOTALL)
_NOT_FIRST = "、。，．・：；？！）」』】〕》〉ーゝゞ々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ％…"
_NOT_LAST = "（「『【〔《〈0123456789"  # a number stays with what it counts
_MOST_HELD = 20  # columns that may hold together so
_PAUSES = "。、"


def columns(text: str) -> int:
    """The width of a text on a terminal: full-width characters count two."""
    return sum(2 if east_asian_width(char) in "WFA" else 1 for char in text)


def wrap(text: str, indent: str = "") -> str:
    """The text in lines of at most 76 columns; the first begins with `indent`, others below it.

    Addresses and words are not cut. Japanese lines end at a pause where one is near, and
    punctuation neither begins nor ends a line wrongly.
    """
    room = COLUMNS - columns(indent)
    lines: list[list[str]] = [[]]
    for unit in _units(text):
        line = lines[-1]
        if line and columns("".join(line)) + columns(unit.rstrip()) > room:
            lines[-1], carried = _at_pause(line, room)
            lines.append(carried)
        if lines[-1] or unit.strip():
            lines[-1].append(unit)
    first, *others = ("".join(line).strip() for line in lines)
    space = " " * len(indent)
    return "\n".join((indent + first, *(space + line for line in others)))


def _at_pause(line: list[str], room: int) -> tuple[list[str], list[str]]:
    """A full line up to its last pause and what follows that, if the pause is not too early."""
    for end in range(len(line), 0, -1):
        if columns("".join(line[:end])) < room * 2 // 3:
            break
        if line[end - 1][-1] in _PAUSES:
            return line[:end], line[end:]
    return line, []


def _units(text: str) -> list[str]:
    """Pieces between which a line may end."""
    units: list[str] = []
    for piece in _UNIT.findall(" ".join(text.split())):
        held = units and (piece in _NOT_FIRST or units[-1][-1] in _NOT_LAST)
        if held and piece != " " and columns(units[-1]) + columns(piece) <= _MOST_HELD:
            units[-1] += piece
        else:
            units.append(piece)
    return units
