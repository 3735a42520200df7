"""A backup put back while what it doesn't know of is still out there: mails, links, receivers."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from harness import Irpd, eventually, firing
from harness.peers import Hook

pytestmark = pytest.mark.acceptance


@pytest.fixture
def hook() -> Iterator[Hook]:
    one = Hook()
    yield one
    one.close()


def test_after_a_restore_no_new_page_is_taken_for_one_that_was_removed(irpd: Irpd, hook: Hook) -> None:
    irpd.configure(
        wait="10m",
        channels=f'  hook: {{type: webhook, url: "http://127.0.0.1:{hook.port}/",'
        f" auth: {{secret: {{file: {irpd.folder / 'secret'}}}}}}}\n",
        notify="  default: [{after: 0s, via: [hook]}]",
    )
    (irpd.folder / "secret").write_text("shared secret")
    irpd.start()
    irpd.cli("backup", str(irpd.folder / "backup.db"))
    irpd.post("alertmanager", firing("Removed", 1, environment="1"))
    eventually(lambda: len(hook.pages) == 1, what="the page that the restore removes")
    assert irpd.stop() == 0
    irpd.cli("restore", str(irpd.folder / "backup.db"), "--journal", str(irpd.state / "irpd.db"))
    irpd.start()
    irpd.post("alertmanager", firing("After", 2, environment="2"))
    eventually(lambda: len(hook.pages) == 2, what="the page of the incident after it")
    removed, after = hook.pages
    assert removed["id"] == after["id"], "numbers begin again"
    assert removed["incident"]["title"] != after["incident"]["title"]
    assert len(set(hook.keys)) == 2
    old, new = (urlsplit(page["acknowledge_url"]).path for page in hook.pages)
    assert irpd.request("POST", old)[0] == 404
    assert irpd.json("incident", "list")["incidents"][0]["state"] == "open"
    assert irpd.request("POST", new)[0] == 303
    assert irpd.json("incident", "list")["incidents"][0]["state"] == "acknowledged"
    assert irpd.stop() == 0
    irpd.sound()
