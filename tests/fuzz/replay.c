/*
 * replay.c - runs a fuzzer over its corpus, without libFuzzer.
 *
 * Linked to each fuzz_X.c in normal builds. The inputs are the files of the directories
 * (or the files) given as arguments; without arguments, of $TOP_SRCDIR/tests/fuzz/X. Each
 * name is written before its input is run, so that the last line of a log that ends in a
 * crash says which input it was. Each input is run whole and cut short at every length up
 * to PREFIX_MAX_BYTES, in memory of exactly that size, so that a read past its end is seen
 * by the sanitizers. No input at all is a failure.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PREFIX_MAX_BYTES 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_error(const char *what, const char *path)
{
	fprintf(stderr, "replay: %s %s: %s\n", what, path, strerror(errno));
	return -1;
}

static int replay_bytes(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	if (!copy)
		return replay_error("no memory for", "an input");
	if (size)
		memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	return 0;
}

static int replay_prefixes(const uint8_t *data, size_t size)
{
	for (size_t n = 0; n < size && n < PREFIX_MAX_BYTES; n++)
		if (replay_bytes(data, n) < 0)
			return -1;
	return replay_bytes(data, size);
}

/* 1 where the file was run, -1 where it could not be read. */
static int replay_file(const char *path, size_t size)
{
	printf("%s\n", path);
	fflush(stdout);

	FILE *file = fopen(path, "rb");
	if (!file)
		return replay_error("cannot open", path);
	uint8_t *data = malloc(size + 1);
	if (!data || fread(data, 1, size + 1, file) != size) {
		free(data);
		fclose(file);
		return replay_error("cannot read", path);
	}
	fclose(file);
	int rc = replay_prefixes(data, size);
	free(data);
	return rc < 0 ? -1 : 1;
}

static int replay_path(const char *path);

static int replay_dir(const char *path)
{
	struct dirent **names = NULL;
	int n = scandir(path, &names, NULL, alphasort);
	if (n < 0)
		return replay_error("cannot read", path);

	int count = 0;
	for (int i = 0; i < n; i++) {
		char child[4096];
		snprintf(child, sizeof(child), "%s/%s", path, names[i]->d_name);
		int got = names[i]->d_name[0] == '.' ? 0 : replay_path(child);
		count = got < 0 || count < 0 ? -1 : count + got;
		free(names[i]);
	}
	free(names);
	return count;
}

/* How many inputs were run, -1 on any error. */
static int replay_path(const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return replay_error("cannot find", path);
	return S_ISDIR(st.st_mode) ? replay_dir(path) : replay_file(path, (size_t)st.st_size);
}

/* tests/fuzz/fuzz_X, wherever it was built, has its corpus in $TOP_SRCDIR/tests/fuzz/X. */
static int replay_own_corpus(const char *program)
{
	const char *top = getenv("TOP_SRCDIR");
	const char *name = strstr(program, "fuzz_");
	for (const char *next = name; next; next = strstr(next + 1, "fuzz_"))
		name = next;
	if (!name) {
		fprintf(stderr, "replay: %s is not named fuzz_X: name the corpus\n", program);
		return -1;
	}
	char path[4096];
	snprintf(path, sizeof(path), "%s/tests/fuzz/%s", top ? top : ".", name + strlen("fuzz_"));
	return replay_path(path);
}

int main(int argc, char **argv)
{
	int count = argc < 2 ? replay_own_corpus(argv[0]) : 0;
	for (int i = 1; i < argc && count >= 0; i++) {
		int got = replay_path(argv[i]);
		count = got < 0 ? -1 : count + got;
	}
	if (count < 0)
		return 1;
	printf("%s: %d inputs replayed\n", argv[0], count);
	return count > 0 ? 0 : 1;
}
