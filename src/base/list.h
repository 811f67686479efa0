/*
 * list.h - doubly linked lists whose links live inside the objects.
 *
 * The head and a node are the same struct. A node that is on no list points to
 * itself (list_init, list_remove), so that removing it again does no harm and
 * list_is_on() tells. A list owns nothing.
 *
 * Thread: whoever owns the list.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

#include "base/bug.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name)                                                                            \
	{                                                                                          \
		&(name), &(name)                                                                   \
	}

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline bool list_is_on(const struct list *node)
{
	return node->next != node;
}

static inline void list_insert_(struct list *node, struct list *prev, struct list *next)
{
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}

static inline void list_push_front(struct list *head, struct list *node)
{
	list_insert_(node, head, head->next);
}

static inline void list_push_back(struct list *head, struct list *node)
{
	list_insert_(node, head->prev, head);
}

static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#define LIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)

/* The first or last object, or NULL where the list is empty. */
#define LIST_FIRST(head, type, member)                                                             \
	(list_is_empty(head) ? NULL : LIST_ENTRY((head)->next, type, member))
#define LIST_LAST(head, type, member)                                                              \
	(list_is_empty(head) ? NULL : LIST_ENTRY((head)->prev, type, member))

/* Walks the nodes; `tmp` lets the body remove the node that it is at. */
#define LIST_EACH(node, tmp, head)                                                                 \
	for (struct list *node = (head)->next, *tmp = node->next; node != (head);                  \
	     node = tmp, tmp = node->next)

#endif
