"""Secrets are never written in the files: a file says where they are."""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

_LONGEST = 64 * 1024


class Secret(BaseModel):
    """Where a secret is: ``{env: NAME}``, ``{file: PATH}`` or ``{credential: NAME}``
    (a file in systemd's ``$CREDENTIALS_DIRECTORY``). Exactly one."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    env: str | None = Field(None, min_length=1, description="Name of an environment variable that holds it.")
    file: str | None = Field(
        None, min_length=1, description="Path of a file that holds it, relative to this file."
    )
    credential: str | None = Field(
        None,
        pattern=r"^[^/]+$",
        description="Name of a credential that systemd hands over (LoadCredential).",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> "Secret":
        if sum(x is not None for x in (self.env, self.file, self.credential)) != 1:
            raise ValueError("a secret is exactly one of {env: NAME}, {file: PATH} or {credential: NAME}")
        return self

    @property
    def place(self) -> str:
        """Where it is, for people: ``env HELPDESK_TOKEN``. Never what it holds."""
        kind = "env" if self.env is not None else "file" if self.file is not None else "credential"
        return f"{kind} {self.env or self.file or self.credential}"

    def reveal(self) -> str:
        """The secret itself, without the newline that ends a file.

        Raises LookupError that says what is missing, never what it holds."""
        if self.env is not None:
            value = os.environ.get(self.env)
            if not value:
                raise LookupError(f"environment variable {self.env} is not set")
            return value
        if self.credential is not None:
            folder = os.environ.get("CREDENTIALS_DIRECTORY")
            if not folder:
                raise LookupError(f"credential {self.credential}: $CREDENTIALS_DIRECTORY is not set")
            return _read(Path(folder) / self.credential)
        return _read(Path(self.file or ""))


def _read(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise LookupError(f"{path} is not a file")
        with path.open("rb") as stream:
            data = stream.read(_LONGEST + 1)
    except FileNotFoundError:
        raise LookupError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise LookupError(f"{path}: {getattr(error, 'strerror', None) or 'not a path'}") from None
    if len(data) > _LONGEST:
        raise LookupError(f"{path} is larger than {_LONGEST // 1024} KiB")
    try:
        value = data.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise LookupError(f"{path} is not UTF-8 text") from None
    if not value:
        raise LookupError(f"{path} is empty")
    return value
