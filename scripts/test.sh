#!/bin/sh
# Every check and every test, stopping at the first that fails. `make test` runs it once .venv is
# set up. Arguments go to pytest: scripts/test.sh -k replay
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
unset PYTHONDONTWRITEBYTECODE  # The tests start dozens of servers: what they load is compiled once.

scripts/install-test-packages.sh
ruff check .
ruff format --check .
mypy
lint-imports
exec pytest -n 2 --dist worksteal "$@"
