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

# look ROOM, nm's sysv format on standard input: name|value|class|type|size|line|section, with a
# line "... from LIB[MEMBER.o]:" or "... from FILE.o:" before each file's symbols.
look() {
	sed 's/[[:space:]]*|[[:space:]]*/|/g' |
	awk -F'|' -v room="$1" '
		/\.o\]?:$/ {
			file = $0
			sub(/\]?:$/, "", file); sub(/\.o$/, "", file); sub(/.*[\[\/ ]/, "", file)
			sub("^lib" room "_a-", "", file); sub("^src_" room "_lib" room "_a-", "", file)
			next
		}
		NF < 7 || $1 == "Name" { next }
		{
			name = $1; section = $7; gsub(/[[:space:]]/, "", name); gsub(/[[:space:]]/, "", section)
			if (name ~ /^__/ || name ~ /^\./)	# the compiler, the sanitizers
				next
			where = "src/" (room == "main" ? "" : room "/") file ".c"
			if (name != file && index(name, file "_") != 1) {
				printf "%s: %s does not start with %s_\n", where, name, file
				bad = 1
			}
			if (section ~ /^(\.data|\.bss|\.tdata|\.tbss|\.lbss|\.ldata|\*COM\*|COMMON)/ &&
			    section !~ /^\.data\.rel\.ro/) {
				printf "%s: %s can be written to from anywhere (%s)\n", where, name, section
				bad = 1
			}
			n++
		}
		END { if (n) printf "%s: %d symbols\n", room, n; exit bad }'
}

libs=0
for lib in src/*/lib*.a; do
	[ -f "$lib" ] || continue
	libs=$((libs + 1))
	room=${lib#src/}
	"$nm" --format=sysv --extern-only --defined-only "$lib" 2>/dev/null |
		look "${room%%/*}" || failed=1
done
"$nm" --format=sysv --extern-only --defined-only src/*.o 2>/dev/null | look main || failed=1

if [ "$libs" = 0 ]; then
	echo "symbols: no libraries in $build/src: build first"
	failed=1
fi
exit "$failed"
