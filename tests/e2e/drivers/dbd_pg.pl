# DBD::Pg as it comes: statements that the server prepares and SQL that deallocates them, quoting, arrays, savepoints, COPY,
# large objects, last_insert_id, LISTEN, in turns over more connections than there are servers.
use strict;
use warnings;
use DBI qw(:sql_types);
use DBD::Pg qw(:pg_types);

my ($port, $database) = @ARGV;
my $where = "dbi:Pg:host=127.0.0.1;port=$port;dbname=$database;sslmode=disable";

sub same {
	my ($got, $wanted) = map { join "|", map { $_ // "NULL" } ref $_ ? @$_ : $_ } @_;
	die "not '$wanted' but '$got', line " . (caller)[2] . "\n" if $got ne $wanted;
}

sub opened {
	return DBI->connect($where, "app", "", { RaiseError => 1, PrintError => 0, PrintWarn => 0, @_ });
}

sub turn {
	my ($dbh, $who, $n) = @_;
	my $odd = "it's \\ $who.$n";
	same($dbh->selectrow_array("select " . $dbh->quote($odd)), $odd);
	my $asked = $dbh->prepare("select ?::int + 1, ?::text, current_setting('my.tenant')");
	for my $more (1 .. 3) {
		$asked->execute($n + $more, $odd);
		same([$asked->fetchrow_array], [$n + $more + 1, $odd, $who]);
		$asked->finish;
	}
	same($dbh->selectrow_array("select ?::int[]", undef, [$who, $n])->[1], $n);
	$dbh->begin_work;
	$dbh->do("create temp table scratch (a int, b bytea) on commit drop");
	$dbh->pg_savepoint("before");
	my $insert = $dbh->prepare("insert into scratch values (?, ?)");
	$insert->bind_param(1, $who);
	$insert->bind_param(2, "\0\1$n", { pg_type => PG_BYTEA });
	$insert->execute;
	eval { $dbh->do("select 1/0") };
	same($dbh->state, "22012");
	$dbh->pg_rollback_to("before");
	$insert->execute($n, "\0\2");
	same($dbh->selectall_arrayref("select a, b from scratch")->[0], [$n, "\0\2"]);
	$dbh->do("insert into of_dbd (who, n) values (?, ?)", undef, $who, $n);
	$n % 2 ? $dbh->rollback : $dbh->commit;
	same($dbh->ping, 1);
}

sub copies {
	my ($dbh) = @_;
	$dbh->do("copy of_dbd (who, n) from stdin");
	$dbh->pg_putcopydata("77\t$_\n") for 1 .. 2000;
	$dbh->pg_putcopyend;
	$dbh->do("copy (select n from of_dbd where who = 77 order by n) to stdout");
	my ($line, $sum) = ("", 0);
	$sum += $line while $dbh->pg_getcopydata($line) >= 0;
	same($sum, 2001000);
}

sub large_object {
	my ($dbh) = @_;
	$dbh->begin_work;
	my $object = $dbh->pg_lo_creat($dbh->{pg_INV_WRITE} | $dbh->{pg_INV_READ});
	my $fd = $dbh->pg_lo_open($object, $dbh->{pg_INV_WRITE});
	same($dbh->pg_lo_write($fd, "x" x 5000, 5000), 5000);
	$dbh->commit;
	$dbh->begin_work;
	$fd = $dbh->pg_lo_open($object, $dbh->{pg_INV_READ});
	my $back = "";
	same($dbh->pg_lo_read($fd, $back, 9000), 5000);
	same($back, "x" x 5000);
	$dbh->pg_lo_unlink($object);
	$dbh->commit;
}

# The number of an insert is asked for in a later transaction: who asks keeps a server.
sub numbers {
	my ($dbh, $who) = @_;
	$dbh->do("insert into of_dbd (who) values (?)", undef, $who);
	my $id = $dbh->last_insert_id(undef, undef, "of_dbd", undef);
	same($dbh->selectrow_array("select who from of_dbd where id = ?", undef, $id), $who);
}

opened()->do("create table of_dbd (id serial primary key, who int, n int)");
my @all = map { opened() } 0 .. 9;
$all[$_]->do("set my.tenant = '$_'") for 0 .. 9;
my @kept = map { $_->prepare("select ?::int * 2, current_setting('my.tenant')") } @all;
for my $n (0 .. 4) {
	for my $who (0 .. 9) {
		$kept[$who]->execute($n);
		same([$kept[$who]->fetchrow_array], [2 * $n, $who]);
		turn($all[$who], $who, $n);
	}
}
same($all[0]->selectrow_array("select count(*) from of_dbd"), 30);
copies($all[3]);
large_object($all[4]);
same([$all[5]->tables(undef, "public", "of_dbd", "TABLE")], ["public.of_dbd"]);
same([map { $_->{COLUMN_NAME} } @{ $all[6]->column_info(undef, "public", "of_dbd", "%")->fetchall_arrayref({}) }],
	["id", "who", "n"]);

my $unattended = opened(AutoCommit => 0);
$unattended->do("insert into of_dbd (who) values (55)");
$unattended->commit;
$unattended->do("insert into of_dbd (who) values (55)");
$unattended->disconnect;
same($all[7]->selectrow_array("select count(*) from of_dbd where who = 55"), 1);

$all[1]->do("listen of_perl");
$all[2]->do("select pg_notify('of_perl', ?)", undef, $_) for 1, 2;
my @heard;
while (@heard < 2) {
	my $note = $all[1]->pg_notifies or next;
	push @heard, $note->[2];
}
same(\@heard, [1, 2]);
$all[1]->do("unlisten *");
eval { numbers($all[8], 8) }; # the first of all who asks may be told that there is none
same($all[8]->state, "55000") if $@;
numbers($all[8], 8) for 1 .. 3;
undef @kept;
$_->disconnect for @all;
print "all is well\n";
