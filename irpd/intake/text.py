"""Texts from senders, made fit to carry: bounded, and titles on one line.

What is longer than a signal carries is cut visibly (it ends with "…"); nothing is refused
for its length.
"""

import hashlib
import re
import unicodedata
from html import unescape

from irpd.model.signal import MAX_LABELS, MAX_TITLE, MAX_VALUE

MAX_NAME = 512  # of a label
MAX_KEY = 256
MAX_URL = 2048
CUT = "…"

#: Labels that survive when a report has too many: what people match on most.
_KEPT_FIRST = ("alertname", "service", "severity", "environment", "category", "job", "instance", "team")
_SPACE = re.compile(r"\s+")
#: Controls that turn the direction of all the text after them.
_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_TAG = re.compile(r"<(?:br|/p|/div|/li|/tr)\b[^<>]{0,1000}>", re.IGNORECASE)
_ANY_TAG = re.compile(r"</?[a-zA-Z!][^<>]{0,1000}>")


def cut(text: str, length: int) -> str:
    """At most ``length`` characters; the last is "…" when something is missing."""
    return text if len(text) <= length else text[: length - 1] + CUT


def one_line(text: str) -> str:
    """A title: one line, at most MAX_TITLE characters, no control characters."""
    if len(text) > 4 * MAX_TITLE:
        text = text[: 4 * MAX_TITLE]  # what is behind can't show; don't walk through megabytes
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(c) in _UNSHOWN else c for c in text.translate(_TURNING))
    return cut(_SPACE.sub(" ", text).strip(), MAX_TITLE)


_UNSHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})


def body_text(text: str) -> str:
    """A longer text: lines kept, at most MAX_VALUE characters, no NUL."""
    return cut(text.replace("\0", "�") if "\0" in text else text, MAX_VALUE)


def with_remark(text: str, remark: str) -> str:
    """A text with what intake has to say about the report at its end."""
    if not remark:
        return text
    remark = one_line(remark)
    room = MAX_VALUE - len(remark) - 3
    return f"{body_text(text[:room])}\n({remark})" if text else f"({remark})"


def html_text(text: str) -> str:
    """The words of an HTML fragment as help desks send it; no safe HTML, plain text."""
    plain = unescape(_ANY_TAG.sub("", _TAG.sub("\n", text[: 4 * MAX_VALUE])))
    return body_text(re.sub(r"\n\s*\n+", "\n", plain).strip())


def link(text: str) -> str:
    """An http(s) address, or ""; pages and consoles make links of these, so no other scheme."""
    if text.startswith(("https://", "http://")) and len(text) <= MAX_URL and text.isprintable():
        return text
    return ""


def key(text: str) -> str:
    """A sender's identity, bounded: one that is too long keeps its beginning and a digest."""
    if len(text) <= MAX_KEY:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{text[: MAX_KEY - 33]}{CUT}{digest}"


def bounded_labels(labels: dict[str, str]) -> dict[str, str]:
    """Labels as a signal carries them: none empty, at most MAX_LABELS, values bounded.

    Too many: those matched on most are kept, then the first; the last one says how many
    are missing. Returns the same object when there is nothing to do (most often)."""
    values = labels.values()
    if (
        len(labels) <= MAX_LABELS
        and "" not in values
        # all together below the limit of one: true of real labels, and quicker than each by itself
        and len("".join(values)) <= MAX_VALUE
        and len("".join(labels)) <= MAX_NAME
    ):
        return labels
    count = len(labels) - list(values).count("")
    room = count if count <= MAX_LABELS else MAX_LABELS - 1
    kept = {name: labels[name] for name in _KEPT_FIRST if labels.get(name)} if room < count else {}
    for name, value in labels.items():
        if len(kept) >= room:
            break
        if value:
            kept.setdefault(name, value)
    bounded = {cut(name, MAX_NAME): cut(value, MAX_VALUE) for name, value in kept.items()}
    if room < count:
        bounded[CUT] = f"{count - room} more labels"
    return bounded
