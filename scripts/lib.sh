# shellcheck shell=bash
# What the scripts share. Sourced, never run.

# The top of the source tree.
PGO_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

need_root() {
	[ "$(id -u)" -eq 0 ] || die "must run as root: $1"
}

# Packages of a group ("build", "test" or both) from the table.
packages() {
	awk -v groups=" $* " '/^[^#]/ && index(groups, " " $1 " ") { print $2 }' "$PGO_TOP/scripts/packages"
}

# Is compose at this path version 2 or newer? Version 1 has no `version --short` that begins with a 2.
is_compose_v2() {
	[ -x "$1" ] && [[ "$("$1" version --short 2>/dev/null)" =~ ^v?([2-9]|[1-9][0-9]+)\. ]]
}

# Prints the path of docker compose v2 that every account can run: the plugin, or a standalone docker-compose. Fails without one.
find_compose() {
	local candidate
	for candidate in ${PGO_COMPOSE:+"$PGO_COMPOSE"} \
		/usr/local/lib/docker/cli-plugins/docker-compose /usr/local/libexec/docker/cli-plugins/docker-compose \
		/usr/lib/docker/cli-plugins/docker-compose /usr/libexec/docker/cli-plugins/docker-compose \
		/usr/local/bin/docker-compose /usr/bin/docker-compose; do
		if is_compose_v2 "$candidate"; then
			printf '%s\n' "$candidate"
			return 0
		fi
	done
	return 1
}

# Does an engine answer on this unix socket? Bounded: a dead engine must not hang a script.
engine_answers() {
	[ -S "$1" ] && [ "$(curl --silent --max-time 5 --unix-socket "$1" http://engine/_ping 2>/dev/null)" = OK ]
}

# For how many seconds, since the machine started, somebody has waited for a processor; 0 where the kernel does not tell.
busy_seconds() {
	local line=
	{ read -r line </proc/pressure/cpu; } 2>/dev/null || true
	line=${line##*total=}
	echo $((${line:-0} / 1000000))
}

# wait_until SECONDS COMMAND...: runs the command every 50 ms until it succeeds or the time is over. Of the time in which somebody waits for a
# processor a fifth counts.
wait_until() {
	local seconds=$1 began=$SECONDS busy
	busy=$(busy_seconds)
	shift
	until "$@"; do
		if [ $((SECONDS - began)) -ge "$seconds" ]; then
			[ $((SECONDS - began - ($(busy_seconds) - busy) * 4 / 5)) -lt "$seconds" ] || return 1
		fi
		sleep 0.05
	done
}
