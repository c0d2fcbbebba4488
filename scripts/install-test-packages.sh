#!/bin/sh
# Install what the end-to-end tests need and Python packages can't give: a browser, an identity
# provider, a database server with its pooler, what makes another one lead, and the proxies before
# them; a clock to be set; curl; and xmlsec1, the program that pysaml2 is measured with. As root on
# Debian it installs them; elsewhere it says what is missing, and the tests that need it are skipped.
# Quick when all is there.
set -eu

packages='chromium simplesamlphp php-cli php-xml php-mbstring postgresql pgbouncer xmlsec1 nginx
patroni python3-etcd etcd-server haproxy faketime curl'

# Not only Debian itself has dpkg, but only Debian is known to have these packages.
if ! grep -qs '^ID=debian$' /etc/os-release; then
    echo "Not Debian. For every end-to-end test, install what Debian calls: $packages"
    exit 0
fi

missing=''
for package in $packages; do
    state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "For every end-to-end test, run as root: apt-get install --no-install-recommends$missing"
    exit 0
fi

# The tests start servers of their own, so the packages' services need not start: a policy that
# forbids it (101) holds while they are installed, unless the machine has a policy already.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

echo "Installing for the end-to-end tests:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086  # a list of words
apt-get install -q -y --no-install-recommends $missing
