"""Settings, each declared once: name, type, default and a sentence of help."""

import os
import re
import secrets
from contextlib import suppress
from email.utils import parseaddr
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_ORIGIN = re.compile(
    r"https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?/?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?/?"
)


class Settings(BaseSettings):
    """Everything that may differ between two installations; read from the environment."""

    model_config = SettingsConfigDict(env_file=None, extra="ignore")

    data_dir: Path = Field(
        default=Path("data"),
        description="Folder of the embedded database, index, queue and secrets.",
    )
    host: str = Field(default="127.0.0.1", description="Address the web server listens on.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port the web server listens on.")
    database_url: str = Field(
        default="", description="SQLAlchemy URL; empty means SQLite in the data folder."
    )
    redis_url: str = Field(
        default="",
        description="Redis or Valkey URL; empty means the embedded Valkey of `hub serve`.",
    )
    meili_url: str = Field(
        default="", description="Meilisearch URL; empty means the embedded index."
    )
    meili_key: str = Field(default="", description="Meilisearch API key.")
    semantic: Literal["auto", "off"] = Field(
        default="auto",
        description="Search by meaning too: auto where there is a model, off by words only.",
    )
    embedder_url: str = Field(
        default="",
        description="Base of an OpenAI-compatible embeddings endpoint, such as "
        "https://host/v1; empty means the bundled model of `hub serve` where it is installed.",
    )
    embedder_model: str = Field(
        default="", description="Model to ask it for; empty means the first it lists."
    )
    embedder_key: str = Field(default="", description="API key of the embeddings endpoint.")
    secret_key: str = Field(
        default="",
        description="Key that signs cookies; empty means one made and kept in the data folder.",
    )
    secure_cookies: bool = Field(
        default=False, description="Send cookies over HTTPS only; switch on behind HTTPS."
    )
    trusted_hosts: str = Field(
        default="",
        description="Host names that may be asked for, comma separated; empty means any.",
    )
    proxies: int = Field(
        default=0, ge=0, le=3, description="Reverse proxies in front whose word is taken."
    )
    web_processes: int = Field(default=2, ge=1, le=64, description="Web processes of `hub serve`.")
    web_threads: int = Field(default=4, ge=1, le=64, description="Threads of each web process.")
    worker_processes: int = Field(default=1, ge=1, le=32, description="Workers of `hub serve`.")
    sign_in_limit: str = Field(
        default="20 per hour",
        description="Sign-in and registration attempts allowed for one address.",
    )
    public_url: str = Field(
        default="",
        description="Address of the site in mails, such as https://hub.example.jp; empty means "
        "http://HOST:PORT.",
    )
    mail_url: str = Field(
        default="",
        description="Mail server, such as smtp://user:password@host:587 (STARTTLS) or smtps://…; "
        "empty means files in the data folder, `null:` no mail at all.",
    )
    mail_from: str = Field(
        default="Local Hub <no-reply@example.jp>", description="Sender of mails."
    )
    alert_limit: str = Field(
        default="20 per hour", description="Requests for alerts by mail allowed for one address."
    )
    operator_name: str = Field(
        default="Local Hub 運営チーム", description="Operator named in the footer."
    )
    contact_email: str = Field(
        default="contact@example.jp", description="Address named on the contact page."
    )
    demo: bool = Field(default=False, description="Seed the demo market and show its accounts.")

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("public_url")
    @classmethod
    def _origin(cls, value: str) -> str:
        if value and not _ORIGIN.fullmatch(value):
            raise ValueError("must be an address such as https://hub.example.jp")
        return value.rstrip("/")

    @field_validator("mail_url")
    @classmethod
    def _mail_server(cls, value: str) -> str:
        if not value.startswith(("smtp://", "smtps://", "null:")) and value:
            raise ValueError("must begin with smtp:// or smtps://")
        return value

    @field_validator("mail_from")
    @classmethod
    def _one_sender(cls, value: str) -> str:
        if not parseaddr(value)[1].count("@") == 1 or "\n" in value:
            raise ValueError("must be an address such as Local Hub <no-reply@hub.example.jp>")
        return value

    @model_validator(mode="after")
    def _mails_lead_here(self) -> "Settings":
        if self.mail_url.startswith("smtp") and not self.public_url:
            raise ValueError("MAIL_URL needs PUBLIC_URL: links in mails must lead to this site")
        return self

    @field_validator("embedder_url")
    @classmethod
    def _is_endpoint(cls, value: str) -> str:
        from search.embedding import endpoint  # only here: numpy takes a while to load

        if value:
            endpoint(value)
        return value

    @model_validator(mode="after")
    def _demo_stays_here(self) -> "Settings":
        if self.demo and self.host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError(
                "DEMO=true makes accounts whose password everyone knows, so HOST must be 127.0.0.1. "
                "Start with DEMO=false on an empty data folder to be reached from elsewhere"
            )
        return self

    @property
    def origin(self) -> str:
        """The address in force for links in mails; what a request calls us never counts."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{self.data_dir / 'hub.sqlite3'}"

    @cached_property
    def secret(self) -> str:
        """The signing key in force; made once and kept with mode 0600 when none is set."""
        return self.secret_key or _kept_secret(self.data_dir / "secret_key")


def _kept_secret(path: Path) -> str:
    """Made once, whole before it has its name, so that two processes starting together agree."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        made = path.with_name(f"{path.name}.{os.getpid()}")
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(48), encoding="ascii")
        with suppress(FileExistsError):
            os.link(made, path)
        made.unlink()
    return path.read_text(encoding="ascii")
