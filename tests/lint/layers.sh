#!/bin/sh
# layers.sh - which room may include which, and which library belongs to which room.
#
# Every #include of a .c, .h or .def under src/ is held against the two tables below; so is
# that the stems of files are unique in the tree. Prints FILE:LINE and what is wrong.
set -u
top=${TOP_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
cd "$top/src" || exit 99

# A room may include itself and these. src/main.c is the room "main".
rooms='
base:
wire: base
sql: base
pool: base
tap: base
conf: base
net: base
auth: base wire sql pool tap conf net
proxy: base wire sql pool tap conf net auth
admin: base wire sql pool tap conf net auth proxy
advisor: base sql tap conf
main: base wire sql pool tap conf net auth proxy admin advisor
'

# A header from outside that matches may be included only by these rooms. The pure rooms
# (wire, sql, pool, tap) know no socket, no clock, no thread and no library that has them.
outside='
event2/*: net admin
openssl/*: net auth proxy
libpq*: proxy
postgres*:
ini.h: conf
xxhash.h: base sql
stringprep.h: auth
security/*: auth
ldap.h: auth
systemd/*: net main
pthread.h: base conf net auth proxy admin advisor main
threads.h:
stdatomic.h: base pool tap conf net auth proxy admin advisor main
time.h: base conf net auth proxy admin advisor main
sys/time.h: base conf net auth proxy admin advisor main
sys/socket.h: base conf net auth proxy admin main
sys/un.h: base net proxy main
netinet/*: net proxy
arpa/*: net proxy
netdb.h: net proxy
poll.h: base net proxy advisor main
sys/epoll.h:
sys/eventfd.h: net advisor
signal.h: base net proxy admin advisor main
'

failed=0
say() {
	printf '%s\n' "$*"
	failed=1
}

# The line of a table whose key matches $2 (a shell pattern), without the key.
row() {
	printf '%s\n' "$1" | while IFS=: read -r key rest; do
		[ -n "$key" ] || continue
		# shellcheck disable=SC2254  # the key is a pattern
		case $2 in $key) printf 'x%s\n' "$rest"; break ;; esac
	done
}

has_word() { case " $1 " in *" $2 "*) return 0 ;; esac; return 1; }

includes=$(mktemp) && trap 'rm -f "$includes"' EXIT
find . -name '*.[ch]' -o -name '*.def' | sed 's|^\./||' | sort >"$includes.files"
xargs grep -nE '^[[:space:]]*#[[:space:]]*include' <"$includes.files" /dev/null >"$includes" || true

count=0
while IFS=: read -r file line text; do
	case $file in */*) room=${file%%/*} ;; *) room=main ;; esac
	mine=$(row "$rooms" "$room")
	if [ -z "$mine" ]; then
		say "src/$file: there is no room \"$room\" in tests/lint/layers.sh"
		continue
	fi
	count=$((count + 1))
	what=$(printf '%s\n' "$text" | sed -nE 's/.*include[[:space:]]*[<"]([^>"]+)[>"].*/\1/p')
	case $text in
	*'"config.h"'* | *'<config.h>'*) continue ;;
	*'"'*'"'*)
		case $what in
		*/*) theirs=${what%%/*} ;;
		*) # the room main is src/ itself
			[ "$room" = main ] && [ -f "$what" ] && continue
			say "src/$file:$line: \"$what\" has no room: write \"$room/$what\""
			continue
			;;
		esac
		[ "$theirs" = "$room" ] || has_word "${mine#x}" "$theirs" ||
			say "src/$file:$line: $room may not use $theirs ($what)"
		;;
	*)
		row_=$(row "$outside" "$what")
		[ -z "$row_" ] || has_word "${row_#x}" "$room" ||
			say "src/$file:$line: $room may not use <$what>"
		;;
	esac
done <"$includes"

stems=$(grep '\.c$' "$includes.files" | sed 's|.*/||' | sort | uniq -d)
for stem in $stems; do
	say "src: two files are named $stem: $(grep "/$stem\$" "$includes.files" | tr '\n' ' ')"
done
rm -f "$includes.files"

[ "$count" -gt 0 ] || say "src: no #include found at all"
[ "$failed" = 0 ] && echo "layers: $count includes, all in order"
exit "$failed"
