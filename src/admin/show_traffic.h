/*
 * show_traffic.h - the SHOWs about clients, servers, pools and what was counted for them.
 *
 * For admin/show.c alone. Thread: main.
 */
#ifndef ADMIN_SHOW_TRAFFIC_H
#define ADMIN_SHOW_TRAFFIC_H

struct answer;
struct show;

void show_traffic_pools(const struct show *in, struct answer *out);
void show_traffic_clients(const struct show *in, struct answer *out);
void show_traffic_servers(const struct show *in, struct answer *out);
void show_traffic_kept(const struct show *in, struct answer *out);
void show_traffic_listeners(const struct show *in, struct answer *out);
void show_traffic_sockets(const struct show *in, struct answer *out);
void show_traffic_active_sockets(const struct show *in, struct answer *out);
void show_traffic_stats(const struct show *in, struct answer *out);
void show_traffic_totals(const struct show *in, struct answer *out);
void show_traffic_lists(const struct show *in, struct answer *out);
void show_traffic_workers(const struct show *in, struct answer *out);

#endif
