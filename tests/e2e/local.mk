# End-to-end tests: pytest, a real PostgreSQL and the program as it was built.
#
#	make check-e2e            all of them
#	make check-e2e E2E=-k\ cancel

EXTRA_DIST += \
	tests/e2e/authority.py \
	tests/e2e/cluster.py \
	tests/e2e/conftest.py \
	tests/e2e/differential \
	tests/e2e/drivers \
	tests/e2e/fakeserver.py \
	tests/e2e/faultproxy.py \
	tests/e2e/judges.py \
	tests/e2e/pooler.py \
	tests/e2e/pytest.ini \
	tests/e2e/rawwire.py \
	tests/e2e/stale.py \
	tests/e2e/strictserver.py \
	tests/e2e/test_auth.py \
	tests/e2e/test_auth_hostile.py \
	tests/e2e/test_auth_ldap.py \
	tests/e2e/test_auth_pam.py \
	tests/e2e/test_auth_query.py \
	tests/e2e/test_auth_table.py \
	tests/e2e/test_auth_times.py \
	tests/e2e/test_auto.py \
	tests/e2e/test_auto_faults.py \
	tests/e2e/test_auto_model.py \
	tests/e2e/test_balance.py \
	tests/e2e/test_batch_model.py \
	tests/e2e/test_cancel.py \
	tests/e2e/test_chaos.py \
	tests/e2e/test_client_gone.py \
	tests/e2e/test_console.py \
	tests/e2e/test_differential.py \
	tests/e2e/test_drivers.py \
	tests/e2e/test_drivers_auto.py \
	tests/e2e/test_gate.py \
	tests/e2e/test_hba.py \
	tests/e2e/test_hidden.py \
	tests/e2e/test_hidden_known.py \
	tests/e2e/test_hostile.py \
	tests/e2e/test_effects_oracle.py \
	tests/e2e/test_era.py \
	tests/e2e/test_keep.py \
	tests/e2e/test_limits.py \
	tests/e2e/test_listen.py \
	tests/e2e/test_login.py \
	tests/e2e/test_login_left.py \
	tests/e2e/test_modes.py \
	tests/e2e/test_names_model.py \
	tests/e2e/test_no_pipeline.py \
	tests/e2e/test_numbers.py \
	tests/e2e/test_odd_batches.py \
	tests/e2e/test_opening.py \
	tests/e2e/test_operations.py \
	tests/e2e/test_pass.py \
	tests/e2e/test_pipeline.py \
	tests/e2e/test_pools.py \
	tests/e2e/test_prepared.py \
	tests/e2e/test_prepared_sql.py \
	tests/e2e/test_prepared_freed.py \
	tests/e2e/test_prepared_meaning.py \
	tests/e2e/test_program.py \
	tests/e2e/test_protocol.py \
	tests/e2e/test_proxy_protocol.py \
	tests/e2e/test_quickstart.py \
	tests/e2e/test_regress.py \
	tests/e2e/test_replication.py \
	tests/e2e/test_resources.py \
	tests/e2e/test_reset_model.py \
	tests/e2e/test_reset_positions.py \
	tests/e2e/test_restore.py \
	tests/e2e/test_secrets.py \
	tests/e2e/test_server_gone.py \
	tests/e2e/test_setting_names.py \
	tests/e2e/test_slowlog.py \
	tests/e2e/test_smoke.py \
	tests/e2e/test_stale_plan.py \
	tests/e2e/test_stale_types.py \
	tests/e2e/test_stale_unnamed.py \
	tests/e2e/test_startup.py \
	tests/e2e/test_tls.py \
	tests/e2e/test_tls_server.py \
	tests/e2e/test_tools_auto.py \
	tests/e2e/test_traps.py \
	tests/e2e/tsan.supp \
	tests/e2e/tlswire.py \
	tests/e2e/waiting.py

E2E =
check-e2e: pgweir
	cd $(srcdir)/tests/e2e && \
	PGWEIR_BIN=$(abs_builddir)/pgweir PYTHONDONTWRITEBYTECODE=1 $(TEST_PYTHON) -m pytest -n 2 $(E2E)
.PHONY: check-e2e
