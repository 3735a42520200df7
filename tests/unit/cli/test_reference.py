"""The reference of commands names every command."""

from typing import Any

from irpd.cli.reference import commands_reference


def test_every_command_of_the_command_line_is_in_the_reference(commands: Any) -> None:
    text = commands_reference(commands)
    for command in (
        "serve",
        "ack",
        "incident show",
        "rules explain",
        "audit verify",
        "restore",
        "unreadable replay",
    ):
        assert f"## irpd {command}\n" in text
    assert all(
        len(line) <= 80
        for block in text.split("```text")[1:]
        for line in block.partition("```")[0].splitlines()
    )
