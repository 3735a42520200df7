"""Whether every secret is where the files say. What it holds is never in a message."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel

from irpd.check.material import Material
from irpd.config.problem import Problem
from irpd.config.secret import Secret
from irpd.config.values import Configuration
from irpd.config.yaml import Where


def secrets(material: Material, configuration: Configuration) -> Iterator[Problem]:
    """Errors for those that can't be had, warnings for files that everybody may read."""
    for path, secret in places_of_secrets(configuration):
        try:
            value = secret.reveal()
        except LookupError as error:
            yield material.merged.problem(path, str(error.args[0]))
            continue
        if not value.isprintable():
            yield material.merged.problem(
                path, f"{secret.place}: a secret is one line without control characters"
            )
        if secret.file is not None and _open_to_all(Path(secret.file)):
            message = f"{secret.file} may be read by everybody; chmod 600 it"
            yield material.merged.problem(path, message, severity="warning")


def places_of_secrets(value: object, path: Where = ()) -> Iterator[tuple[Where, Secret]]:
    """Every secret in a typed value, with the path at which it stands in the files."""
    if isinstance(value, Secret):
        yield path, value
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from places_of_secrets(getattr(value, name), (*path, field.alias or name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from places_of_secrets(item, (*path, key))
    elif isinstance(value, tuple):
        for n, item in enumerate(value):
            yield from places_of_secrets(item, (*path, n))


def _open_to_all(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
