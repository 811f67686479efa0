#!/bin/sh
# packed.sh - is every file of the tree in what `make dist` packs?
#
# A makefile names it, or a directory that it is in (not a whole room), or all of its suffix there. (.ci/ is for a clone.)
set -u
top=${TOP_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
cd "$top" || exit 99

files=$(find src tests etc man systemd scripts \( -name __pycache__ -o -name .pytest_cache -o -name results \) -prune -o \
	-type f \( -name '*.[ch]' -o -name '*.def' -o -name '*.py' -o -name '*.sh' -o -name '*.md' -o -name '*.in' \
	-o -name '*.ini' -o -name '*.talk' -o -name '*.cases' -o -name '*.expected' -o -path './tests/e2e/*' \
	-o -path './tests/bench/*' \) -print | sort)
# shellcheck disable=SC2046  # names without spaces
named=" $(cat Makefile.am configure.ac $(find src tests etc man systemd -name local.mk) | tr -s '\n\t=\\(),:' ' ') "

failed=0
for file in $files; do
	case $named in *"${file%/*}/*.${file##*.} "*) continue ;; esac
	part=$file
	while :; do
		case $named in *" $part "*) continue 2 ;; esac
		part=${part%/*}
		case $part in */*/*) ;; *) break ;; esac
	done
	echo "packed: $file is in no makefile, and so in no tarball"
	failed=1
done
[ "$failed" = 0 ] && echo "packed: $(echo "$files" | wc -l) files, all in order"
exit "$failed"
