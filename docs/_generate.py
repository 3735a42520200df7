"""Writes ``docs/reference/`` from the code: what a page says there can't lag behind it.

``script/docs`` calls this. With ``--check`` nothing is written: a page that differs from what the code
says now is shown as a diff, and the exit status is 1.
"""

import argparse
import difflib
import sys
from collections.abc import Callable
from pathlib import Path

from irpd.__main__ import group
from irpd.cli.reference import commands_reference
from irpd.config.reference import reference as configuration_reference
from irpd.protocol.reference import stages_reference
from irpd.triage.reference import rules_reference
from irpd.web.reference import api_reference, metrics_reference

REFERENCE = Path(__file__).parent / "reference"
PAGES: dict[str, Callable[[], str]] = {
    "api.md": api_reference,
    "commands.md": lambda: commands_reference(group),
    "configuration.md": configuration_reference,
    "metrics.md": metrics_reference,
    "rules.md": rules_reference,
    "stages.md": stages_reference,
}
_NOTE = "<!-- Written by script/docs from the code. Change it there. -->"


def page(name: str) -> str:
    """The text that the file of this name should have, ending in one newline."""
    title, _, rest = PAGES[name]().partition("\n")
    return f"{title}\n\n{_NOTE}\n{rest}".rstrip() + "\n"


def differences(folder: Path) -> list[str]:
    """For each page in ``folder`` that isn't what the code says, the diff that would mend it."""
    found = []
    for name in sorted(PAGES):
        path, new = folder / name, page(name)
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        if old != new:
            diff = difflib.unified_diff(
                old.splitlines(), new.splitlines(), f"{path}", f"{name}, as the code says", lineterm="", n=1
            )
            found.append("\n".join(diff))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/docs", description="Write docs/reference/ from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is stale")
    if parser.parse_args().check:
        stale = differences(REFERENCE)
        if stale:
            stale.append(f"{len(stale)} stale; write anew with: script/docs")
            sys.stderr.write("\n".join(stale) + "\n")
        return 1 if stale else 0
    REFERENCE.mkdir(exist_ok=True)
    for name in sorted(PAGES):
        (REFERENCE / name).write_text(page(name), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
