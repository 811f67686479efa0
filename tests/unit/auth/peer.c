/*
 * peer.c - what the tests of both sides share: known secrets, and taking messages apart.
 */
#include "check_auth.h"

const struct known known_ascii[2] = {
	{ "secret", "SCRAM-SHA-256$4096:4couKAzy2Mlw4nyVBPcAEA==$73X+hmpqdxtP3XULrKUKjCGN7J7onbNp5"
		    "layXfJxSc4=:f/8fOZncXfGQw2Y1H9SA+yZGBWfjnmcH9sUAuJitMO4=" },
	{ "pencil", "SCRAM-SHA-256$4096:fTMfL27pvdvLk5QZGY72PQ==$SyHSR+9y8YMQWwAuFSjznA84SmaYNnPBY"
		    "hEYDM6Yy4A=:Ppph7qkGI3RFpxmqGdsgdjMFoB1hEtDOSdf7zQlaIK4=" },
};

static uint32_t peer_u32(struct slice s)
{
	uint32_t v = 0;
	for (size_t i = 0; i < 4; i++)
		v = v << 8 | (uint8_t)s.ptr[i];
	return v;
}

char peer_take(struct buf *b, struct buf *to)
{
	struct slice s = buf_slice(b);
	ck_assert(!buf_failed(b));
	ck_assert_uint_ge(s.len, 5);
	uint32_t len = peer_u32(slice_skip(s, 1));
	ck_assert_uint_ge(len, 4);
	ck_assert_uint_ge(s.len, 1 + (size_t)len);
	char type = s.ptr[0];
	buf_clear(to);
	buf_add(to, s.ptr + 5, len - 4);
	buf_consume(b, 1 + (size_t)len);
	return type;
}

uint32_t peer_take_auth(struct buf *b, struct buf *to)
{
	ck_assert_int_eq(peer_take(b, to), 'R');
	ck_assert_uint_ge(buf_len(to), 4);
	uint32_t code = peer_u32(buf_slice(to));
	buf_consume(to, 4);
	return code;
}
