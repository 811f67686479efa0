noinst_LIBRARIES += src/proxy/libproxy.a
src_proxy_libproxy_a_SOURCES = \
	src/proxy/aside.c \
	src/proxy/aside.h \
	src/proxy/authquery.c \
	src/proxy/authquery.h \
	src/proxy/authtalk.c \
	src/proxy/authtalk.h \
	src/proxy/authtarget.c \
	src/proxy/authtarget.h \
	src/proxy/bailiff.c src/proxy/bailiff.h \
	src/proxy/balancer.c src/proxy/balancer.h \
	src/proxy/batch.c \
	src/proxy/batch.h \
	src/proxy/branch.c \
	src/proxy/branch.h \
	src/proxy/came.c \
	src/proxy/came.h \
	src/proxy/cancel.c \
	src/proxy/cancel.h \
	src/proxy/canceler.c \
	src/proxy/canceler.h \
	src/proxy/capmail.c src/proxy/capmail.h \
	src/proxy/client.c \
	src/proxy/client.h \
	src/proxy/client_deadline.c \
	src/proxy/client_move.c src/proxy/client_move.h \
	src/proxy/command.c \
	src/proxy/command.h \
	src/proxy/connector.c \
	src/proxy/connector.h \
	src/proxy/connector_address.c \
	src/proxy/connector_address.h \
	src/proxy/connector_attempt.c \
	src/proxy/connector_attempt.h \
	src/proxy/connector_cancel.c \
	src/proxy/connector_cancel.h \
	src/proxy/connector_exchange.c \
	src/proxy/connector_exchange.h \
	src/proxy/connector_fault.c \
	src/proxy/connector_fault.h \
	src/proxy/connector_hosts.c \
	src/proxy/connector_hosts.h \
	src/proxy/connector_options.c \
	src/proxy/connector_options.h \
	src/proxy/connector_steps.c \
	src/proxy/connector_steps.h \
	src/proxy/connector_talk.c \
	src/proxy/connector_talk.h \
	src/proxy/connector_terms.c \
	src/proxy/connector_terms.h \
	src/proxy/connector_tls.c \
	src/proxy/connector_tls.h \
	src/proxy/dbtarget.c \
	src/proxy/dbtarget.h \
	src/proxy/define.c src/proxy/define.h \
	src/proxy/discard.c \
	src/proxy/discard.h \
	src/proxy/door.c src/proxy/door.h \
	src/proxy/doorkeeper.c \
	src/proxy/doorkeeper.h \
	src/proxy/ear.c \
	src/proxy/ear.h \
	src/proxy/ear_hear.c src/proxy/ear_hear.h \
	src/proxy/ear_queue.c src/proxy/ear_queue.h \
	src/proxy/ear_text.c \
	src/proxy/ear_text.h \
	src/proxy/era.c src/proxy/era.h \
	src/proxy/errand.c \
	src/proxy/errand.h \
	src/proxy/harmless.c \
	src/proxy/harmless.h \
	src/proxy/heir.c \
	src/proxy/heir.h \
	src/proxy/helper.c \
	src/proxy/helper.h \
	src/proxy/hidden.c src/proxy/hidden.h \
	src/proxy/hub.c \
	src/proxy/hub.h \
	src/proxy/hub_place.c \
	src/proxy/hub_place.h \
	src/proxy/hub_sql.c \
	src/proxy/hub_sql.h \
	src/proxy/hub_table.c \
	src/proxy/hub_table.h \
	src/proxy/inspect.c \
	src/proxy/inspect.h \
	src/proxy/intake.c \
	src/proxy/intake.h \
	src/proxy/journal.c \
	src/proxy/journal.h \
	src/proxy/journal_texts.c \
	src/proxy/journal_texts.h \
	src/proxy/keep.c \
	src/proxy/keep.h \
	src/proxy/leftover.c \
	src/proxy/leftover.h \
	src/proxy/learn.c src/proxy/learn.h \
	src/proxy/learn_sql.c src/proxy/learn_sql.h \
	src/proxy/lend.c src/proxy/lend.h \
	src/proxy/localpool.c \
	src/proxy/localpool.h \
	src/proxy/login.c \
	src/proxy/login.h \
	src/proxy/login_auth.c \
	src/proxy/login_away.c \
	src/proxy/login_front.c \
	src/proxy/login_gate.c \
	src/proxy/login_parts.h \
	src/proxy/login_rule.c \
	src/proxy/login_rule.h \
	src/proxy/login_start.c \
	src/proxy/login_tls.c \
	src/proxy/moves.c src/proxy/moves.h \
	src/proxy/note.c \
	src/proxy/note.h \
	src/proxy/numbers.c src/proxy/numbers.h \
	src/proxy/opening.c \
	src/proxy/opening.h \
	src/proxy/passcheck.c \
	src/proxy/passcheck.h \
	src/proxy/paramset.c \
	src/proxy/paramset.h \
	src/proxy/paramset_sql.c \
	src/proxy/paramset_sql.h \
	src/proxy/prepared.c \
	src/proxy/prepared.h \
	src/proxy/prepared_answer.c \
	src/proxy/prepared_answer.h \
	src/proxy/prepared_executed.c \
	src/proxy/prepared_executed.h \
	src/proxy/prepared_names.c \
	src/proxy/prepared_names.h \
	src/proxy/prepared_portals.c \
	src/proxy/prepared_portals.h \
	src/proxy/prepared_scene.c \
	src/proxy/prepared_scene.h \
	src/proxy/prepared_set.c \
	src/proxy/prepared_set.h \
	src/proxy/prepared_text.c \
	src/proxy/prepared_text.h \
	src/proxy/prepared_turn.c \
	src/proxy/prepared_turn.h \
	src/proxy/prepared_unnamed.c \
	src/proxy/prepared_unnamed_turn.c \
	src/proxy/prepared_unnamed.h \
	src/proxy/prepared_unnamed_turn.h \
	src/proxy/proven.c src/proxy/proven.h \
	src/proxy/proxy.c \
	src/proxy/proxy.h \
	src/proxy/registry.c \
	src/proxy/registry.h \
	src/proxy/relay.h \
	src/proxy/relay_from_client.c \
	src/proxy/relay_from_server.c \
	src/proxy/replication.c \
	src/proxy/replication.h \
	src/proxy/report.c \
	src/proxy/report.h \
	src/proxy/reset.c \
	src/proxy/reset.h \
	src/proxy/retry.c \
	src/proxy/retry.h \
	src/proxy/route.c \
	src/proxy/route.h \
	src/proxy/seam.c \
	src/proxy/seam.h \
	src/proxy/seat.c \
	src/proxy/seat.h \
	src/proxy/server.c \
	src/proxy/server_cancel.c \
	src/proxy/server_close.c \
	src/proxy/server.h \
	src/proxy/server_link.c \
	src/proxy/server_login.c \
	src/proxy/server_move.c \
	src/proxy/server_param.c \
	src/proxy/setup.c \
	src/proxy/setup.h \
	src/proxy/shape.c \
	src/proxy/shape.h \
	src/proxy/spare.c \
	src/proxy/spare.h \
	src/proxy/site.c src/proxy/site.h \
	src/proxy/startparams.c \
	src/proxy/startparams.h \
	src/proxy/stats.h \
	src/proxy/stmt.c \
	src/proxy/stmt.h \
	src/proxy/suspect.c src/proxy/suspect.h \
	src/proxy/swap.c src/proxy/swap.h \
	src/proxy/vacate.c \
	src/proxy/vacate.h \
	src/proxy/whole.c \
	src/proxy/whole.h \
	src/proxy/worker.c \
	src/proxy/worker.h \
	src/proxy/worker_report.c \
	src/proxy/worn.c \
	src/proxy/worn.h
