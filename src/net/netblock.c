/*
 * netblock.c - networks, as text and as the system has them.
 */
#include "net/netblock.h"

#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

static size_t netblock_bytes(uint8_t kind)
{
	return kind == ADDR_V4 ? 4 : 16;
}

/* ADDR_NONE: the text is no address. */
static enum addr_kind netblock_parse_ip(struct slice text, uint8_t ip[16])
{
	char copy[ADDR_HOST_BYTES];
	if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.ptr, '\0', text.len))
		return ADDR_NONE;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	memset(ip, 0, 16);
	if (inet_pton(AF_INET, copy, ip) == 1)
		return ADDR_V4;
	return inet_pton(AF_INET6, copy, ip) == 1 ? ADDR_V6 : ADDR_NONE;
}

static void netblock_set_prefix(struct netblock *n, unsigned bits)
{
	memset(n->mask, 0, sizeof(n->mask));
	for (unsigned i = 0; i < bits; i++)
		n->mask[i / 8] |= (uint8_t)(0x80 >> (i % 8));
}

/* At most three digits and no more than `max`; false: it is no number of bits. */
static bool netblock_parse_bits(struct slice text, unsigned max, unsigned *bits)
{
	*bits = 0;
	if (text.len == 0 || text.len > 3)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		*bits = *bits * 10 + (unsigned)(text.ptr[i] - '0');
	}
	return *bits <= max;
}

bool netblock_parse(struct slice text, struct netblock *out)
{
	const char *slash = text.len ? memchr(text.ptr, '/', text.len) : NULL;
	size_t ip_len = slash ? (size_t)(slash - text.ptr) : text.len;
	*out = (struct netblock){ .kind = ADDR_NONE };
	out->kind = netblock_parse_ip(slice_head(text, ip_len), out->ip);
	if (out->kind == ADDR_NONE)
		return false;
	unsigned max = (unsigned)netblock_bytes(out->kind) * 8, bits = max;
	if (slash && !netblock_parse_bits(slice_skip(text, ip_len + 1), max, &bits))
		return false;
	netblock_set_prefix(out, bits);
	return true;
}

bool netblock_parse_mask(struct slice ip, struct slice mask, struct netblock *out)
{
	*out = (struct netblock){ .kind = ADDR_NONE };
	out->kind = netblock_parse_ip(ip, out->ip);
	return out->kind != ADDR_NONE && netblock_parse_ip(mask, out->mask) == out->kind;
}

bool netblock_has(const struct netblock *n, const struct addr *a)
{
	if (n->kind != a->kind || n->kind == ADDR_NONE || n->kind == ADDR_UNIX)
		return false;
	for (size_t i = 0; i < netblock_bytes(n->kind); i++)
		if ((n->ip[i] ^ a->ip[i]) & n->mask[i])
			return false;
	return true;
}

static void netblock_copy(const struct sockaddr *sa, uint8_t to[16])
{
	memset(to, 0, 16);
	if (sa->sa_family == AF_INET)
		memcpy(to, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	else
		memcpy(to, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
}

size_t netblock_local(bool is_host, struct netblock *out, size_t max)
{
	struct ifaddrs *all;
	size_t count = 0;
	if (getifaddrs(&all) != 0)
		return 0;
	for (const struct ifaddrs *i = all; i && count < max; i = i->ifa_next) {
		if (!i->ifa_addr || !i->ifa_netmask ||
		    (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		struct netblock *n = &out[count++];
		n->kind = i->ifa_addr->sa_family == AF_INET ? ADDR_V4 : ADDR_V6;
		netblock_copy(i->ifa_addr, n->ip);
		netblock_copy(i->ifa_netmask, n->mask);
		if (is_host)
			netblock_set_prefix(n, (unsigned)netblock_bytes(n->kind) * 8);
	}
	freeifaddrs(all);
	return count;
}

/* -1: the mask is no prefix. */
static int netblock_prefix(const struct netblock *n)
{
	struct netblock other;
	unsigned bits = 0;
	for (size_t i = 0; i < netblock_bytes(n->kind) * 8; i++)
		bits += (n->mask[i / 8] >> (7 - i % 8)) & 1;
	netblock_set_prefix(&other, bits);
	return memcmp(other.mask, n->mask, netblock_bytes(n->kind)) == 0 ? (int)bits : -1;
}

const char *netblock_text(const struct netblock *n, char out[NETBLOCK_TEXT_BYTES])
{
	char ip[ADDR_HOST_BYTES], mask[ADDR_HOST_BYTES];
	struct addr a = { .kind = n->kind }, m = { .kind = n->kind };
	memcpy(a.ip, n->ip, sizeof(a.ip));
	memcpy(m.ip, n->mask, sizeof(m.ip));
	addr_host(&a, ip);
	addr_host(&m, mask);
	int bits = netblock_prefix(n);
	if (bits >= 0)
		snprintf(out, NETBLOCK_TEXT_BYTES, "%s/%d", ip, bits);
	else
		snprintf(out, NETBLOCK_TEXT_BYTES, "%s %s", ip, mask);
	return out;
}
