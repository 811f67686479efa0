noinst_LIBRARIES += src/auth/libauth.a
src_auth_libauth_a_SOURCES = \
	src/auth/auth.c src/auth/auth.h src/auth/auth_parts.h \
	src/auth/auth_password.c src/auth/auth_scram.c \
	src/auth/authcache.c src/auth/authcache.h \
	src/auth/authlines.c src/auth/authlines.h \
	src/auth/authrow.c src/auth/authrow.h \
	src/auth/authtries.c src/auth/authtries.h \
	src/auth/base64.c src/auth/base64.h \
	src/auth/entropy.c src/auth/entropy.h \
	src/auth/hba.c src/auth/hba.h \
	src/auth/hbaline.c src/auth/hbaline.h \
	src/auth/ident.c src/auth/ident.h \
	src/auth/ldapopts.c src/auth/ldapopts.h \
	src/auth/judge.c src/auth/judge.h \
	src/auth/judge_ldap.c src/auth/judge_ldap.h \
	src/auth/judge_pam.c src/auth/judge_pam.h \
	src/auth/judge_peer.c src/auth/judge_peer.h \
	src/auth/md5.c src/auth/md5.h \
	src/auth/namepat.c src/auth/namepat.h \
	src/auth/saslprep.c src/auth/saslprep.h \
	src/auth/scram.c src/auth/scram.h \
	src/auth/scram_client.c src/auth/scram_client.h \
	src/auth/scram_server.c src/auth/scram_server.h \
	src/auth/secret.c src/auth/secret.h \
	src/auth/userlist.c src/auth/userlist.h
