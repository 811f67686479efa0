/*
 * test_list.c - the doubly linked list.
 */
#include "base/list.h"

#include "check_base.h"

struct thing {
	int n;
	struct list link;
};

static int digits(struct list *head)
{
	int value = 0;
	LIST_EACH (node, tmp, head)
		value = value * 10 + LIST_ENTRY(node, struct thing, link)->n;
	return value;
}

START_TEST(keeps_order)
{
	struct list head = LIST_INIT(head);
	struct thing t[4];
	ck_assert(list_is_empty(&head));
	ck_assert_ptr_null(LIST_FIRST(&head, struct thing, link));
	for (int i = 0; i < 4; i++) {
		t[i].n = i + 1;
		list_init(&t[i].link);
		ck_assert(!list_is_on(&t[i].link));
	}
	list_push_back(&head, &t[1].link);
	list_push_back(&head, &t[2].link);
	list_push_front(&head, &t[0].link);
	list_push_back(&head, &t[3].link);
	ck_assert_int_eq(digits(&head), 1234);
	ck_assert_ptr_eq(LIST_FIRST(&head, struct thing, link), &t[0]);
	ck_assert_ptr_eq(LIST_LAST(&head, struct thing, link), &t[3]);

	list_remove(&t[1].link);
	list_remove(&t[1].link);
	ck_assert(!list_is_on(&t[1].link));
	ck_assert_int_eq(digits(&head), 134);

	LIST_EACH (node, tmp, &head)
		list_remove(node);
	ck_assert(list_is_empty(&head));
}
END_TEST

Suite *suite_list(void)
{
	Suite *s = suite_create("list");
	TCase *tc = tcase_create("list");
	tcase_add_test(tc, keeps_order);
	suite_add_tcase(s, tc);
	return s;
}
