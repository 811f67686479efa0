// Knex as it comes: migrations under its lock (by several at once, of whom one may), transactions and savepoints, queries over a
// pool of its own.
const assert = require("node:assert");
const knex = require("knex");

const open = () => knex({
	client: "pg",
	connection: { host: "127.0.0.1", port: Number(process.argv[2]), user: "app", database: process.argv[3] },
	pool: { min: 0, max: 8 },
	log: { warn() {}, error() {} },
});

const steps = {
	"1_tables": {
		up: async (db) => {
			await db.schema.createTable("account", (t) => { t.increments("id"); t.string("name").unique(); });
			await db.schema.createTable("entry", (t) => {
				t.increments("id");
				t.integer("account_id").references("account.id").onDelete("cascade");
				t.decimal("amount", 10, 2).notNullable();
				t.timestamp("at").defaultTo(db.fn.now());
			});
		},
		down: (db) => db.schema.dropTable("entry").dropTable("account"),
	},
	"2_changes": {
		up: async (db) => {
			await db.schema.alterTable("account", (t) => { t.text("note").defaultTo("new"); t.index(["note"], "by_note"); });
			await db("account").insert([{ name: "of a migration" }]);
		},
		down: (db) => db.schema.alterTable("account", (t) => t.dropColumn("note")),
	},
	"3_concurrently": {
		config: { transaction: false },
		up: (db) => db.raw("create index concurrently by_amount on entry (amount)"),
		down: (db) => db.raw("drop index concurrently by_amount"),
	},
	"4_fails": {
		up: async (db) => { await db("account").del(); await db.raw("select 1/0"); },
		down: () => {},
	},
};
const source = (count) => ({
	migrationSource: {
		getMigrations: async () => Object.keys(steps).slice(0, count),
		getMigrationName: (name) => name,
		getMigration: async (name) => steps[name],
	},
});

async function work(db, who) {
	const [{ id }] = await db("account").insert({ name: `account${who}` }).returning("id");
	await db.transaction(async (tx) => {
		await tx("entry").insert([{ account_id: id, amount: who }, { account_id: id, amount: "0.25" }]);
		await assert.rejects(tx.transaction(async (inner) => {
			await inner("entry").insert({ account_id: id, amount: 1000 });
			await inner.raw("select 1/0");
		}), { code: "22012" });
	});
	const again = await db.transaction({ isolationLevel: "repeatable read" });
	await again("entry").where({ account_id: id }).update({ amount: 0 });
	assert.strictEqual((await again.raw("show transaction_isolation")).rows[0].transaction_isolation, "repeatable read");
	await again.rollback();
	const { sum } = await db("entry").sum("amount").where({ account_id: id }).first();
	assert.strictEqual(Number(sum), who + 0.25);
}

async function main() {
	const db = open(), others = [open(), open()];
	// Knex's own two tables are made by one: several that make them at once may leave two locks, which nobody can take any more
	await db.migrate.currentVersion(source(3));
	// each may find another one in the middle of it, as without a pooler; nobody is left with half of it
	await Promise.allSettled([db, ...others].map((each) => each.migrate.latest(source(3))));
	await db.migrate.latest(source(3));
	assert.deepStrictEqual((await db("knex_migrations").orderBy("id")).map((row) => row.name), Object.keys(steps).slice(0, 3));
	assert.deepStrictEqual(await db("knex_migrations_lock").select("is_locked"), [{ is_locked: 0 }]);
	await assert.rejects(db.migrate.latest(source(4)), { code: "22012" });
	assert.strictEqual((await db("account").select()).length, 1);
	await Promise.all(Array.from({ length: 24 }, (_, who) => work([db, ...others][who % 3], who)));
	assert.deepStrictEqual(await db("account").count("* as n").min("note as note"), [{ n: "25", note: "new" }]);
	await db.migrate.rollback(source(3), true);
	assert.deepStrictEqual([await db.schema.hasTable("entry"), await db.schema.hasTable("account")], [false, false]);
	await Promise.all([db, ...others].map((each) => each.destroy()));
	console.log("all is well");
}

main().catch((error) => { console.error(error); process.exit(1); });
