/*
 * test_proxyhead.c - the PROXY protocol's header, byte by byte.
 */
#include "net/proxyhead.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "check_net.h"

#define SIGN_V2 "\r\n\r\n\0\r\nQUIT\n"

/* The header, and behind it what a client sends: found whole, and not found in any part of it. */
static void assert_head(const char *head, size_t len, const char *who)
{
	char text[ADDR_TEXT_BYTES];
	struct addr client;
	struct buf in = { 0 };
	buf_add(&in, head, len);
	buf_add(&in, "\0\0\0\x08\x04\xd2\x16\x2f", 8);
	ck_assert_int_eq(proxyhead_parse(buf_slice(&in), &client), (ssize_t)len);
	ck_assert_str_eq(addr_text(&client, text), who);
	for (size_t n = 0; n < len; n++) {
		ck_assert_int_eq(proxyhead_parse(slice_make(in.data, n), &client), PROXYHEAD_MORE);
		ck_assert_int_eq(client.kind, ADDR_NONE);
	}
	ck_assert(proxyhead_is_likely(buf_slice(&in)));
	buf_fini(&in);
}

static void assert_malformed(const char *head, size_t len)
{
	struct addr client;
	ck_assert_msg(proxyhead_parse(slice_make(head, len), &client) == PROXYHEAD_MALFORMED, "%s",
		      head);
	ck_assert_int_eq(client.kind, ADDR_NONE);
}

static void assert_v1(const char *head, const char *who)
{
	if (who)
		assert_head(head, strlen(head), who);
	else
		assert_malformed(head, strlen(head));
}

