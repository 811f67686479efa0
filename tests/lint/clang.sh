#!/bin/sh
# clang.sh - does clang take every .c without a warning, as gcc does?
#
# Only looked at, not built: what is wrong with a file is said whichever compiler the build
# was configured for. Skipped (exit 77) where clang is not, and in a sanitizer's build, which
# has nothing to add.
set -u
top=${TOP_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${TOP_BUILDDIR:-$top/build/dev}
flags=${OUR_CFLAGS:--std=c11 -pthread -Wall -Wextra}

command -v clang >/dev/null || { echo "clang: is not here"; exit 77; }
case $flags in *-fsanitize*) echo "clang: not in a sanitizer's build"; exit 77 ;; esac

cd "$top" || exit 99
flags="$flags -Werror -D_GNU_SOURCE -DSYSCONFDIR=\"\" -DTALK_DIR=\"\" -I$top/src -I$build -I$build/src"
flags="$flags $(pkg-config --cflags libevent_core libpq openssl inih libxxhash)" || exit 99
files=$(find src tests -name '*.c' | sort)
# The unit tests are left out where their library is not here.
if pkg-config --exists check; then
	flags="$flags $(pkg-config --cflags check)"
else
	files=$(echo "$files" | grep -v '^tests/unit/')
fi

# shellcheck disable=SC2086  # flags are words
if echo "$files" | xargs -P "$(nproc)" -n 8 clang -fsyntax-only $flags; then
	echo "clang: $(echo "$files" | wc -l) files, all in order"
else
	exit 1
fi
