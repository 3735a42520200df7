"""``irpd init``: a configuration to begin with, and the rules that ship.

They are the files of ``config/`` and ``rules/``: a wheel carries them as ``irpd/starter``, a clone has them
beside the package.
"""

import os
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from irpd.cli.failure import REFUSED, Failed, dump
from irpd.cli.incident import example
from irpd.cli.options import json_option
from irpd.cli.terminal import echo


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False))
@json_option
@example("irpd init ./irpd")
def init(folder: str, json: bool) -> None:
    """Write a configuration to begin with into DIR (else here), and the rules that ship.

    It runs as it is: no account, no secret; pages appear in the terminal and in a file. Nothing that is
    there already is written over.
    """
    place = Path(folder)
    contents = dict(starter(folder))
    there = [name for name in contents if os.path.lexists(place / name)]
    if there:
        named = ", ".join(str(place / name) for name in there[:3])
        more = f" and {len(there) - 3} more" if len(there) > 3 else ""
        raise Failed(
            f"{named}{more}: there already; nothing was written",
            exit_code=REFUSED,
            code="exists",
        )
    written: list[str] = []
    try:
        for name, content in contents.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            with (place / name).open("xb") as file:
                written.append(str(place / name))
                file.write(content)
    except OSError as error:
        left = f" ({', '.join(written)} may be left)" if written else ""
        raise Failed(f"{error.filename or place}: {error.strerror}{left}", exit_code=REFUSED) from None
    if json:
        click.echo(dump({"schema": "irpd.init/1", "files": written}), nl=False)
        return
    echo(
        [
            f"Written: {place / 'irpd.yaml'}, {place / 'rules'} and {place / 'first-alert.json'}",
            "Next:",
            f"  irpd check --config {folder}",
            f"  irpd serve --config {folder}",
        ]
    )


def starter(folder: str) -> Iterator[tuple[str, bytes]]:
    """The files by where they belong in ``folder``."""
    source = files("irpd").joinpath("starter")
    if not source.is_dir():
        source = Path(str(files("irpd"))).parent
    for file in _sorted(source.joinpath("config")):
        content = file.read_bytes()
        if file.name == "irpd.yaml":  # beside its rules now, and no longer in a clone
            content = content.replace(b"[../rules/", b"[rules/")
            content = content.replace(b"--config config/", b"--config " + os.fsencode(folder))
        yield file.name, content
    for file in _sorted(source.joinpath("rules")):
        yield f"rules/{file.name}", file.read_bytes()


def _sorted(folder: Traversable) -> list[Traversable]:
    return sorted(
        (file for file in folder.iterdir() if file.is_file() and not file.name.startswith(".")),
        key=lambda file: file.name,
    )
