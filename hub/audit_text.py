"""What `hub match audit` prints."""

import json

from hub.domain.fairness.lines import Value, lines
from hub.domain.fairness.report import Check


def as_json(found: Check) -> str:
    """The check for programs. `equal` is null when there is no final report to compare with."""
    compared = found.stored is not None and found.stored.final
    return json.dumps(
        {
            "week": found.draft.week.name,
            "stored": found.stored is not None,
            "final": compared,
            "equal": not found.differences if compared else None,
            "differences": list(found.differences),
            "dial": found.stored.dial if found.stored else None,
            "next_dial": found.stored.next_dial if found.stored else None,
            "figures": found.draft.figures,
        },
        ensure_ascii=False,
        indent=1,
    )


def as_table(found: Check) -> str:
    """The figures as aligned lines, then whether they are those of the report."""
    rows = [
        (line.part, line.key, line.measure, _written(line.value))
        for line in lines(found.draft.figures)
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    table = [
        f"{part:<{widths[0]}}  {key:<{widths[1]}}  {measure:<{widths[2]}}  {value}"
        for part, key, measure, value in rows
    ]
    return "\n".join([f"{found.draft.week.name}", *table, *_verdict(found)])


def _written(value: Value) -> str:
    return "-" if value is None else str(value)


def _verdict(found: Check) -> list[str]:
    if found.stored is None:
        return ["保存された報告はありません / there is no stored report"]
    if not found.stored.final:
        return ["保存された報告は途中のものです / the stored report was made before the week ended"]
    if not found.differences:
        return ["保存された報告と同じです / equal to the stored report"]
    first = ", ".join(found.differences[:10])
    return [
        f"保存された報告とちがいます / differs from the stored report: {len(found.differences)}",
        f"  {first}{' …' if len(found.differences) > 10 else ''}",
    ]
