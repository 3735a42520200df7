"""When the supervisor is fed, and when something is called stalled."""

from irpd.daemon.watchdog import Watchdog, Watched


class Work:
    """Something that has work and moves, or doesn't."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.moved = 0
        self.busy = True
        watched = Watched("work", lambda: self.moved, lambda: self.busy)
        self.dog = Watchdog((watched,), now=lambda: self.now, every=2.0, stalled_after=15.0)
        self.dog.look()

    def looks(self, seconds: float, *, moving: bool) -> list[tuple[str, ...]]:
        """What each look says, one every two seconds."""
        said = []
        for _ in range(int(seconds / 2)):
            self.now += 2
            self.moved += moving
            said.append(self.dog.look())
        return said


def test_what_moves_is_well() -> None:
    assert set(Work().looks(100, moving=True)) == {()}


def test_what_has_work_and_does_not_move_is_stalled_after_a_while_and_well_again_when_it_moves() -> None:
    work = Work()
    said = work.looks(30, moving=False)
    assert said[:7] == [()] * 7
    assert said[-1] == ("work",)
    assert work.looks(2, moving=True) == [()]


def test_what_has_no_work_need_not_move() -> None:
    work = Work()
    work.busy = False
    assert set(work.looks(100, moving=False)) == {()}


def test_a_process_that_stood_still_as_a_whole_is_not_stalled() -> None:
    work = Work()
    work.now += 3600  # stopped, or the machine slept: nobody looked meanwhile
    assert work.dog.look() == ()
    assert set(work.looks(14, moving=False)) == {()}
    assert work.looks(4, moving=False)[-1] == ("work",), "from then on it is watched as ever"
