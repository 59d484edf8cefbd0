"""The results of benchmarks.search as Markdown."""

import json
from typing import Any


def report(results: dict[str, Any]) -> str:
    return json.dumps(results, indent=1)
