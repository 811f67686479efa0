/*
 * proxyhead.c - both versions of the header.
 *
 *	1	PROXY TCP4 192.0.2.1 192.0.2.9 50000 6432 CR LF	at most 107 bytes
 *	2	12 bytes of signature, version and command, family and transport, length (16 bits);
 *		then the addresses, then TLVs: type, length (16 bits), value
 */
#include "net/proxyhead.h"

#include <string.h>

#include <arpa/inet.h>

#define PROXYHEAD_V1_MAX_BYTES 107
#define PROXYHEAD_V2_BYTES 16 /* before the addresses */
#define PROXYHEAD_TLV_BYTES 3 /* of type and length */
#define PROXYHEAD_TLV_CRC32C 0x03

static const char proxyhead_v1[] = "PROXY ";
static const char proxyhead_v2[] = "\r\n\r\n\0\r\nQUIT\n";
#define PROXYHEAD_V1_SIGN SLICE(proxyhead_v1)
#define PROXYHEAD_V2_SIGN SLICE(proxyhead_v2)

/* As far as there are bytes, are they the signature's? */
static bool proxyhead_begins(struct slice in, struct slice sign)
{
	size_t n = in.len < sign.len ? in.len : sign.len;
	return memcmp(in.ptr, sign.ptr, n) == 0;
}

/* ---- version 1 ------------------------------------------------------------------------------- */

/* What stands before the next blank, off the front. */
static struct slice proxyhead_word(struct slice *text)
{
	const char *blank = text->len ? memchr(text->ptr, ' ', text->len) : NULL;
	size_t n = blank ? (size_t)(blank - text->ptr) : text->len;
	struct slice word = slice_head(*text, n);
	*text = slice_skip(*text, blank ? n + 1 : n);
	return word;
}

static bool proxyhead_ip(struct slice text, int family, uint8_t ip[16])
{
	char copy[ADDR_HOST_BYTES];
	if (text.len == 0 || text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return strlen(copy) == text.len && inet_pton(family, copy, ip) == 1;
}

static bool proxyhead_port(struct slice text, uint16_t *port)
{
	unsigned n = 0;
	if (text.len == 0 || text.len > 5 || (text.len > 1 && text.ptr[0] == '0'))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		n = n * 10 + (unsigned)(text.ptr[i] - '0');
	}
	*port = (uint16_t)n;
	return n <= 65535;
}

/* TCP4 or TCP6 and what follows it. */
static bool proxyhead_v1_client(struct slice family, struct slice rest, struct addr *client)
{
	uint8_t from[16], to[16];
	uint16_t from_port, to_port;
	bool is_v4 = slice_eq_str(family, "TCP4");
	int af = is_v4 ? AF_INET : AF_INET6;
	if (!is_v4 && !slice_eq_str(family, "TCP6"))
		return false;
	bool ok = proxyhead_ip(proxyhead_word(&rest), af, from);
	ok = ok && proxyhead_ip(proxyhead_word(&rest), af, to);
	ok = ok && proxyhead_port(proxyhead_word(&rest), &from_port);
	ok = ok && proxyhead_port(rest, &to_port);
	if (ok)
		*client = is_v4 ? addr_of_v4(from, from_port) : addr_of_v6(from, from_port);
	return ok;
}

static ssize_t proxyhead_parse_v1(struct slice in, struct addr *client)
{
	struct slice head = slice_head(in, PROXYHEAD_V1_MAX_BYTES);
	const char *end = memchr(head.ptr, '\n', head.len);
	if (!end)
		return in.len < PROXYHEAD_V1_MAX_BYTES ? PROXYHEAD_MORE : PROXYHEAD_MALFORMED;
	size_t len = (size_t)(end - head.ptr);
	if (len < PROXYHEAD_V1_SIGN.len || head.ptr[len - 1] != '\r')
		return PROXYHEAD_MALFORMED;
	struct slice text = slice_skip(slice_head(head, len - 1), PROXYHEAD_V1_SIGN.len);
	struct slice family = proxyhead_word(&text);
	if (!slice_eq_str(family, "UNKNOWN") && !proxyhead_v1_client(family, text, client))
		return PROXYHEAD_MALFORMED;
	return (ssize_t)len + 1;
}

