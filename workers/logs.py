"""Log lines of the workers: when, how grave, in which job."""

import logging

_job = "-"


def set_up() -> None:
    """Write log lines of this process to its standard error, each with its job."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)s [%(job)s] %(name)s: %(message)s")
    )
    handler.addFilter(_add_job)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def name_job(name: str) -> None:
    """From here on this process works on that job."""
    global _job
    _job = name


def _add_job(record: logging.LogRecord) -> bool:
    record.job = _job
    return True
