"""Fixtures of the background side."""

from tests.store import server, store

__all__ = ["server", "store"]
