"""Feed the targets with inputs that reach code not reached before (needs Linux on x86-64).

    python -m tests.fuzz.run SECONDS [TARGET …]

What reaches more is added to tests/fuzz/corpus, and what does harm as ``crash-…``, ``timeout-…`` or
``oom-…``; the tests feed all of it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

LONGEST = 16_384
"""Bytes of an input."""
LIMITS = ("-timeout=5", "-rss_limit_mb=2048", f"-max_len={LONGEST}", "-print_final_stats=1")
PACKAGES = ["app", "saml", "scim", "scim2_models", "scim2_server"]


def fuzz(name: str, seconds: int, corpus: Path) -> int:
    """Feed one target for so long, and keep what is new. Returns 0 unless it crashed."""
    with TemporaryDirectory(prefix="gatehouse-fuzz-") as found, TemporaryDirectory() as few:
        times = f"-max_total_time={seconds}"
        crashes = f"-artifact_prefix={corpus}/"
        code = _feed(name, *LIMITS, times, crashes, found, str(corpus))
        _feed(name, "-merge=1", *LIMITS, few, str(corpus), found)
        known = {each.read_bytes() for each in corpus.iterdir()}
        new = [each for each in Path(few).iterdir() if each.read_bytes() not in known]
        for each in new:
            (corpus / each.name).write_bytes(each.read_bytes())
    print(f"{name}: {len(new)} inputs added, {'a crash' if code else 'no crash'}")
    return code


def _feed(name: str, *options: str) -> int:
    command = [sys.executable, "-m", "tests.fuzz.run", "--feed", name, *options]
    return subprocess.run(command, check=False).returncode


def _run_libfuzzer(name: str, options: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=PACKAGES):
        from tests.fuzz.targets import TARGETS
    itself = f"{sys.executable} -m tests.fuzz.run --feed {name}"  # for the children of a merge
    atheris.Setup([itself, *options], TARGETS[name])
    atheris.Fuzz()


def main(arguments: list[str]) -> int:
    if arguments[0] == "--feed":
        _run_libfuzzer(arguments[1], arguments[2:])
    corpus = Path(__file__).parent / "corpus"
    names = arguments[1:] or sorted(each.name for each in corpus.iterdir())
    return max(fuzz(name, int(arguments[0]), corpus / name) for name in names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
