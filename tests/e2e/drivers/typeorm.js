// TypeORM as it comes: migrations in one transaction and in none, entities, a query runner that holds a connection, streams of rows.
const assert = require("node:assert");
const { DataSource, EntitySchema } = require("typeorm");

class First1700000000001 {
	async up(runner) {
		await runner.query("create table account (id serial primary key, name text unique, tags text[] not null default '{}')");
		await runner.query("create table entry (id uuid primary key default gen_random_uuid(), amount numeric(10, 2), " +
			"\"accountId\" int references account)");
	}
	async down(runner) { await runner.query("drop table entry; drop table account"); }
}
class Second1700000000002 {
	constructor() { this.transaction = false; }
	async up(runner) { await runner.query("create index concurrently by_amount on entry (amount)"); }
	async down(runner) { await runner.query("drop index concurrently if exists by_amount"); }
}

const Account = new EntitySchema({
	name: "account",
	columns: { id: { type: Number, primary: true, generated: true }, name: { type: "text", unique: true },
		tags: { type: "text", array: true, default: [] } },
	relations: { entries: { type: "one-to-many", target: "entry", inverseSide: "account", cascade: true } },
});
const Entry = new EntitySchema({
	name: "entry",
	columns: { id: { type: "uuid", primary: true, generated: "uuid" }, amount: { type: "numeric", precision: 10, scale: 2 } },
	relations: { account: { type: "many-to-one", target: "account", inverseSide: "entries" } },
});
const db = new DataSource({
	type: "postgres", host: "127.0.0.1", port: Number(process.argv[2]), username: "app", database: process.argv[3],
	entities: [Account, Entry], migrations: [First1700000000001, Second1700000000002], extra: { max: 10 },
});

async function work(who) {
	const account = await db.getRepository(Account).save(
		{ name: `account${who}`, tags: ["a", `t${who}`], entries: [{ amount: who }, { amount: 0.25 }] });
	await assert.rejects(db.transaction("SERIALIZABLE", async (manager) => {
		await manager.delete(Entry, { account: { id: account.id } });
		await manager.query("select 1/0");
	}), { code: "22012" });
	const runner = db.createQueryRunner();
	await runner.connect();
	await runner.query(`set my.tenant = 'tenant${who}'`);
	await runner.startTransaction();
	await runner.startTransaction(); // a savepoint
	await runner.manager.update(Account, account.id, { name: "nobody" });
	await runner.rollbackTransaction();
	await runner.commitTransaction();
	assert.deepStrictEqual(await runner.query("select current_setting('my.tenant') as is"), [{ is: `tenant${who}` }]);
	await runner.query("reset my.tenant");
	await runner.release();
	const back = await db.getRepository(Account).findOne({ where: { name: `account${who}` }, relations: { entries: true } });
	assert.deepStrictEqual(back.tags, ["a", `t${who}`]);
	assert.strictEqual(back.entries.reduce((sum, entry) => sum + Number(entry.amount), 0), who + 0.25);
}

async function main() {
	await db.initialize();
	assert.strictEqual(await db.showMigrations(), true);
	await db.runMigrations({ transaction: "each" });
	assert.strictEqual(await db.showMigrations(), false);
	await Promise.all(Array.from({ length: 20 }, (_, who) => work(who)));
	const { sum } = await db.getRepository(Entry).createQueryBuilder("e").select("sum(e.amount)", "sum").getRawOne();
	assert.strictEqual(Number(sum), 195);
	await db.synchronize();
	assert.strictEqual(await db.getRepository(Account).count(), 20);
	await db.undoLastMigration({ transaction: "none" });
	await db.undoLastMigration({ transaction: "each" });
	assert.deepStrictEqual(await db.query("select tablename from pg_tables where schemaname = 'public'"),
		[{ tablename: "migrations" }]);
	await db.destroy();
	console.log("all is well");
}

main().catch((error) => { console.error(error); process.exit(1); });
