// node-postgres as it comes: simple, parameterised and named statements, a pool, transactions, LISTEN.
const assert = require("node:assert");
const { Client, Pool } = require("pg");

const where = { host: "127.0.0.1", port: Number(process.argv[2]), user: "app", database: process.argv[3] };

async function work(pool, who) {
	for (let n = 0; n < 20; n++) {
		const text = `${who}.${n}`;
		const asked = await pool.query("select $1::text as t, $2::int as n", [text, n]);
		assert.deepStrictEqual(asked.rows, [{ t: text, n }]);
		const named = await pool.query({ name: "named", text: "select $1::int * 2 as twice", values: [n] });
		assert.strictEqual(named.rows[0].twice, 2 * n);
		const own = await pool.query({ name: `own${who}`, text: `select '${who}' as who, $1::int as n`, values: [n] });
		assert.deepStrictEqual(own.rows, [{ who: String(who), n }]);
		const client = await pool.connect();
		try {
			await client.query("begin");
			await client.query("create temp table scratch (t text) on commit drop");
			await client.query("insert into scratch values ($1)", [text]);
			assert.deepStrictEqual((await client.query("select t from scratch")).rows, [{ t: text }]);
			await client.query("insert into node_pg values ($1, $2)", [who, n]);
			await client.query(n % 2 ? "rollback" : "commit");
		} finally {
			client.release();
		}
	}
}

async function listens() {
	const [client, other] = [new Client(where), new Client(where)];
	await Promise.all([client.connect(), other.connect()]);
	const heard = new Promise((resolve) => client.on("notification", resolve));
	await client.query("listen node_pg");
	await other.query("select pg_notify('node_pg', $1)", ["hello"]);
	assert.strictEqual((await heard).payload, "hello");
	await client.query("set my.tenant = 'of client'");
	await other.query("set my.tenant = 'of other'");
	for (const [c, tenant] of [[client, "of client"], [other, "of other"], [client, "of client"]])
		assert.strictEqual((await c.query("show my.tenant")).rows[0]["my.tenant"], tenant);
	await Promise.all([client.end(), other.end()]);
}

async function main() {
	const pool = new Pool({ ...where, max: 12 });
	await pool.query("create table node_pg (who int, n int)");
	await Promise.all(Array.from({ length: 24 }, (_, who) => work(pool, who)));
	const counted = await pool.query("select count(*)::int as all, count(distinct who)::int as of from node_pg");
	assert.deepStrictEqual(counted.rows, [{ all: 24 * 10, of: 24 }]);
	await assert.rejects(pool.query("select 1/0"), { code: "22012" });
	await pool.end();
	await listens();
	console.log("all is well");
}

main().catch((error) => { console.error(error); process.exit(1); });
