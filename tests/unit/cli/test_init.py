"""A configuration to begin with, from a clone and from a wheel."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


async def test_what_init_writes_is_good_and_runs_as_it_is(irpd: Any, tmp_path: Path) -> None:
    done = await irpd("init", "here")
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines()[-2:] == ["  irpd check --config here", "  irpd serve --config here"]
    assert (await irpd("check", "--strict", "--config", "here")).status == 0
    assert (await irpd("rules", "test", "--config", "here")).status == 0
    text = (tmp_path / "here/irpd.yaml").read_text()
    assert "irpd check --config here" in text
    assert "../" not in text
    shipped = {file.name: file.read_bytes() for file in (ROOT / "rules").glob("*.yaml")}
    assert {file.name: file.read_bytes() for file in (tmp_path / "here/rules").iterdir()} == shipped


async def test_init_writes_over_nothing_and_then_writes_nothing(irpd: Any, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/protocol.yaml").write_text("mine")
    done = await irpd("init")
    assert (done.status, done.out) == (4, "")
    assert done.err == "irpd: rules/protocol.yaml: there already; nothing was written\n"
    assert sorted(os.listdir(tmp_path)) == ["rules"]
    assert os.listdir(tmp_path / "rules") == ["protocol.yaml"]


async def test_init_says_where_it_may_not_write(irpd: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = await irpd("init", "file/in/it", "--json")
    assert done.status == 4
    assert "Not a directory" in json.loads(done.out)["detail"]


def test_a_wheel_carries_the_same_files(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = {
            name.removeprefix("irpd/starter/"): archive.read(name)
            for name in archive.namelist()
            if name.startswith("irpd/starter/")
        }
    shipped = {
        str(file.relative_to(ROOT)): file.read_bytes()
        for folder in ("config", "rules")
        for file in (ROOT / folder).iterdir()
    }
    assert inside == shipped
