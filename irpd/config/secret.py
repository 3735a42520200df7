"""Secrets are never written in the files: a file says where they are."""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, model_validator


class Secret(BaseModel):
    """Where a secret is: ``{env: NAME}``, ``{file: PATH}`` or ``{credential: NAME}``
    (a file in systemd's ``$CREDENTIALS_DIRECTORY``). Exactly one."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    env: str | None = None
    file: str | None = None
    credential: str | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "Secret":
        if sum(x is not None for x in (self.env, self.file, self.credential)) != 1:
            raise ValueError("a secret is exactly one of {env: NAME}, {file: PATH} or {credential: NAME}")
        return self

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
            path = Path(folder) / self.credential
        else:
            path = Path(self.file or "")
        try:
            value = path.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise LookupError(f"{path}: {error.strerror}") from None
        if not value:
            raise LookupError(f"{path} is empty")
        return value
