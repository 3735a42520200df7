"""Shadow mode begins and ends with the configuration in force; what was left open at its end is seen to here.

While it holds, each send is recorded as one that would have been (the outbox does that, by the
configuration alone). At its end nobody is woken by what the old pager has long dealt with: what somebody has,
what isn't urgent and what has passed asks nobody any more; what is urgent, fires and is nobody's asks whom
its path names first, as if it opened now.
"""

from irpd.model import event as e
from irpd.model.incident import Incident, State
from irpd.model.shadow import Shadow
from irpd.protocol.draft import Draft
from irpd.protocol.evolve_shadow import SHADOW
from irpd.protocol.paging import end_pages, restart_paths, stop_paths

ENDED = "shadow mode ended"


def follow(draft: Draft) -> None:
    """The configuration in force says whether it holds. Asked at each start and each change of the files."""
    holds = draft.rows.stands(Shadow, SHADOW)
    if draft.configuration.shadow and holds is None:
        draft.emit_about(SHADOW, e.ShadowBegan())
    elif not draft.configuration.shadow and holds is not None:
        draft.emit_about(SHADOW, e.ShadowEnded())
        for incident in list(draft.rows.active()):
            _leave(draft, incident)


def _leave(draft: Draft, incident: Incident) -> None:
    incident = stop_paths(draft, incident, because=ENDED)
    incident = end_pages(draft, incident, because=ENDED, keep_updates=False)
    lasts = incident.firing or not incident.members  # or was opened by hand
    if incident.state is State.OPEN and incident.level.urgent and lasts:
        restart_paths(draft, incident, because=ENDED)
