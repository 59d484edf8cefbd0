"""Marking of interface texts outside templates. The Japanese sentence is the message id."""


def N_(message: str) -> str:
    """Mark `message` for the catalogue without translating it yet."""
    return message
