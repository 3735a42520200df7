from pathlib import Path

import pytest

from irpd.config.secret import Secret


def test_a_secret_is_read_from_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_bytes(b"  s3cret \r\n")
    monkeypatch.setenv("TOKEN", "from-env")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert Secret(env="TOKEN").reveal() == "from-env"
    assert Secret(file=str(tmp_path / "token")).reveal() == "  s3cret "
    assert Secret(credential="token").reveal() == "  s3cret "


def test_what_is_missing_is_said_and_never_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOKEN", raising=False)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfehunter2")
    (tmp_path / "large").write_text("hunter2" * 20_000)
    cases = {
        Secret(env="TOKEN"): "environment variable TOKEN is not set",
        Secret(credential="smtp"): "CREDENTIALS_DIRECTORY is not set",
        Secret(file=str(tmp_path / "none")): "no such file",
        Secret(file=str(tmp_path)): "not a file",
        Secret(file=str(tmp_path / "empty")): "empty",
        Secret(file=str(tmp_path / "binary")): "not UTF-8",
        Secret(file=str(tmp_path / "large")): "larger than 64 KiB",
        Secret(file="a\0b"): "not a path",
    }
    for secret, says in cases.items():
        with pytest.raises(LookupError, match=says) as caught:
            secret.reveal()
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "value", [{}, {"env": "A", "file": "B"}, {"env": ""}, {"credential": "../x"}, {"vault": "x"}]
)
def test_a_secret_is_in_exactly_one_place(value: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Secret.model_validate(value)