/* ---- version 2 ------------------------------------------------------------------------------- */

static unsigned proxyhead_u8(struct slice s, size_t at)
{
	return (uint8_t)s.ptr[at];
}

static unsigned proxyhead_u16(struct slice s, size_t at)
{
	return proxyhead_u8(s, at) << 8 | proxyhead_u8(s, at + 1);
}

/* CRC-32C of the header in which the four bytes at `hole` are zeros. */
static uint32_t proxyhead_crc(struct slice head, size_t hole)
{
	uint32_t crc = 0xffffffff;
	for (size_t i = 0; i < head.len; i++) {
		crc ^= i - hole < 4 ? 0 : proxyhead_u8(head, i);
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static bool proxyhead_check_tlv(struct slice head, size_t at, size_t len, unsigned type)
{
	if (type != PROXYHEAD_TLV_CRC32C)
		return true;
	return len == 4 && ((uint32_t)proxyhead_u16(head, at) << 16 |
			    proxyhead_u16(head, at + 2)) == proxyhead_crc(head, at);
}

static bool proxyhead_check_tlvs(struct slice head, size_t at)
{
	while (at < head.len) {
		if (head.len - at < PROXYHEAD_TLV_BYTES)
			return false;
		size_t len = proxyhead_u16(head, at + 1);
		unsigned type = proxyhead_u8(head, at);
		at += PROXYHEAD_TLV_BYTES;
		if (len > head.len - at || !proxyhead_check_tlv(head, at, len, type))
			return false;
		at += len;
	}
	return true;
}

/* A whole header of the command PROXY. */
static bool proxyhead_v2_client(struct slice head, struct addr *client)
{
	static const size_t sizes[] = { 0, 12, 36, 216 }; /* of the addresses, by family */
	unsigned family = proxyhead_u8(head, 13) >> 4, transport = proxyhead_u8(head, 13) & 0xf;
	const uint8_t *at = (const uint8_t *)head.ptr + PROXYHEAD_V2_BYTES;
	if (family > 3 || transport > 1 || head.len - PROXYHEAD_V2_BYTES < sizes[family])
		return false;
	if (family == 1)
		*client = addr_of_v4(at, (uint16_t)proxyhead_u16(head, PROXYHEAD_V2_BYTES + 8));
	else if (family == 2)
		*client = addr_of_v6(at, (uint16_t)proxyhead_u16(head, PROXYHEAD_V2_BYTES + 32));
	return proxyhead_check_tlvs(head, PROXYHEAD_V2_BYTES + sizes[family]);
}

static ssize_t proxyhead_parse_v2(struct slice in, struct addr *client)
{
	if (in.len < PROXYHEAD_V2_BYTES)
		return PROXYHEAD_MORE;
	unsigned version = proxyhead_u8(in, 12) >> 4, command = proxyhead_u8(in, 12) & 0xf;
	size_t len = PROXYHEAD_V2_BYTES + proxyhead_u16(in, 14);
	if (version != 2 || command > 1 || len > PROXYHEAD_MAX_BYTES)
		return PROXYHEAD_MALFORMED;
	if (in.len < len)
		return PROXYHEAD_MORE;
	bool is_local = command == 0;
	if (!is_local && !proxyhead_v2_client(slice_head(in, len), client))
		return PROXYHEAD_MALFORMED;
	return (ssize_t)len;
}

/* ---- either ---------------------------------------------------------------------------------- */

ssize_t proxyhead_parse(struct slice in, struct addr *client)
{
	*client = (struct addr){ .kind = ADDR_NONE };
	if (in.len == 0)
		return PROXYHEAD_MORE;
	ssize_t n = PROXYHEAD_MALFORMED;
	if (proxyhead_begins(in, PROXYHEAD_V1_SIGN))
		n = proxyhead_parse_v1(in, client);
	else if (proxyhead_begins(in, PROXYHEAD_V2_SIGN))
		n = proxyhead_parse_v2(in, client);
	if (n <= 0)
		*client = (struct addr){ .kind = ADDR_NONE };
	return n;
}

bool proxyhead_is_likely(struct slice in)
{
	return in.len >= 4 &&
	       (proxyhead_begins(in, PROXYHEAD_V1_SIGN) || proxyhead_begins(in, PROXYHEAD_V2_SIGN));
}
