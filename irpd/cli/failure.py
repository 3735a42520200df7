"""How a command fails: one line to the person, an object for ``| jq``, the right exit status."""

import json as json_module
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

NO = 1  # the answer is no: a check failed, not found
USAGE = 2
UNREACHABLE = 3
REFUSED = 4


class Failed(Exception):
    """``raw`` is what the API answered, passed on as it is; else an object is made of the text."""

    def __init__(
        self, text: str, *, exit_code: int, code: str = "", status: int | None = None, raw: bytes = b""
    ) -> None:
        super().__init__(text)
        self.text = text
        self.exit_code = exit_code
        self.code = (
            code or {NO: "no", USAGE: "usage", UNREACHABLE: "unreachable", REFUSED: "refused"}[exit_code]
        )
        self.status = status
        self.raw = raw

    def tell(self, *, json: bool) -> None:
        if self.text:
            click.echo(f"irpd: {self.text}", err=True)
        if not json:
            return
        if self.raw:
            sys.stdout.flush()
            sys.stdout.buffer.write(self.raw)
        else:
            click.echo(dump(problem(self.code, self.text, status=self.status)), nl=False)


@contextmanager
def or_from_files() -> Iterator[None]:
    """Where no daemon can be had, says that the files alone answer, too."""
    try:
        yield
    except Failed as error:
        if error.exit_code == UNREACHABLE:
            error.text += "\nWith --files the files alone answer: what they say, without overrides."
        raise


def problem(code: str, detail: str, *, status: int | None = None) -> dict[str, Any]:
    """Problem details as the API has them; ``status`` is null where no HTTP was involved."""
    return {
        "type": f"urn:irpd:problem:{code}",
        "title": code.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
        "errors": [],
    }


def usage_problem(text: str) -> None:
    click.echo(dump(problem("usage", text)), nl=False)


def dump(value: Mapping[str, Any]) -> str:
    """One line of JSON, as the API writes it."""
    return json_module.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
