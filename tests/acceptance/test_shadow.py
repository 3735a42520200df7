"""Shadow mode with the real daemon: everything is decided, nobody is told; and the way out of it."""

import json

import pytest
from harness import Irpd, eventually, firing

pytestmark = pytest.mark.acceptance


def would_have(irpd: Irpd) -> list[str]:
    pages = irpd.json("page", "list")["pages"]
    return [page["person"] for page in pages if page["state"] == "would-have"]


def test_in_shadow_mode_nobody_is_told_and_its_end_pages_only_what_is_urgent_and_nobodys(irpd: Irpd) -> None:
    irpd.configure(wait="10m", more="shadow: true\n")
    irpd.start()
    irpd.post("alertmanager", firing())
    irpd.post("alertmanager", firing("Mine", 2, environment="two"))
    eventually(lambda: would_have(irpd) == ["asha", "asha"], what="the pages that would have been")
    irpd.cli("ack", "2", "--as", "asha")
    assert irpd.pages() == []
    assert json.loads(irpd.get("/readyz")[1])["status"] == "degraded"
    assert "nobody is paged" in irpd.check_of("shadow")["detail"]
    assert irpd.metric('irpd_pages_total{channel="local",outcome="would-have"}') == 2
    for command in (("who",), ("incident", "list"), ("page", "list"), ("silence", "list")):
        assert "Shadow mode: irpd pages nobody" in irpd.run(*command).stderr
    irpd.cli("page", "test", "chi", "--as", "asha")
    eventually(lambda: irpd.paged("test") == ["chi"], what="a test, which somebody asked for")

    old = irpd.folder / "old.csv"
    opened = irpd.incident(1)["opened_at"]
    old.write_text(f"time,person,what\n{opened},Asha Rao,PaymentErrors\n{opened},emil,Lost\n")
    done = irpd.run("shadow", "compare", "--with", str(old), "--config", str(irpd.config),
                    "--journal", str(irpd.state / "irpd.db"), "--json")  # fmt: skip
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert found["people"] == {
        "asha": {"both": 1, "only_irpd": 1, "only_other": 0},
        "emil": {"both": 0, "only_irpd": 0, "only_other": 1},
    }
    irpd.kill()
    irpd.start()  # it holds over a start, and nothing is caught up with
    assert irpd.paged() == []

    irpd.configure(wait="10m")
    irpd.cli("reload", "--wait")
    eventually(lambda: irpd.paged() == ["asha"], what="the page of what is urgent and nobody's")
    assert [page["incident"]["id"] for page in irpd.pages() if page["kind"] == "page"] == [1]
    assert "Shadow" not in irpd.run("who").stderr
    assert irpd.check_of("shadow")["ok"]
    irpd.cli("ack", "1", "--as", "asha")
    assert irpd.stop() == 0
    irpd.sound()
