"""Processes that may not outlive the one that started them."""

import ctypes
import os
import signal
import sys

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(parent: int, number: int = signal.SIGTERM) -> None:
    """Ask the kernel to send this process `number` when its parent `parent` dies.

    Called in the child right after the fork. The parent may have died just before, so that is
    looked at afterwards. The signal follows the parent's thread that forked: fork from the main
    one. Only Linux can do this; elsewhere an orderly stop is the only one that stops children.
    """
    if _libc is None:
        return
    _libc.prctl(_SET_PARENT_DEATH_SIGNAL, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)
