"""A communications manager looks at messages, sends and releases them, on a terminal of 80 columns."""

from typing import Any

AUDIENCES = """
audiences:
  team: {via: local}
  customers: {via: local, send: draft, approve: [chi]}
"""


async def test_messages_are_looked_at_sent_released_and_seen_in_the_timeline(irpd: Any, build: Any) -> None:
    house = await build(more=AUDIENCES)
    await house.alert()
    shown = await irpd(
        "incident", "update", "1", "--to", "team", "--progress", "failed over", "--preview", "--as", "chi"
    )
    assert shown.status == 0, shown.err
    lines = shown.out.splitlines()
    assert lines[0] == "team by local, at once"
    assert "told last 03:06" in lines[1]
    assert "  | [INCIDENT #1] - HIGH Incident Update" in lines
    assert "  | Progress: failed over" in lines
    assert all(len(line) <= 80 for line in lines)
    for arguments, status, answer in (
        (("update", "1", "--progress", "failed over"), 0, "Told team. A draft waits for approval: customers"),
        (("approve", "1", "customers"), 0, "Sent to customers."),
        (("withdraw", "1", "customers"), 1, "irpd: #1 has no draft to 'customers'; drafts wait for: none"),
    ):
        done = await irpd("incident", *arguments, "--as", "chi")
        assert (done.status, (done.out + done.err)[: len(answer)]) == (status, answer)
    assert (await irpd("incident", "drafts", "1")).out == "No drafts.\n"
    events = (await irpd("incident", "show", "1", "--events")).out
    assert "Told   team 03:06 (update), customers 03:06 (initial)" in events
    assert "told             customers by local (initial," in events
    assert "draft-approved   customers by Chi Okafor" in events
    pages = (await irpd("page", "list", "--incident", "1")).out
    assert "to customers" in pages
