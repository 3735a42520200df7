"""systemd as process 1 of a small machine: name spaces of its own, our unit, and nothing else.

The root file system is this machine's, with empty folders over what a service writes. The Python, its
packages and the clone are shown under ``/run/house``, where a user made up for the service may read them.
It has no journald: what the service says goes to a file.
"""

import os
import shutil
import site
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

SYSTEMD = Path("/lib/systemd/systemd")
HOUSE = Path("/run/house")
SPACES = ("--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc")

#: $1 the folder of this machine's files, $2 the Python, $3 its packages, $4 the clone. Twice into a control
#: group space: the first to make a group, the second for its root to be that group.
BOOT = """
set -eu
mount --make-rprivate /
mkdir -p "$1/groups" && mount -t cgroup2 cgroup2 "$1/groups"
mkdir -p "$1/groups/irpd-$5" && echo $$ > "$1/groups/irpd-$5/cgroup.procs"
exec unshare --mount --cgroup bash -euc '
umount "$1/groups"
mount -t proc proc /proc
mount -t tmpfs -o mode=755 house /run
mkdir -p /run/house/python /run/house/site /run/house/clone
mount --bind "$2" /run/house/python
mount --bind "$3" /run/house/site
mount --bind "$4" /run/house/clone
cp -a "$1/units" "$1/etc" /run/house/
mount -t tmpfs -o mode=755 state /var/lib
mount -t cgroup2 cgroup2 /sys/fs/cgroup
[ ! -e /dev/console ] || mount --bind /dev/null /dev/console
mount --make-rshared /
exec env -i container=house PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_UNIT_PATH=/run/house/units \
    "$6" --system --unit=basic.target --log-target=null
' - "$@"
"""
STUBS = ("basic", "sysinit", "shutdown", "network-online", "time-sync", "multi-user")
#: Where the Python finds its packages, and its own library if it has one.
ENVIRONMENT = (f"PYTHONPATH={HOUSE}/clone:{HOUSE}/site", f"LD_LIBRARY_PATH={HOUSE}/python/lib")
DROP_IN = f"""\
[Service]
ExecStart=
ExecStart={HOUSE}/python/bin/{{python}} -m irpd serve --config {HOUSE}/etc
ExecReload=
ExecReload={HOUSE}/python/bin/{{python}} -m irpd reload --wait
Environment={" ".join(ENVIRONMENT)} PYTHONDONTWRITEBYTECODE=1
StandardOutput=append:{HOUSE}/log
StandardError=append:{HOUSE}/log
"""


def possible() -> str:
    """Why no such machine can be made here; empty when one can."""
    if os.geteuid() != 0:
        return "only root can start systemd"
    if not SYSTEMD.exists():
        return "systemd isn't installed"
    probe = 'mkdir "$1/groups" && mount -t cgroup2 cgroup2 "$1/groups"'
    with tempfile.TemporaryDirectory(prefix="irpd-machine-") as folder:
        made = subprocess.run(
            ["unshare", *SPACES, "--cgroup", "bash", "-c", probe, "-", folder],
            check=False,
            capture_output=True,
            timeout=30,
        )
    return "" if made.returncode == 0 else f"no name spaces and control groups: {made.stderr.decode()}"


class Machine:
    """``boot`` it, ``run`` commands on it, ``end`` it. ``unit`` gets the drop-ins that this house needs."""

    def __init__(self, folder: Path, clone: Path, unit: Path) -> None:
        self._folder, self._clone = folder, clone
        self._name = folder.name
        self.units, self.etc = folder / "units", folder / "etc"
        self.units.mkdir()
        self.etc.mkdir()
        shutil.copy(unit, self.units)
        for name in STUBS:
            (self.units / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\n")
        drop_ins = self.units / f"{unit.name}.d"
        drop_ins.mkdir()
        self.python = f"python{sys.version_info.major}.{sys.version_info.minor}"
        (drop_ins / "10-house.conf").write_text(DROP_IN.format(python=self.python))

    def boot(self) -> None:
        packages = site.getsitepackages()[0]
        arguments = [str(self._folder), sys.base_prefix, packages, str(self._clone), self._name, str(SYSTEMD)]
        with (self._folder / "boot.log").open("wb") as log:
            self._outer = subprocess.Popen(
                ["unshare", *SPACES, "bash", "-c", BOOT, "-", *arguments],
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self._init = 0
        until, pause = time.monotonic() + 30, threading.Event()
        while time.monotonic() < until and self._outer.poll() is None:
            children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text().split()
            if children:
                self._init = int(children[0])
                if self.run("systemctl", "is-active", "basic.target", ok=False).stdout == "active\n":
                    return
            pause.wait(0.05)
        raise AssertionError(f"systemd did not start: {(self._folder / 'boot.log').read_text()}")

    def run(self, *command: str, ok: bool = True) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            ["nsenter", "-t", str(self._init), "-m", "-p", "-u", "-i", "-C", "--", *command],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert not ok or done.returncode == 0, (command, done.stdout, done.stderr, self.log())
        return done

    @property
    def space(self) -> str:
        """Of its processes."""
        return os.readlink(f"/proc/{self._init}/ns/pid")

    def show(self, name: str) -> str:
        """A property of the unit."""
        return self.run("systemctl", "show", "-p", name, "--value", "irpd").stdout.strip()

    def log(self) -> str:
        file = f"/proc/{self._init}/root{HOUSE}/log"
        return Path(file).read_text() if Path(file).exists() else ""

    def write(self, place: str, text: str) -> None:
        """A file of the running machine."""
        self.run("mkdir", "-p", str(Path(place).parent))
        Path(f"/proc/{self._init}/root{place}").write_text(text)

    def end(self) -> None:
        self._outer.kill()  # and with it process 1, and with that all others
        self._outer.wait()
        groups = self._folder / "groups"
        removal = (
            'mount -t cgroup2 cgroup2 "$1" && for i in $(seq 100); do'
            ' find "$1/$2" -depth -type d -exec rmdir {} + 2>/dev/null && exit; sleep 0.05; done'
        )
        subprocess.run(
            ["unshare", "--mount", "bash", "-c", removal, "-", str(groups), f"irpd-{self._name}"],
            check=False,
            capture_output=True,
            timeout=30,
        )
