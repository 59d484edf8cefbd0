"""Reference data: places, themes, offers and kinds of call, each upserted by its natural key."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.models.base import Base


class Region(Base):
    """地方: a group of prefectures."""

    __tablename__ = "region"
    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    name_ja: Mapped[str]
    name_en: Mapped[str]
    position: Mapped[int]


class Prefecture(Base):
    """都道府県, by its two digits of JIS X 0401."""

    __tablename__ = "prefecture"
    code: Mapped[str] = mapped_column(String(2), primary_key=True)
    body_code: Mapped[str] = mapped_column(String(6), unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    kana: Mapped[str]
    name_en: Mapped[str]
    region_key: Mapped[str] = mapped_column(ForeignKey("region.key"))
    region: Mapped[Region] = relationship()


class Municipality(Base):
    """市区町村, by its six-digit code whose last digit is a check digit."""

    __tablename__ = "municipality"
    code: Mapped[str] = mapped_column(String(6), primary_key=True)
    prefecture_code: Mapped[str] = mapped_column(ForeignKey("prefecture.code"), index=True)
    name: Mapped[str] = mapped_column(index=True)
    kana: Mapped[str]
    romaji: Mapped[str]
    kind: Mapped[str] = mapped_column(String(8))
    district: Mapped[str]
    prefecture: Mapped[Prefecture] = relationship()

    @property
    def full_name(self) -> str:
        """Prefecture and name: 府中市 exists twice, 池田町 four times."""
        return f"{self.prefecture.name}{self.name}"


class Theme(Base):
    """分野, in two levels."""

    __tablename__ = "theme"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    parent_key: Mapped[str | None] = mapped_column(ForeignKey("theme.key"), index=True)
    name_ja: Mapped[str]
    name_en: Mapped[str]
    position: Mapped[int]


class Offer(Base):
    """提供できるもの / 求めるもの: one vocabulary for both sides."""

    __tablename__ = "offer"
    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    name_ja: Mapped[str]
    name_en: Mapped[str]
    position: Mapped[int]


class CallKind(Base):
    """募集の種類."""

    __tablename__ = "call_kind"
    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    name_ja: Mapped[str]
    name_en: Mapped[str]
    description_ja: Mapped[str]
    description_en: Mapped[str]
    position: Mapped[int]
