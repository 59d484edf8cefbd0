"""Reading the mails that an installation without a mail server has written."""

import re
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from urllib.parse import urlsplit

URL = re.compile(r"^https?://\S+$", re.MULTILINE)


@dataclass(frozen=True)
class Received:
    """A mail as its reader sees it."""

    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def body(self) -> str:
        return str(self.message.get_content()).replace("\r\n", "\n")

    def path(self, beginning: str) -> str:
        """The path of the one address in the mail whose path begins so."""
        (found,) = {
            url for url in URL.findall(self.body) if urlsplit(url).path.startswith(beginning)
        }
        parts = urlsplit(found)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path


def received(data_dir: Path) -> list[Received]:
    """Every mail, oldest first."""
    files = sorted((data_dir / "mail").glob("*.eml"), key=lambda file: file.stat().st_mtime_ns)
    parser = BytesParser(policy=policy.default)
    return [Received(parser.parsebytes(file.read_bytes())) for file in files]  # type: ignore[arg-type]
