"""Pages to one person over one channel within a minute become one message; so do messages to an audience.

The first page is never held for it. After it, what comes to the same person over the same channel waits for
the end of the window, and then all of it goes out in one message. What is more severe than what the person
was told goes at once, and takes along what waits. A message that didn't get through holds nothing back.

What is critical waits for little: a first window of seconds, which doubles with each message of the minute up
to the whole of it. So a second critical incident is known within seconds, and a flood is a few messages.

In memory only: after a start the next page is a first one. Times are seconds of the boot-time clock.
"""

from dataclasses import dataclass

Group = tuple[str, str]
"""A channel and a person, or an audience and its address."""

#: Types of channel whose receivers are programs: they get each page by itself.
SINGLY = frozenset({"webhook", "file"})
#: Groups that are remembered before those whose window is over are forgotten.
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Window:
    began: float
    within: float
    critical: float  # what level 1 waits of it
    level: int  # the most severe that was told in it

    @property
    def ends(self) -> float:
        return self.began + self.within


class Gather:
    """The windows of all groups."""

    def __init__(self) -> None:
        self._windows: dict[Group, _Window] = {}

    def wait(self, group: Group, level: int, now: float) -> float:
        """Seconds to wait for the others; 0: go, and take along what waits."""
        window = self._windows.get(group)
        if window is None or level < window.level:
            return 0.0
        waits = window.critical if level == 1 else window.within
        return max(window.began + waits - now, 0.0)

    def begins(self, group: Group, level: int, now: float, *, within: float, critical: float) -> None:
        """A message is handed over that tells of this level at most; what comes ``within`` seconds waits, and
        what is critical for so long at first, twice as long after each message that told of more of it."""
        before = self._windows.get(group)
        if before is not None and level == 1 == before.level and now < before.ends:
            critical = max(critical, 2 * before.critical)
        if len(self._windows) >= _REMEMBERED:
            self._windows = {one: window for one, window in self._windows.items() if window.ends > now}
        self._windows[group] = _Window(now, within, min(critical, within), level)

    def failed(self, group: Group, began: float) -> bool:
        """The message that began then didn't get through; whether its window still held something back."""
        window = self._windows.get(group)
        if window is None or window.began != began:
            return False
        del self._windows[group]
        return True
