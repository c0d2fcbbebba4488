"""Build the image and try it as it is meant to run: read-only, as its own user.

For a machine without Docker: root on Debian, with buildah (``apt-get install buildah``). With
``--debian`` (and debootstrap) the base is made anew, from where this machine gets its own packages.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parent.parent
NAME = "gatehouse-tried"
BASE = "localhost/gatehouse-base"
START_SECONDS = 60
PACKAGES = "python3,python3-pip,python3-venv,ca-certificates"
HANDED_ON = (
    *("/etc/apt/sources.list", "/etc/apt/sources.list.d", "/etc/apt/apt.conf.d", "/etc/pip.conf"),
    *("/etc/hosts", "/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt"),
)
"""By what this machine reaches Debian and Python's packages."""
RUN = """
mount --bind {root} /mnt && mount -o remount,ro,bind /mnt && mount --bind {data} /mnt/data
mount -t tmpfs tmpfs /mnt/tmp && mount -t proc proc /mnt/proc && mount --bind /dev /mnt/dev
cd / && exec chroot --userspec={user} /mnt env -i {env} "$@"
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", help="The image to build upon, in place of the Dockerfile's.")
    parser.add_argument("--debian", action="store_true", help="Make the base of this machine's.")
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="gatehouse-image-") as folder:
        base = make_base(Path(folder) / "base") if asked.debian else asked.base
        said = ("--build-arg", f"BASE={base}") if base else ()
        buildah("bud", "--format", "docker", "--network", "host", *said, "-t", NAME, str(ROOT))
        container = buildah("from", NAME)
        try:
            return tried(buildah("mount", container), Path(folder) / "data")
        finally:
            buildah("rm", container)


def buildah(*arguments: str) -> str:
    """Run it, and return the last line that it printed."""
    print("buildah", *arguments, flush=True)
    env = os.environ | {"BUILDAH_ISOLATION": "chroot"}
    done = subprocess.run(
        ["buildah", *arguments], env=env, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.strip().rpartition("\n")[2]


def make_base(folder: Path) -> str:
    """Make an image of Debian with Python, as ``python`` in the path."""
    print("debootstrap", flush=True)
    suite = next(
        line.partition("=")[2].strip()
        for line in Path("/etc/os-release").read_text().splitlines()
        if line.startswith("VERSION_CODENAME=")
    )
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", suite, str(folder)]
    subprocess.run([*command, *mirrors()], check=True, stdout=subprocess.DEVNULL)
    (folder / "etc/apt/sources.list").unlink(missing_ok=True)
    for each in map(Path, HANDED_ON):
        there = folder / each.relative_to("/")
        if each.is_dir():
            shutil.copytree(each, there, dirs_exist_ok=True)
        elif each.exists():
            shutil.copy(each, there)
    (folder / "usr/bin/python").symlink_to("python3")
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, f"{folder}/", "/")
    buildah("commit", "--quiet", "--rm", container, BASE)
    return BASE


def mirrors() -> list[str]:
    """Return where this machine gets Debian from, if its sources say so in the usual form."""
    for each in Path("/etc/apt/sources.list.d").glob("debian.sources"):
        for line in each.read_text().splitlines():
            if line.startswith("URIs:"):
                return line.split()[1:2]
    return []


def tried(root: str, data: Path) -> int:
    """Start it, ask its health, back it up and stop it; return its exit code."""
    image: dict[str, Any] = json.loads(inspected())["Docker"]["config"]
    data.mkdir()
    data.chmod(0o700)
    os.chown(data, *map(int, image["User"].split(":")))
    script = RUN.format(root=root, data=data, user=image["User"], env=shlex.join(image["Env"]))
    start = ["unshare", "--mount", "sh", "-ec", script, "-"]
    server = subprocess.Popen([*start, *image["Entrypoint"], *image["Cmd"]])
    try:
        wait_for([*start, *image["Healthcheck"]["Test"][1:]], server)
        subprocess.run([*start, *image["Entrypoint"], "backup", "/data/backup"], check=True)
    finally:
        server.send_signal(signal.Signals[image["StopSignal"]])
        try:
            code = server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            raise
    print(f"It was healthy, made a backup, and stopped with {code}.")
    return code


def inspected() -> str:
    command = ["buildah", "inspect", "--type", "image", NAME]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def wait_for(check: list[str], server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while subprocess.run(check, stderr=subprocess.DEVNULL).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            sys.exit("It does not answer.")
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
