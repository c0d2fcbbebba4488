"""Ask OSV (osv.dev) whether a locked dependency has a known vulnerability: ``make audit``.

Ends in 1 when one has. Where nobody can be asked it says so, and ends in 0: a machine without a way
out must not fail for that. It fetches and installs nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import requests
from pip_audit._audit import Auditor
from pip_audit._dependency_source import RequirementSource
from pip_audit._service import OsvService
from pip_audit._service.interface import ServiceError

LOCK = Path(__file__).parent.parent / "requirements.lock"
TIMEOUT = 20
"""How long one question may take, in seconds."""


def main(lock: Path = LOCK) -> int:
    """Print what is known of each dependency of a lock file; return the exit code."""
    source = RequirementSource([lock], require_hashes=True, disable_pip=True)
    asked = vulnerable = 0
    try:
        for dependency, found in Auditor(OsvService(timeout=TIMEOUT)).audit(source):
            asked += 1
            vulnerable += bool(found)
            for each in found:
                mended = ", ".join(map(str, each.fix_versions)) or "no version yet"
                known_as = ", ".join(sorted(each.aliases))
                print(f"{dependency}: {each.id} ({known_as}); mended in {mended}")
    except (ServiceError, requests.RequestException) as error:
        print(f"OSV cannot be asked ({type(error).__name__}): {asked} dependencies were audited.")
        return 1 if vulnerable else 0
    print(f"{asked} dependencies audited, {vulnerable} with known vulnerabilities.")
    return 1 if vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())
