"""A word when it is over, to everybody who was paged for it and doesn't know.

It goes by the quietest channel that reached them, and never by a call: who slept through the page is not to
be woken by its end.
"""

from collections.abc import Iterable

from irpd.config.channels import SILENT
from irpd.config.values import Configuration
from irpd.model.incident import Incident
from irpd.model.page import Page, PageKind, Send, SendState
from irpd.protocol.draft import Draft
from irpd.protocol.paging import page_person

_ASKS = (PageKind.PAGE, PageKind.QUIET)


def tell_over(draft: Draft, incident: Incident) -> Incident:
    """Tell them; whoever ended it knows."""
    pages: dict[str, list[Page]] = {}
    for page in draft.rows.pages_of(incident):
        if page.kind in _ASKS and page.person != incident.resolved_by:
            pages.setdefault(page.person, []).append(page)
    by = draft.name(incident.resolved_by) if incident.resolved_by else "itself"
    text = f"Over: resolved by {by}. Nothing to do."
    for person, theirs in pages.items():
        via = _quietest(draft.configuration, (send for page in theirs for send in page.sends))
        if via:
            incident = page_person(
                draft, incident, person, kind=PageKind.UPDATE, reason="over", text=text, via=via
            )
    return incident


def _quietest(configuration: Configuration, sends: Iterable[Send]) -> str:
    """Of the channels that reached them; "" when none did, or only a call."""
    reached = [
        send.channel
        for send in sends
        if send.state is SendState.DELIVERED and send.channel in configuration.channels
    ]
    types = {channel: configuration.channels[channel].type for channel in reached}
    silent = (channel for channel in reached if types[channel] in SILENT)
    return next(silent, next((channel for channel in reached if types[channel] != "voice"), ""))
