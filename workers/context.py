"""What a job works with, opened once in each process from the settings."""

from functools import cache

from hub.config import Settings
from hub.services import Services


@cache
def opened() -> Services:
    """The services of this process. Never called before a fork: nothing of it may be shared."""
    return Services.of(Settings())
