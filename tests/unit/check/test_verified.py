"""People who have confirmed no way to reach them: an error, a warning, or nothing, as the files say."""

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from harness.house import CONFIG, TUESDAY, House, policy_of

from irpd.check import check_files
from irpd.check.report import coverage_document
from irpd.daemon.watch_contacts import ContactWatch
from irpd.engine.state import State
from irpd.model import command as c
from irpd.oncall.contacts import Contacts

_MAIL = "  mail: {type: file, path: mail.jsonl}"


def text_of(verify: str) -> str:
    """Asha is reached by mail alone and on call; everybody else by a file."""
    text = f"server: {{verify: {verify}}}\n{CONFIG.lstrip()}"
    text = text.replace(_MAIL, f"{_MAIL}\n  post: {{type: smtp, host: localhost, from: irpd@example.com}}")
    own = "{name: Asha, email: asha@example.com, notify: [{after: 0m, via: [post]}],"
    text = text.replace("{name: Asha,", own)
    return text.replace("  nobody: {kind", "  # nobody: {kind").replace(
        "  unreached: {kind", "  # unreached: {kind"
    )


def asked(house: House) -> None:
    (page,) = house.do(c.VerifyContact(person="asha", by="emil")).pages
    house.do(c.SeePage(page=page, via="link"))


def contacts_of(house: House) -> Contacts:
    return Contacts(State(house.rows).contacts)


@pytest.mark.parametrize("verify, severity", [("required", "error"), ("warn", "warning"), ("ignore", "")])
def test_it_is_as_severe_as_the_files_say(tmp_path: Path, verify: str, severity: str) -> None:
    file = tmp_path / "irpd.yaml"
    file.write_text(text_of(verify))

    def said(contacts: Contacts | None, **more: Any) -> list[tuple[str, str]]:
        found = check_files([file], now=TUESDAY, contacts=contacts, **more).problems
        return [(one.severity, one.path) for one in found if "has confirmed no address" in one.message]

    expected = [(severity, "people.asha")] if severity else []
    assert said(Contacts()) == expected
    assert said(None) == [], "nobody knows"
    house = House(policy_of(text_of(verify)))
    asked(house)
    assert said(contacts_of(house)) == []


def test_it_keeps_no_daemon_from_starting(tmp_path: Path) -> None:
    file = tmp_path / "irpd.yaml"
    file.write_text(text_of("required"))
    assert not check_files([file], now=TUESDAY, contacts=Contacts()).good
    assert check_files([file], now=TUESDAY, contacts=Contacts(), starting=True).good


def test_people_who_are_not_paged_yet_may_confirm_first(tmp_path: Path) -> None:
    file = tmp_path / "irpd.yaml"
    new = "  newcomer: {name: New, email: new@example.com, notify: [{after: 0m, via: [post]}]}\nschedules:"
    file.write_text(text_of("required").replace("schedules:", new))
    found = check_files([file], now=TUESDAY, contacts=Contacts()).problems
    assert [one.path for one in found if "has confirmed no" in one.message] == ["people.asha"]


def test_coverage_names_them() -> None:
    house = House(policy_of(text_of("warn")))
    configuration = house.policy.configuration
    document = coverage_document(configuration, TUESDAY, 1, contacts=contacts_of(house))
    assert document["unverified"] == ["asha"]
    assert "asha has confirmed no address that pages go to" in document["open"]
    asked(house)
    document = coverage_document(configuration, TUESDAY, 1, contacts=contacts_of(house))
    assert document["unverified"] == []
    assert json.dumps(document)


class Daemon:
    def __init__(self, verify: str) -> None:
        self.house = House(policy_of(text_of(verify)))
        self.told: list[c.Command] = []
        self.counted: list[int] = []
        engine = SimpleNamespace(policy=self.house.policy, state=State(self.house.rows))
        self.watch = ContactWatch(cast(Any, engine), cast(Any, self), self._tell, cast(Any, self))

    def now(self) -> Any:
        return self.house.now

    def boot(self) -> float:
        return (self.house.now - TUESDAY).total_seconds()

    def people_unverified(self, n: int) -> None:
        self.counted.append(n)

    async def _tell(self, command: c.Command, *, about: str) -> None:
        self.told.append(command)


async def test_the_operators_hear_once_of_who_is_on_call_soon_and_that_it_is_over() -> None:
    daemon = Daemon("warn")
    await daemon.watch.look_if_due()
    daemon.house.now += timedelta(minutes=10)
    await daemon.watch.look_if_due()
    (command,) = daemon.told
    assert isinstance(command, c.TellOperators)
    assert command.level == 3
    assert "Asha (asha) has confirmed no address that pages of level 1 (critical), 2 (high)" in command.text
    asked(daemon.house)
    await daemon.watch.look_if_due()
    assert daemon.told[1:] == [c.ConditionOver(key="unverified-contacts")]
    assert daemon.counted == [1, 1, 0]


async def test_where_it_is_ignored_it_is_only_counted() -> None:
    daemon = Daemon("ignore")
    await daemon.watch.look_if_due()
    assert daemon.told == [c.ConditionOver(key="unverified-contacts")]
    assert daemon.counted == [1]
