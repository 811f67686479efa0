# Checks over the tree itself; `make lint` runs these alone.

LINTS = \
	tests/lint/layers.sh \
	tests/lint/symbols.sh \
	tests/lint/docs.sh \
	tests/lint/format.sh \
	tests/lint/clang.sh \
	tests/lint/packed.sh \
	tests/lint/words.sh

dist_check_SCRIPTS += $(LINTS)
TESTS += $(LINTS)
