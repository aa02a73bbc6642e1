#!/bin/sh
# Installs the named Debian packages that are missing; says nothing when none is.
installed=" $(dpkg-query -W -f='${db:Status-Status}=${Package} ' "$@" 2>/dev/null)"
missing=
for package in "$@"; do
    case $installed in
    *" installed=$package "*) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -z "$missing" ] && exit 0

sudo=
[ "$(id -u)" -eq 0 ] || sudo=sudo
if ! command -v apt-get >/dev/null || ! command -v ${sudo:-true} >/dev/null; then
    echo "these packages are needed, and installing them is up to you here:$missing" >&2
    exit 1
fi
echo "installing:$missing"
$sudo apt-get update -qq || echo "no fresh lists of packages; the old ones have to do" >&2
$sudo env DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes \
    apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 $missing </dev/null >/dev/null
