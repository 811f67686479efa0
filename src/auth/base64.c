/*
 * base64.c - RFC 4648 base64 without the leniency of the usual decoders.
 */
#include "auth/base64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encode(const void *data, size_t n, char *text)
{
	const uint8_t *in = data;
	char *out = text;
	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t bits = (uint32_t)in[i] << 16;
		if (left > 1)
			bits |= (uint32_t)in[i + 1] << 8;
		if (left > 2)
			bits |= in[i + 2];
		*out++ = alphabet[bits >> 18];
		*out++ = alphabet[bits >> 12 & 63];
		*out++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
		*out++ = left > 2 ? alphabet[bits & 63] : '=';
	}
	*out = '\0';
	return (size_t)(out - text);
}

/* The six bits that a character stands for, or -1. */
static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* One group of four, of which the last `pad` are padding, to 3 - pad bytes. */
static bool base64_group(const char *text, unsigned pad, uint8_t *out)
{
	uint32_t bits = 0;
	for (unsigned i = 0; i < 4; i++) {
		int v = i < 4 - pad ? base64_value(text[i]) : 0;
		if (v < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
	}
	if (bits & ((1u << (8 * pad)) - 1))
		return false; /* bits that encode nothing */
	for (unsigned i = 0; i < 3 - pad; i++)
		out[i] = (uint8_t)(bits >> (16 - 8 * i));
	return true;
}

ssize_t base64_decode(struct slice text, void *data, size_t max)
{
	if (text.len == 0)
		return 0;
	if (text.len % 4 != 0)
		return -1;
	unsigned pad = 0;
	if (text.ptr[text.len - 1] == '=')
		pad = text.ptr[text.len - 2] == '=' ? 2 : 1;
	size_t n = text.len / 4 * 3 - pad;
	if (n > max)
		return -1;

	uint8_t *out = data;
	for (size_t i = 0; i < text.len; i += 4, out += 3) {
		bool is_last = i + 4 == text.len;
		if (!base64_group(text.ptr + i, is_last ? pad : 0, out))
			return -1;
	}
	return (ssize_t)n;
}
