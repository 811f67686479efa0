<?php
// PDO and the pgsql extension as they come: prepared by the server, emulated, transactions, COPY, sequences, LISTEN, in turns over
// more connections than there are servers.
[, $port, $database] = $argv;
$where = "host=127.0.0.1 port=$port dbname=$database user=app sslmode=disable";

function same($got, $wanted)
{
	if ($got !== $wanted)
		throw new Exception("not " . var_export($wanted, true) . " but " . var_export($got, true));
}

function one($connection, $text, $values = [])
{
	$statement = $connection->prepare($text);
	$statement->execute($values);
	return $statement->fetchColumn();
}

function turn($connection, $who, $n)
{
	same(one($connection, "select cast(? as int) + 1", [$n]), $n + 1);
	same(one($connection, "select current_setting('my.tenant')"), "$who");
	$connection->beginTransaction();
	$connection->exec("create temp table scratch (a int) on commit drop");
	$connection->prepare("insert into scratch values (:a)")->execute(["a" => $who]);
	same(one($connection, "select a from scratch"), $who);
	$insert = $connection->prepare("insert into of_pdo (who, n) values (?, ?)");
	$insert->execute([$who, $n]);
	$id = $connection->lastInsertId("of_pdo_id_seq");
	same(one($connection, "select n from of_pdo where id = ? and who = ?", [$id, $who]), $n);
	$n % 2 ? $connection->rollBack() : $connection->commit();
}

$open = fn() => new PDO("pgsql:$where", null, null, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
$open()->exec("create table of_pdo (id serial, who int, n int)");
$all = array_map(fn() => $open(), range(0, 9));
foreach ($all as $who => $connection) {
	$connection->setAttribute(PDO::ATTR_EMULATE_PREPARES, $who % 3 == 0);
	$connection->exec("set my.tenant = '$who'");
}
$kept = array_map(fn($connection) => $connection->prepare("select cast(? as int) * 2, current_setting('my.tenant')"), $all);
for ($n = 0; $n < 6; $n++)
	foreach ($all as $who => $connection) {
		$kept[$who]->execute([$n]);
		same($kept[$who]->fetch(PDO::FETCH_NUM), [2 * $n, "$who"]);
		$kept[$who]->closeCursor();
		if ($who < 2) // who asks for a number keeps a server
			turn($connection, $who, $n);
	}
try {
	$all[3]->query("select 1/0");
	throw new Exception("it can be divided");
} catch (PDOException $error) {
	same($error->getCode(), "22012");
}
$all[2]->pgsqlCopyFromArray("of_pdo", ["1000\t2\t7\n", "1001\t2\t8\n"]);
same($all[2]->pgsqlCopyToArray("(select n from of_pdo where id >= 1000 order by n)"), ["7\n", "8\n"]);
$kept = $all = $connection = null;

[$hears, $says] = [pg_connect($where, PGSQL_CONNECT_FORCE_NEW), pg_connect($where, PGSQL_CONNECT_FORCE_NEW)];
pg_query($hears, "listen of_php");
foreach ([1, 2] as $n)
	pg_query_params($says, 'select pg_notify($1, $2)', ["of_php", "$n"]);
for ($heard = []; count($heard) < 2;)
	if ($got = pg_get_notify($hears, PGSQL_ASSOC))
		$heard[] = $got["payload"];
	else
		pg_query($hears, "select 1");
same($heard, ["1", "2"]);
echo "all is well\n";
