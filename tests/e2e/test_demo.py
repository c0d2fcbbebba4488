"""``gatehouse demo`` tells its story to the end, and then leaves the console open."""

import re
import signal
import subprocess

import requests

from tests.cli.test_serve import GATEHOUSE, environment, free_port


def test_the_demo_walks_from_a_push_to_a_login_and_out(tmp_path):
    port = free_port()
    process = subprocess.Popen(
        [GATEHOUSE, "demo", "--port", str(port)],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=_let_ctrl_c_end_it,
    )
    try:
        told = ""
        for line in process.stdout:
            told += line
            if "Ctrl-C" in line:
                break
        link = re.search(r"^ +(http://\S+/sign-in/link/\S+)$", told, re.MULTILINE)[1]
        page = requests.get(link, timeout=10)
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
    assert page.status_code == 200
    assert process.returncode == 0, rest
    for outcome in (
        "POST /scim/v2/Users  ->  201  Cleo Laine",
        "->  200  Designers: Ada Lovelace, Ben Okri",
        "POST /saml/…/acs  ->  303",
        "GET /api/session  ->  200  it is Ada Lovelace",
        "/Brand/Logos: editor on the folder above, through the group Designers",
        "/Finance: No grant gives folder.view here.",
        "active is false",
        "GET /api/session  ->  401  the session is dead",
    ):
        assert outcome in told
    assert "Warning" not in told and "Traceback" not in told + rest


def _let_ctrl_c_end_it() -> None:
    """As in a terminal: what a shell starts in the background ignores it, and so did the tests."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
