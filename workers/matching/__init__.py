"""Which solutions fit which calls, and why: pure functions on plain data.

Read in this order: `facts` (what may be seen), `passages` and `channels` (text to counts),
`meaning` (vectors), `epoch` (statistics frozen for a while), `market` (candidates), `score`,
`edges`, `exposure` (lists), `explain`, `gaps` and `advice` (sentences), `tuning` (weights).
Nothing here knows the database, the web or the clock.
"""

import hashlib
from pathlib import Path

from search.analysis import ANALYSIS_VERSION

RULES_VERSION = 8
_GLOSSARY = hashlib.sha256((Path(__file__).parent / "concepts.txt").read_bytes()).hexdigest()
# What profiles and epochs were made by: rules, glossary, Japanese analysis.
MATCHING_VERSION = f"m{RULES_VERSION}.{_GLOSSARY[:8]}.{ANALYSIS_VERSION}"
