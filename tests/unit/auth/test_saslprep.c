/*
 * test_saslprep.c - passwords outside ASCII, against the secrets that PostgreSQL 15 made of them.
 *
 * A secret fits if the password prepared our way and salted as the secret says gives its keys.
 */
#include "config.h"

#include "auth/saslprep.h"

#include <stdlib.h>

#include "auth/scram.h"
#include "check_auth.h"

static const struct known prepared[] = {
	/* ASCII is used as it is, control characters too */
	{ "\007", "SCRAM-SHA-256$4096:ozcZu/lMtij3aq8rpiGH/w==$1TCsFKvPzhSiCmwtvzyuhPZAtPP8Kg3aTuEi"
		  "wuvGmpU=:iEo/jtGl+FwhTuoG2l+PZtYK/duAb6ktRw6AkzreaTQ=" },
	{ "tab\011and space", "SCRAM-SHA-256$4096:89bE8eB9uukdVCIHKDpW4Q==$Xv5FoNm1OFOPXAwebzLI/Faf"
			      "cdKMM+HMQqHv5/LG48M=:0kdC91mCBo+T5aJJyz51tmWru5rqlLr5TDlaDypPThc=" },
	/* in normal form already */
	{ "p\303\244ss", "SCRAM-SHA-256$4096:/qnJP431oa5L/Cz3xTd6BA==$trLSvmMhtWHjzaae/it2iHxO3drlF"
			 "1CZsvNWdE9milQ=:Sw+UUaqeul9RbkyVIkNv1mRKxDSFL7YkoOFSJI37hpQ=" },
	/* text of both directions; not in Unicode 3.2; a control character: as they are */
	{ "\330\2471", "SCRAM-SHA-256$4096:B2DR4iqF+A1bSv/1PPiPiA==$4m5tCg548GALtfhW5tq2q1rIY9q0R5M"
		       "gYeLRN4Os5ys=:/DZ7AtkKF2/mspq5Di+ZP+C8AF9TCDuU0EassVwzY5M=" },
	{ "\360\237\230\200", "SCRAM-SHA-256$4096:4atELGk5g32RhjCPCbYEWg==$QpVLExMTslMo6njUQwDzqB1o"
			      "7KUv/jL5NN6ProlZ0Kw=:btccz64aWYEDvwMvS0biSuhalgNttuDSMMuY+6pvsgg=" },
	{ "\310\241",
	  "SCRAM-SHA-256$4096:0yffUug4o6N43LCQALYjOg==$Wv1PWRBtF9OpsmYsOJ3McpiIIKTOLaKXW"
	  "0ZxUbYkxXI=:UNkyQgGKi5FrhTqseyyMtqPH4GOI/inpoTO7u64LMjc=" },
	{ "x\302\205y", "SCRAM-SHA-256$4096:xkuzbdij689lb7NYnQGYrQ==$siQ8bgVjz363Y1nQq3hA1Vio+TQqZu"
			"NDQvPSF30z8BA=:Rp3I7zlleqqm3bfA2c19l6XAdWc2skmDj4Kh9jut25g=" },
#ifdef HAVE_LIBIDN
	/* mapped to nothing, to something else, to a blank; composed */
	{ "I\302\255X", "SCRAM-SHA-256$4096:hfUTp+nLr0EQW3YFiUH/ag==$kifMlQ3hcdieR/am4cB87Yl9ClZ/BE"
			"sqKudRZRPnxRE=:bB8Z2oxEceHZI9WizbEShntGp5MLgCpgVivhr/SBpJ8=" },
	{ "\342\205\250", "SCRAM-SHA-256$4096:ononMmxjUmW0nmL4XyEeTQ==$P7zm3hrpJXZSZ0xd7dJLVNpS19IF"
			  "K3FMC/mQRseG8os=:ALezZDzEeAS0dB3YTeJ8pZkFMJ5aJiunYQ7IQ11s9Bo=" },
	{ "\302\252", "SCRAM-SHA-256$4096:DygqmpuearvHH6n47DYIkw==$gCgnH/w/I0KDAWzGD3wQqweyDwuFGUrk"
		      "lkXT3lplMnw=:NMHDEcPzHTqj/QLx2ukGZsExbR/dKIfy84uE0w0WEhw=" },
	{ "\357\254\201sh", "SCRAM-SHA-256$4096:/2wyACfEFlu3wHf24f6Oew==$nM35Xr9X4bp7tlrvWkSmlCo9qw"
			    "HLK55iLUBtN4W8fMY=:gRwjBILEcy/XCcl9uyIOIRBxwvZB6lUJneCKrH10ssA=" },
	{ "pa\314\210ss", "SCRAM-SHA-256$4096:DlWPPQTycFgHtCXt98Diig==$x/PVzB19oN069AqumlGvyOS7dkP0"
			  "oFr7mYgmtwLZoU4=:+ZuTkUSE5oHZ04eLZHXRAc9bvh18AGT6A8El+JULG7Q=" },
	{ "a\343\200\200b", "SCRAM-SHA-256$4096:m7ddYz3/PHyjG+9n2O/j5w==$ZXEDKpEgQEcyNwLkVyv5IP0Q6j"
			    "UNsjiGSc6xGbwfYBc=:qnlxuaaA9i69e9aJEz1xdko8KL/+ba1knePwX9T61ak=" },
	{ "\342\200\213", "SCRAM-SHA-256$4096:ShpI5RwrveIQg2FqXufz1Q==$ZLPc5d9E0DnGmMPcUucNASclOg4w"
			  "TFZ5igeU2RpuldI=:NCsJ5cXHhMtZFSJxxCxynmI2Mf/7nFY7W/rS3WEgIWw=" },
	{ "caf\303\251\342\201\264",
	  "SCRAM-SHA-256$4096:GsuQq1CslVcDBd8x+RB/SQ==$RRjA/2TaLBvDUjqJhM"
	  "ObAryfU9utaDjI7wuOpUD05MQ=:8ymRIHA8RJo46TTRlDVRLGpdmuaC4az1"
	  "AqFtOT0kj9o=" },
	{ "\316\251\342\204\246",
	  "SCRAM-SHA-256$4096:3gkf+v7YNf9ywMEkU1eBUA==$+lmNZb9PY/5b83QBsCVhL"
	  "dLMqscWwFmPYDFyaSbJxSo=:634zmoYx9YUMBNlN4EWQflGnRqW1A+Nd1g7umY"
	  "BTF4g=" },
#endif
};

