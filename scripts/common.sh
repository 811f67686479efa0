# shellcheck shell=bash
# common.sh - what quickstart and run-tests share: saying, and finding or installing what is
# needed. Sourced; sets $me (the name that messages begin with) unless it is set.

me=${me:-$(basename "$0")}

note() { printf '%s: %s\n' "$me" "$*"; }
complain() { printf '%s: %s\n' "$me" "$*" >&2; }
die() {
	complain "$@"
	exit 1
}

is_root() { [ "$(id -u)" = 0 ]; }

# The newest PostgreSQL's programs, or nothing.
find_pg_bin() {
	local dir
	for dir in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -t/ -k5 -n -r) \
		"$(pg_config --bindir 2>/dev/null)"; do
		if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ]; then
			printf '%s\n' "$dir"
			return 0
		fi
	done
	return 1
}

# The python3 that the system's packages belong to, not one that shadows it in PATH.
find_python() {
	if [ -x /usr/bin/python3 ]; then echo /usr/bin/python3; else command -v python3; fi
}

# Is it here?  cmd:PROGRAM  pc:PKG_CONFIG_MODULE  py:PYTHON_MODULE  file:PATH  pg:server
have() {
	local what=${1#*:} python
	case $1 in
	cmd:*) command -v "$what" >/dev/null ;;
	pc:*) command -v pkg-config >/dev/null && pkg-config --exists "$what" ;;
	py:*) python=$(find_python) && "$python" -c "import $what" >/dev/null 2>&1 ;;
	file:*) [ -e "$what" ] ;;
	pg:*) find_pg_bin >/dev/null ;;
	*) die "have: what is $1?" ;;
	esac
}

# need WHAT PACKAGE ...: remembers the Debian packages of what is not here.
missing=()
need() {
	while [ $# -ge 2 ]; do
		if ! have "$1"; then
			case " ${missing[*]} " in *" $2 "*) ;; *) missing+=("$2") ;; esac
		fi
		shift 2
	done
}

need_to_build() {
	need cmd:gcc build-essential cmd:make build-essential file:/usr/include/stdio.h build-essential \
		cmd:autoreconf autoconf cmd:automake automake cmd:pkg-config pkg-config \
		pc:libevent_core libevent-dev pc:libevent_pthreads libevent-dev \
		pc:libpq libpq-dev pc:openssl libssl-dev pc:inih libinih-dev \
		pc:libxxhash libxxhash-dev pc:libidn libidn-dev pc:libsystemd libsystemd-dev \
		file:/usr/include/security/pam_appl.h libpam0g-dev file:/usr/include/ldap.h libldap-dev
}

need_postgres() {
	need pg:server postgresql cmd:psql postgresql-client
}

as_root() {
	if is_root; then "$@"; else sudo "$@"; fi
}

# Installs what need() found missing, or says what to install and fails.
install_missing() {
	[ ${#missing[@]} -gt 0 ] || return 0
	if ! command -v apt-get >/dev/null; then
		complain "missing here: ${missing[*]} (these are Debian's names; there is no apt-get here)"
		return 1
	fi
	if ! is_root && ! { command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; }; then
		complain "missing here: ${missing[*]}"
		complain "neither root nor able to become root; install them: apt-get install ${missing[*]}"
		return 1
	fi
	note "installing Debian packages: ${missing[*]}"
	local log
	log=$(mktemp) || return 1
	if ! as_root apt-get -q -o Acquire::Retries=3 update >"$log" 2>&1; then
		complain "apt-get update failed; trying to install all the same:"
		tail -n 5 "$log" >&2
	fi
	if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 \
		install --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		complain "apt-get install ${missing[*]} failed (all of it: $log)"
		return 1
	fi
	rm -f "$log"
	missing=()
}

# configure_in SOURCES DIR LOG [options]: configures DIR, unless it is so already.
configure_in() {
	local top=$1 dir=$2 log=$3
	shift 3
	if [ -e "$top/config.status" ]; then
		complain "$top is configured in place; a build beside it needs \"make distclean\" there first"
		return 1
	fi
	mkdir -p "$dir" || return 1
	if [ ! -e "$top/configure" ] || [ "$top/configure.ac" -nt "$top/configure" ] ||
		[ ! -e "$top/Makefile.in" ]; then
		if ! (cd "$top" && autoreconf -i) >"$log" 2>&1; then
			tail -n 20 "$log" >&2
			complain "autoreconf -i failed in $top (all of it: $log)"
			return 1
		fi
	fi
	if [ -e "$dir/Makefile" ] && [ "$(cat "$dir/.configured-with" 2>/dev/null)" = "$*" ]; then
		return 0
	fi
	if ! (cd "$dir" && "$top/configure" "$@") >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		complain "configure failed in $dir (all of it: $log and $dir/config.log)"
		return 1
	fi
	printf '%s\n' "$*" >"$dir/.configured-with"
}
