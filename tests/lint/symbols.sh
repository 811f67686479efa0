#!/bin/sh
# symbols.sh - what the object files export.
#
# Every external symbol of x.c starts with x_ (or is x itself), and none is data that can be
# written to: state hangs off what main creates, not off globals. Reads the libraries of the
# rooms as they were built. Prints the room, the file and the symbol.
set -u
build=${TOP_BUILDDIR:-.}
nm=${NM:-nm}
cd "$build" || exit 99

failed=0
libs=0
for lib in src/*/lib*.a; do
	[ -f "$lib" ] || continue
	libs=$((libs + 1))
	room=${lib#src/}
	room=${room%%/*}
	# sysv: name|value|class|type|size|line|section; a line "name from LIB[MEMBER.o]:" before each
	"$nm" --format=sysv --extern-only --defined-only "$lib" 2>/dev/null |
	sed 's/[[:space:]]*|[[:space:]]*/|/g' |
	awk -F'|' -v room="$room" '
		/\[.*\.o\]:$/ {
			file = $0
			sub(/.*\[/, "", file); sub(/\.o\]:$/, "", file); sub(/.*\//, "", file)
			sub("^lib" room "_a-", "", file); sub("^src_" room "_lib" room "_a-", "", file)
			next
		}
		NF < 7 || $1 == "Name" { next }
		{
			name = $1; section = $7; gsub(/[[:space:]]/, "", name); gsub(/[[:space:]]/, "", section)
			if (name ~ /^__/ || name ~ /^\./)	# the compiler, the sanitizers
				next
			if (name != file && index(name, file "_") != 1) {
				printf "src/%s/%s.c: %s does not start with %s_\n", room, file, name, file
				bad = 1
			}
			if (section ~ /^(\.data|\.bss|\.tdata|\.tbss|\.lbss|\.ldata|\*COM\*|COMMON)/ &&
			    section !~ /^\.data\.rel\.ro/) {
				printf "src/%s/%s.c: %s can be written to from anywhere (%s)\n", \
					room, file, name, section
				bad = 1
			}
			n++
		}
		END { if (n) printf "%s: %d symbols\n", room, n; exit bad }' || failed=1
done

if [ "$libs" = 0 ]; then
	echo "symbols: no libraries in $build/src: build first"
	failed=1
fi
exit "$failed"
