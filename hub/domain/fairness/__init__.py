"""The public audit: who was shown how much, by size, place and age, against how well they fit.

The only room that reads `size_facts`. It turns one number, the dial, which is the same for every
firm; it writes to no firm and to no list.

    weeks.py     the weeks that are audited
    measures.py  the measures, pure functions on plain data
    groups.py    classes of firms and towns; small ones are merged or hidden
    dial.py      what the audit asks of the dial
    targets.py   what the figures should keep to
    basis.py     what a week is measured by, loaded once and frozen with its report
    figures.py   the public figures of a week
    report.py    the report of a week: stored, compared, read
"""
