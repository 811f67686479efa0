#!/bin/sh
# docs.sh - is everything that the tables offer in the manual?
#
# Settings and their other names in pgweir.ini(5), console commands in pgweir-console(7), what keeps
# servers in pgweir-modes(7), errors in pgweir-errors(7), command-line options in pgweir(1), and settings that README.md names in
# the table. Reads the tables as text, and the pages as they were built.
set -u
top=${TOP_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${TOP_BUILDDIR:-$top}

failed=0 count=0
say() {
	printf '%s\n' "$*"
	failed=1
}

# Where a page is: built, or as it was written.
page() {
	for dir in "$build/man" "$top/man"; do
		[ -f "$dir/$1" ] && { printf '%s\n' "$dir/$1"; return; }
	done
	say "man/$1: there is no such page (build first)" >&2
	printf '/dev/null\n'
}

# The words of a page, roff's escapes taken out, in one line.
text_of() {
	sed -e 's/\\f[BIRP]//g' -e 's/\\f([A-Z]*//g' -e 's/\\(dq/"/g' -e 's/\\(aq/'"'"'/g' \
		-e 's/\\-/-/g' -e 's/\\&//g' -e 's/\\e/\\/g' \
		-e 's/^\.[A-Z][A-Z]* *//' "$1" | tr '\n"' '  ' | tr -s ' '
}

# wants TEXT_FILE PAGE WHAT: WHAT is there as a word.
wants() {
	count=$((count + 1))
	grep -qE "(^|[^[:alnum:]_])$3([^[:alnum:]_]|\$)" "$1" || say "$2: nothing about $4"
}

work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
ini=$(page pgweir.ini.5) && text_of "$ini" >"$work/ini"
main=$(page pgweir.1) && text_of "$main" >"$work/main"
console=$(page pgweir-console.7) && text_of "$console" >"$work/console"
modes=$(page pgweir-modes.7) && text_of "$modes" >"$work/modes"
errors=$(page pgweir-errors.7) && text_of "$errors" >"$work/errors"
tr '\n"' '  ' <"$top/README.md" | tr -s ' ' >"$work/readme"

# ---- settings ----
settings=$(sed -nE 's/^SETTING\(([a-z0-9_]+),.*/\1/p' "$top/src/conf/settings.def")
# (A setting without effect need not be shown with its other names.)
aliases=$(tr '\n' ' ' <"$top/src/conf/settings.def" | sed 's/SETTING(/\n&/g' |
	grep -E '^[^,]*,[^,]*,[^,]*, *(RELOAD|RESTART),' | grep -oE '\.(alias|inverse) = "[^"]*"' |
	sed -E 's/.*"(.*)"/\1/' | tr ' ' '\n')
[ -n "$settings" ] || say "src/conf/settings.def: no SETTING found"
for name in $settings $aliases; do
	wants "$work/ini" "pgweir.ini(5)" "$name" "$name"
done

# What README.md has in the first column of a table and in the manner of a setting must be one.
# shellcheck disable=SC2013  # they are words
for name in $(grep '^|' "$top/README.md" | cut -d'|' -f2 | grep -oE '[a-z]+(_[a-z]+)+' | sort -u); do
	count=$((count + 1))
	printf '%s\n%s\n' "$settings" "$aliases" | grep -qx "$name" ||
		say "README.md: there is no setting $name"
done

# ---- the console ----
if [ -f "$top/src/admin/orders.def" ]; then
	grep '^ORDER(' "$top/src/admin/orders.def" | sed -n '/^ORDER(SELECT_VERSION/q;p' |
		sed -E 's/^ORDER\([A-Z_]+, "([^"]+)".*/\1/' >"$work/orders"
	[ -s "$work/orders" ] || say "src/admin/orders.def: no ORDER found"
	while IFS= read -r words; do
		wants "$work/console" "pgweir-console(7)" "$words" "$words"
	done <"$work/orders"
fi

# ---- what keeps servers ----
sed -nE 's/^[[:blank:]]X\([A-Z]+, "([^"]+)", keeps_.*/\1/p' "$top/src/proxy/keep.h" >"$work/reasons"
[ -s "$work/reasons" ] || say "src/proxy/keep.h: no reason found"
while IFS= read -r reason; do
	wants "$work/modes" "pgweir-modes(7)" "$reason From" "$reason"
done <"$work/reasons"

# ---- errors ----
rows=$(tr '\n' ' ' <"$top/src/wire/errors.def" | sed 's/ERRORS_ROW(/\n&/g' |
	grep -cE '^ERRORS_ROW\([A-Z]')
shown=$(grep -cE '(ERROR|FATAL) [0-9A-Z]{5}' "$errors")
count=$((count + rows))
[ "$rows" -gt 0 ] || say "src/wire/errors.def: no ERRORS_ROW found"
[ "$rows" = "$shown" ] || say "pgweir-errors(7): $shown errors, and $rows in src/wire/errors.def"

# ---- the command line ----
options=$(grep -oE '\{ "[a-z]+", (no|required)_argument' "$top/src/options.c" | cut -d'"' -f2)
[ -n "$options" ] || say "src/options.c: no option found"
for option in $options; do
	wants "$work/main" "pgweir(1)" "--$option" "--$option"
done

[ "$failed" = 0 ] && echo "docs: $count things, all in the manual"
exit "$failed"
