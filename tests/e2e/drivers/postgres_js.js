// postgres.js as it comes: prepared statements by default, pipelined; transactions, savepoints, listen.
const assert = require("node:assert");
const postgres = require("postgres");

const where = { host: "127.0.0.1", port: Number(process.argv[2]), user: "app", database: process.argv[3], max: 12,
	onnotice: () => {} };

async function work(sql, who) {
	for (let n = 0; n < 15; n++) {
		const asked = await Promise.all([sql`select ${who}::int as who, ${n}::int as n`, sql`select ${[n, who]}::int[] as list`,
			sql`select ${`it's ${who}`} as text`]);
		assert.deepStrictEqual(asked.map((rows) => ({ ...rows[0] })), [{ who, n }, { list: [n, who] }, { text: `it's ${who}` }]);
		const done = sql.begin(async (tx) => {
			await tx`set local my.tenant = 'inside'`;
			await tx`insert into postgres_js values (${who}, ${n})`;
			await tx.savepoint((s) => s`select 1/0`).catch((error) => assert.strictEqual(error.code, "22012"));
			assert.strictEqual((await tx`select current_setting('my.tenant') as t`)[0].t, "inside");
			if (n % 3 === 0)
				throw new Error("no");
		});
		await (n % 3 === 0 ? assert.rejects(done, { message: "no" }) : done);
		assert.notStrictEqual((await sql`select current_setting('my.tenant', true) as t`)[0].t, "inside");
	}
}

async function main() {
	const sql = postgres(where);
	await sql`create table postgres_js (who int, n int)`;
	const heard = new Promise((resolve) => { sql.listen("postgres_js", resolve).then(() => sql.notify("postgres_js", "hello")); });
	await Promise.all(Array.from({ length: 20 }, (_, who) => work(sql, who)));
	assert.strictEqual(await heard, "hello");
	assert.deepStrictEqual({ ...(await sql`select count(*)::int as all, count(distinct who)::int as of from postgres_js`)[0] },
		{ all: 20 * 10, of: 20 });
	const rows = [];
	await sql`select generate_series(1, 100) as n`.cursor(7, (some) => { rows.push(...some.map((r) => r.n)); });
	assert.deepStrictEqual(rows, Array.from({ length: 100 }, (_, i) => i + 1));
	await sql.end();
	console.log("all is well");
}

main().catch((error) => { console.error(error); process.exit(1); });
