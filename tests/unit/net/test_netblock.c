/*
 * test_netblock.c - networks as text, and which addresses are in them.
 */
#include "net/netblock.h"

#include <string.h>

#include "check_net.h"
#include "net/netset.h"

static struct addr address(const char *text)
{
	struct netblock n;
	ck_assert_msg(netblock_parse(slice_of(text), &n), "%s", text);
	return n.kind == ADDR_V4 ? addr_of_v4(n.ip, 1) : addr_of_v6(n.ip, 1);
}

static void assert_has(const char *net, const char *addr, bool has)
{
	struct netblock n;
	struct addr a = address(addr);
	ck_assert_msg(netblock_parse(slice_of(net), &n), "%s", net);
	ck_assert_msg(netblock_has(&n, &a) == has, "%s in %s", addr, net);
}

START_TEST(what_is_in_a_network)
{
	assert_has("10.1.2.3", "10.1.2.3", true);
	assert_has("10.1.2.3", "10.1.2.4", false);
	assert_has("10.1.2.3/32", "10.1.2.3", true);
	assert_has("10.0.0.0/8", "10.255.1.1", true);
	assert_has("10.0.0.0/8", "11.0.0.0", false);
	assert_has("10.1.2.3/8", "10.9.9.9", true); /* bits behind the mask */
	assert_has("10.0.0.128/25", "10.0.0.127", false);
	assert_has("10.0.0.128/25", "10.0.0.200", true);
	assert_has("0.0.0.0/0", "1.2.3.4", true);
	assert_has("0.0.0.0/0", "::1", false);
	assert_has("::/0", "2001:db8::1", true);
	assert_has("::/0", "1.2.3.4", false);
	assert_has("2001:db8::/33", "2001:db8:7fff::1", true);
	assert_has("2001:db8::/33", "2001:db8:8000::1", false);
	assert_has("::1/128", "::1", true);
	assert_has("::ffff:1.2.3.4/128", "::1", false);
}
END_TEST

START_TEST(who_has_no_address)
{
	struct netblock n;
	struct addr nobody = { .kind = ADDR_NONE }, unix_peer = { .kind = ADDR_UNIX };
	ck_assert(netblock_parse(SLICE("0.0.0.0/0"), &n));
	ck_assert(!netblock_has(&n, &nobody) && !netblock_has(&n, &unix_peer));
	n = (struct netblock){ .kind = ADDR_UNIX };
	ck_assert(!netblock_has(&n, &unix_peer));
}
END_TEST

START_TEST(what_is_no_network)
{
	static const char *const bad[] = { "",
					   "/",
					   "/8",
					   "10.0.0.0/",
					   "10.0.0.0/33",
					   "10.0.0.0/-1",
					   "10.0.0.0/+8",
					   "10.0.0.0/8x",
					   "10.0.0/8",
					   "10.0.0.0.0",
					   "::/129",
					   "::/0128",
					   "localhost",
					   " 1.2.3.4",
					   "1.2.3.4/8/8",
					   "fe80::1%lo" };
	struct netblock n;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(!netblock_parse(slice_of(bad[i]), &n), "%s", bad[i]);
	ck_assert(!netblock_parse(slice_make("1.2.3.4\0x", 9), &n));
}
END_TEST

static void assert_mask(const char *ip, const char *mask, const char *text)
{
	struct netblock n;
	char out[NETBLOCK_TEXT_BYTES];
	bool ok = netblock_parse_mask(slice_of(ip), slice_of(mask), &n);
	ck_assert_msg(ok == (text != NULL), "%s %s", ip, mask);
	if (ok)
		ck_assert_str_eq(netblock_text(&n, out), text);
}

START_TEST(masks)
{
	assert_mask("10.0.0.0", "255.0.0.0", "10.0.0.0/8");
	assert_mask("10.0.0.0", "255.0.255.0", "10.0.0.0 255.0.255.0");
	assert_mask("10.0.0.1", "0.0.0.0", "10.0.0.1/0");
	assert_mask("fe80::", "ffff::", "fe80::/16");
	assert_mask("fe80::", "ff00::ff", "fe80:: ff00::ff");
	assert_mask("10.0.0.0", "ffff::", NULL);
	assert_mask("fe80::", "255.0.0.0", NULL);
	assert_mask("10.0.0.0", "8", NULL);
	assert_mask("x", "255.0.0.0", NULL);

	struct netblock n;
	struct addr in = address("10.77.5.1"), out = address("10.77.6.1");
	ck_assert(netblock_parse_mask(SLICE("10.0.5.0"), SLICE("255.0.255.0"), &n));
	ck_assert(netblock_has(&n, &in) && !netblock_has(&n, &out));
}
END_TEST

START_TEST(this_machine)
{
	struct netblock nets[64];
	struct addr self = address("127.0.0.1"), other = address("127.0.0.2");
	bool has_self = false, has_other = false, net_has_other = false;
	size_t count = netblock_local(true, nets, 64);
	for (size_t i = 0; i < count; i++) {
		has_self |= netblock_has(&nets[i], &self);
		has_other |= netblock_has(&nets[i], &other);
	}
	count = netblock_local(false, nets, 64);
	for (size_t i = 0; i < count; i++)
		net_has_other |= netblock_has(&nets[i], &other);
	ck_assert(has_self && !has_other && net_has_other);
	ck_assert_uint_eq(netblock_local(true, nets, 1), 1);
}
END_TEST

START_TEST(sets)
{
	struct netset s = { .nets = NULL };
	struct addr in = address("10.1.1.1"), in6 = address("::1"), out = address("11.1.1.1"),
		    unix_peer = { .kind = ADDR_UNIX }, nobody = { .kind = ADDR_NONE };
	ck_assert(!netset_has(&s, &in) && !netset_has(&s, &unix_peer));
	ck_assert(netset_add(&s, SLICE("10.0.0.0/8")) && netset_add(&s, SLICE("::1")));
	ck_assert(netset_has(&s, &in) && netset_has(&s, &in6));
	ck_assert(!netset_has(&s, &out) && !netset_has(&s, &unix_peer));
	ck_assert(!netset_add(&s, SLICE("Unix")) && !netset_add(&s, SLICE("10.0.0.0/40")));
	ck_assert(netset_add(&s, SLICE("unix")));
	ck_assert(netset_has(&s, &unix_peer) && !netset_has(&s, &nobody));
	netset_fini(&s);
	ck_assert(!netset_has(&s, &in) && !netset_has(&s, &unix_peer));
}
END_TEST

Suite *netblock_suite(void)
{
	Suite *s = suite_create("netblock");
	TCase *tc = tcase_create("networks");
	tcase_add_test(tc, what_is_in_a_network);
	tcase_add_test(tc, who_has_no_address);
	tcase_add_test(tc, what_is_no_network);
	tcase_add_test(tc, masks);
	tcase_add_test(tc, this_machine);
	tcase_add_test(tc, sets);
	suite_add_tcase(s, tc);
	return s;
}
