#!/bin/sh
# Resolve the lock files from pyproject.toml, for every platform, with hashes.
set -eu
cd "$(dirname "$0")/.."
compile() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links "$@"
}
# pip is not locked: what audits the dependencies asks for one, and each .venv has one, which must
# not replace itself while it installs.
# The build backend is locked too: the install builds without fetching anything of its own.
echo 'setuptools>=80' | compile pyproject.toml - -o requirements.lock
echo 'setuptools>=80' | compile --extra test --no-emit-package pip pyproject.toml - -c requirements.lock -o requirements-test.lock
# What feeds the fuzzers is large and not for every platform: `make fuzz` alone installs it.
echo "atheris>=3.0,<3.1 ; sys_platform == 'linux' and platform_machine == 'x86_64'" |
    compile - -o requirements-fuzz.lock
