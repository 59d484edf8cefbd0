"""Settings: what may not be together."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from hub.config import Settings


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_the_demo_is_not_reachable_from_elsewhere(tmp_path: Path, host: str) -> None:
    with pytest.raises(ValidationError, match="DEMO=false"):
        Settings(data_dir=tmp_path, demo=True, host=host)
    assert Settings(data_dir=tmp_path, demo=False, host=host).host == host


def test_the_signing_key_is_made_once_and_kept_to_ourselves(tmp_path: Path) -> None:
    first = Settings(data_dir=tmp_path).secret
    assert len(first) >= 43
    assert Settings(data_dir=tmp_path).secret == first
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
