"""What people read: the texts of pages and updates, and the links in them.

Nothing in here sends anything; ``outbox`` does. Other people's words are made harmless
in ``clean`` before any text is made of them.
"""

from irpd.comms.links import LinkKeyError, Links, load_key
from irpd.comms.story import Subject
from irpd.comms.texts import Rendered, fields, mail_text, plain_text, render, slack_text

__all__ = [
    "LinkKeyError",
    "Links",
    "Rendered",
    "Subject",
    "fields",
    "load_key",
    "mail_text",
    "plain_text",
    "render",
    "slack_text",
]
