"""What the audit's figures should not exceed, or not fall below; printed beside them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Targets:
    """Shares are of 1. All are upper limits but `worst`."""

    gini: float = 0.65
    top: float = 0.15  # share of the attention that the best-off 1 % of firms have
    worst: float = 0.12  # mean of the worst-off tenth over the mean of all
    unseen: float = 0.005  # suitable solutions not shown for four weeks
    few: float = 0.01  # calls with fewer suitable firms than every call should reach
    wait_days: float = 14.0
    loss_p95: float = 0.03
    loss_max: float = 0.05


TARGETS = Targets()
