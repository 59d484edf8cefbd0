"""The audit of the running week, which a site makes by itself after some minutes."""

from datetime import UTC, datetime

from hub.domain.fairness.weeks import Week
from tests.installation import Installation


def audit(site: Installation) -> None:
    """Make it now. Works once the site has dealt some list."""
    made = site.run("match", "audit", "--week", Week.of(datetime.now(UTC)).name, "--store")
    assert made.returncode == 0, made.stdout + made.stderr
