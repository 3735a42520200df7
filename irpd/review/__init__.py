"""The post-incident report: made of an incident's timeline and of what people wrote, as Markdown and HTML.

Nothing in it comes from elsewhere: each figure names the event it comes from, so that a reader a year later
can check it against the journal.
"""

from irpd.review.document import Document, report_on
from irpd.review.render import report_html, report_markdown

__all__ = ["Document", "report_html", "report_markdown", "report_on"]
