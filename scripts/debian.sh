#!/bin/sh
# debian.sh - fetches Debian packages of another architecture without touching the system.
#
#   scripts/debian.sh DIR ARCH PACKAGE...
#
# Downloads each PACKAGE of ARCH, and nothing it depends on, into DIR/debs, and unpacks it below DIR/root.
# apt runs on lists and a cache of its own, below DIR/apt, with the sources that this machine is configured
# for: no root is needed and no foreign architecture is added. A package already unpacked is not fetched again.
# PACKAGE may be `name` or `name=dependency-pattern`: then the package fetched is the first one that `name`
# depends on and that the pattern (a basic regular expression) matches. Kernels hide behind such packages.
set -eu

[ $# -ge 3 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
dir=$1 arch=$2
shift 2
mkdir -p "$dir/apt/lists/partial" "$dir/apt/archives/partial" "$dir/debs" "$dir/root"
dir=$(cd "$dir" && pwd)
: >>"$dir/apt/status"

die() { echo "debian.sh: $*" >&2; exit 1; }

apt() {
	cmd=$1
	shift
	"apt-$cmd" -q -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o APT::Sandbox::User=root \
		-o Dir::State="$dir/apt" -o Dir::State::status="$dir/apt/status" -o Dir::Cache="$dir/apt" \
		-o Acquire::Languages=none -o Debug::NoLocking=1 "$@"
}

update() { # once; a mirror in the middle of an update is no reason to stop, an old list will do
	[ -z "${updated-}" ] || return 0
	updated=yes
	apt get update >"$dir/apt/update.log" 2>&1 || echo "debian.sh: package lists are incomplete (see $dir/apt/update.log)" >&2
}

depends() { # PACKAGE PATTERN: the first dependency that fits
	apt cache show "$1" 2>/dev/null | sed -n 's/^Depends: //p' | tr ',|' '\n\n' |
		sed 's/^ *//; s/[ (].*//' | grep -x -- "$2" | head -n 1
}

for want; do
	stamp=$dir/debs/$(printf %s "$want" | tr -c 'A-Za-z0-9.+\n-' _).stamp
	[ ! -e "$stamp" ] || continue
	update
	case $want in
	*=*) name=$(depends "${want%%=*}" "${want#*=}")
	     [ -n "$name" ] || die "no package behind ${want%%=*} for $arch; is a Debian mirror reachable?" ;;
	*) name=$want ;;
	esac
	(cd "$dir/debs" && apt get download "$name" >"$dir/apt/download.log" 2>&1) ||
		die "cannot download $name for $arch: $(grep -m 1 '^E:' "$dir/apt/download.log" || echo 'no reason given')"
	deb=$(ls -t "$dir/debs/${name}_"*.deb | head -n 1)
	dpkg-deb -x "$deb" "$dir/root" || die "cannot unpack $deb"
	echo "$name" >"$stamp"
	echo "debian.sh: $(basename "$deb")"
done