START_TEST(as_postgresql_prepared_it)
{
	struct scram_verifier want, got;
	ck_assert(scram_parse_verifier(slice_of(prepared[_i].secret), &want));
	ck_assert(scram_make_verifier(slice_of(prepared[_i].password),
				      slice_make(want.salt, want.salt_bytes), want.iterations,
				      &got));
	ck_assert_mem_eq(got.stored_key, want.stored_key, SCRAM_KEY_BYTES);
	ck_assert_mem_eq(got.server_key, want.server_key, SCRAM_KEY_BYTES);
}
END_TEST

static void assert_stays(const char *password)
{
	char *p = saslprep_password(slice_of(password));
	ck_assert_str_eq(p, password);
	free(p);
}

START_TEST(what_is_not_utf8_stays_as_it_is)
{
	assert_stays("");
	assert_stays("\xff\xfe");
	assert_stays("caf\xe9");
	assert_stays("\xc3");             /* cut */
	assert_stays("\xc0\xaf");         /* overlong */
	assert_stays("\xed\xa0\x80");     /* a surrogate */
	assert_stays("\xf5\x80\x80\x80"); /* beyond Unicode */
	assert_stays("\xc2\xad");         /* nothing would be left of it */
}
END_TEST

Suite *suite_saslprep(void)
{
	Suite *s = suite_create("saslprep");
	TCase *tc = tcase_create("saslprep");
	tcase_add_loop_test(tc, as_postgresql_prepared_it, 0, COUNT_OF(prepared));
	tcase_add_test(tc, what_is_not_utf8_stays_as_it_is);
	suite_add_tcase(s, tc);
	return s;
}
