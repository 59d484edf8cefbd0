"""Who is shown where: from scored pairs to the lists of calls and of firms.

Three steps, each with one promise. *Collapse*: an offer competes with its canonical post only, and
a firm holds one place in a list. *Merit*: the first k − q places go to the greatest values, moved
by at most the dial. *Reserve*: the last q places go first to suitable firms that nobody has been
shown yet, dealt by an exact matching; what is left of them goes back to merit. Nothing below the
cut is shown, and no list is padded.

    lists = deal_calls(pairs, lists=calls, shift=shift, debt=debt, offers=offers)   # once a week
    lists = deal_calls(pairs, lists=changed, shift=shift, debt=debt, held=held,
                       placed_firms=placed)                                         # in between
    lists = deal_firms(pairs, lists=firms, reached=reached, capacity=left)
    shift = steer(pairs, shift)                                                     # every night
    debt = new_debt(debt, entitled(pairs), appearances)                             # every week

Pure functions of columns: no clock, no database, no chance. A result does not depend on the order
of the rows nor on the numbers that stand for listings and organisations: values decide, then who
is owed most, then a hash of the texts.
"""

from workers.matching.exposure.calls import deal_calls, entitled
from workers.matching.exposure.firms import deal_firms
from workers.matching.exposure.pairs import RULES, How, Pairs, Placed, Rules
from workers.matching.exposure.steering import loss, new_debt, steer

__all__ = [
    "RULES",
    "How",
    "Pairs",
    "Placed",
    "Rules",
    "deal_calls",
    "deal_firms",
    "entitled",
    "loss",
    "new_debt",
    "steer",
]