START_TEST(version_1)
{
	assert_v1("PROXY TCP4 192.0.2.1 192.0.2.9 50000 6432\r\n", "192.0.2.1:50000");
	assert_v1("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
		  "255.255.255.255:65535");
	assert_v1("PROXY TCP6 2001:db8::1 ::1 0 6432\r\n", "[2001:db8::1]:0");
	assert_v1("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
		  "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
	assert_v1("PROXY TCP6 ::ffff:1.2.3.4 ::1 5 6\r\n", "1.2.3.4:5");
	assert_v1("PROXY UNKNOWN\r\n", "-");
	assert_v1("PROXY UNKNOWN whatever 1 2 3\r\n", "-");
	assert_v1("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
		  "-"); /* 107 bytes */
}
END_TEST

START_TEST(version_1_malformed)
{
	static const char *const bad[] = {
		"PROXY TCP4 192.0.2.1 192.0.2.9 50000 6432\n",
		"PROXY TCP4 192.0.2.1 192.0.2.9 50000\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.9 50000 6432 \r\n",
		"PROXY TCP4 192.0.2.1  192.0.2.9 50000 6432\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.9 50000 65536\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.9 050 6432\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.9 -1 6432\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.9 999999 6432\r\n",
		"PROXY TCP4 192.0.2.256 192.0.2.9 50000 6432\r\n",
		"PROXY TCP4 ::1 ::1 50000 6432\r\n",
		"PROXY TCP6 1.2.3.4 1.2.3.4 50000 6432\r\n",
		"PROXY TCP5 192.0.2.1 192.0.2.9 50000 6432\r\n",
		"PROXY tcp4 192.0.2.1 192.0.2.9 50000 6432\r\n",
		"PROXY  TCP4 192.0.2.1 192.0.2.9 50000 6432\r\n",
		"PROXY \r\n",
		"PROXY\r\n",
		"PROXI TCP4",
		"proxy",
		"GET / HTTP/1.0\r\n",
		/* 108 bytes without an end, and with one */
		"PROXY UNKNOWN xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxxxxxx",
		"PROXY UNKNOWN xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxxxx\r\n",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_v1(bad[i], NULL);
	assert_malformed("PROXY TCP4 1.2.3.4\0x 1.2.3.4 1 1\r\n", 36);
}
END_TEST

#define V4_BYTES "\xc0\0\x02\x01\xc0\0\x02\x09\xc3\x50\x19\x20"
#define V6_BYTES                                                                                   \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"                                               \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"                                               \
	"\xc3\x50\x19\x20"

#define ASSERT_V2(bytes, who) assert_head(SIGN_V2 bytes, sizeof(SIGN_V2 bytes) - 1, who)
#define BAD_V2(bytes) assert_malformed(SIGN_V2 bytes, sizeof(SIGN_V2 bytes) - 1)

START_TEST(version_2)
{
	ASSERT_V2("\x21\x11\0\x0c" V4_BYTES, "192.0.2.1:50000");
	ASSERT_V2("\x21\x21\0\x24" V6_BYTES, "[2001:db8::1]:50000");
	ASSERT_V2("\x20\0\0\0", "-");                 /* LOCAL */
	ASSERT_V2("\x20\x11\0\x0c" V4_BYTES, "-");    /* LOCAL: not to be looked at */
	ASSERT_V2("\x20\xff\0\x03\xff\xff\xff", "-"); /* LOCAL, whatever follows */
	ASSERT_V2("\x21\0\0\0", "-");                 /* not known */
	ASSERT_V2("\x21\0\0\x04\x04\0\x01x", "-");    /* not known, and a TLV */
	ASSERT_V2("\x21\x11\0\x10" V4_BYTES "\x04\0\x01x", "192.0.2.1:50000");
	ASSERT_V2("\x21\x11\0\x12" V4_BYTES "\xea\0\0\x04\0\0", "192.0.2.1:50000");
}
END_TEST

START_TEST(version_2_malformed)
{
	BAD_V2("\x11\x11\0\x0c" V4_BYTES); /* version 1 */
	BAD_V2("\x22\x11\0\x0c" V4_BYTES); /* no such command */
	BAD_V2("\x21\x41\0\x0c" V4_BYTES); /* no such family */
	BAD_V2("\x21\x12\0\x0c" V4_BYTES); /* datagrams */
	BAD_V2("\x21\x11\0\x0b\xc0\0\x02\x01\xc0\0\x02\x09\xc3\x50\x19");
	BAD_V2("\x21\x21\0\x0c" V4_BYTES);              /* too short for IPv6 */
	BAD_V2("\x21\x11\0\x0d" V4_BYTES "\x04");       /* half a TLV */
	BAD_V2("\x21\x11\0\x0f" V4_BYTES "\x04\0\x01"); /* one that is longer than the rest */
	BAD_V2("\x21\x11\xff\xff" V4_BYTES);            /* too long to wait for */
	assert_malformed("\r\n\r\nx", 5);
}
END_TEST

START_TEST(unix_sockets_of_the_balancer)
{
	char head[16 + 216] = SIGN_V2 "\x21\x31\0\xd8/run/client";
	assert_head(head, sizeof(head), "-");
}
END_TEST

/* The checksum of these bytes by another program. */
#define WITH_CRC(crc) "\x21\x11\0\x13" V4_BYTES "\x03\0\x04" crc

START_TEST(checksums)
{
	ASSERT_V2(WITH_CRC("\x67\x50\x83\xad"), "192.0.2.1:50000");
	BAD_V2(WITH_CRC("\x67\x50\x83\xac"));
	BAD_V2("\x21\x11\0\x12" V4_BYTES "\x03\0\x03\x89\x61\x70");
}
END_TEST

START_TEST(the_longest_header)
{
	static char head[PROXYHEAD_MAX_BYTES + 1];
	struct addr client;
	size_t len = PROXYHEAD_MAX_BYTES - 16, tlv = len - 12 - 3;
	memcpy(head, SIGN_V2 "\x21\x11\0\0" V4_BYTES, 28);
	head[14] = (char)(len >> 8);
	head[15] = (char)len;
	head[28] = 0x30;
	head[29] = (char)(tlv >> 8);
	head[30] = (char)tlv;
	assert_head(head, PROXYHEAD_MAX_BYTES, "192.0.2.1:50000");
	len++;
	head[14] = (char)(len >> 8);
	head[15] = (char)len;
	ck_assert_int_eq(proxyhead_parse(slice_make(head, 16), &client), PROXYHEAD_MALFORMED);
}
END_TEST

START_TEST(clients_are_told_from_balancers)
{
	ck_assert(!proxyhead_is_likely(SLICE("\0\0\0\x08\x04\xd2\x16\x2f")));
	ck_assert(!proxyhead_is_likely(SLICE("PROM")));
	ck_assert(!proxyhead_is_likely(SLICE("")));
	ck_assert(proxyhead_is_likely(SLICE("PROX")));
	ck_assert(proxyhead_is_likely(SLICE("\r\n\r\n")));
}
END_TEST

Suite *proxyhead_suite(void)
{
	Suite *s = suite_create("proxyhead");
	TCase *tc = tcase_create("headers");
	tcase_add_test(tc, version_1);
	tcase_add_test(tc, version_1_malformed);
	tcase_add_test(tc, version_2);
	tcase_add_test(tc, version_2_malformed);
	tcase_add_test(tc, unix_sockets_of_the_balancer);
	tcase_add_test(tc, checksums);
	tcase_add_test(tc, the_longest_header);
	tcase_add_test(tc, clients_are_told_from_balancers);
	suite_add_tcase(s, tc);
	return s;
}
