"""Words with which people answer, where they write rather than press."""

from irpd.channels.inbound import Does

_YES = frozenset(
    {"1", "ack", "acknowledge", "acknowledged", "i have it", "have it", "mine", "ok", "yes", "y", "on it"}
)
_NO = frozenset({"2", "can't", "cant", "cannot", "i can't", "i cant", "i cannot", "no", "n", "decline"})


def meaning(text: str) -> Does | None:
    """What an answer means; None where it could mean anything. ``ack, looking at it`` means the same as its
    first word; a longer text that only begins with one is no answer."""
    word = " ".join(text[:200].lower().replace("’", "'").split()).rstrip(".!")
    if len(text) > 200:
        return None
    for one in (word, word.partition(",")[0], word.partition(" - ")[0]):
        if one in _YES:
            return Does.HAS
        if one in _NO:
            return Does.CANT
    return None
