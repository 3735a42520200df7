"""Text that stays text where a chat reads Markdown (Mattermost, Microsoft Teams).

Facts: docs.mattermost.com, "Format messages"; learn.microsoft.com, "Text features in Adaptive Cards". A
backslash makes a sign of its own character in both. What mentions people is broken by a sign that nobody
sees.
"""

import re

_SIGNS = re.compile(r"([\\`*_\[\]~]|^[#>])", re.MULTILINE)
_MENTION = re.compile(r"@(?=\w)")


def escape(text: str) -> str:
    """Each line as it was, without anything in it being markup or a mention."""
    return _MENTION.sub("@\u200c", _SIGNS.sub(r"\\\1", text))
