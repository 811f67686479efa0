// Sequelize as it comes: tables made and altered by sync, managed transactions, locks, upserts, bulk inserts, and the settings that
// it makes in each connection.
const assert = require("node:assert");
const { DataTypes, Op, Sequelize, Transaction } = require("sequelize");

const db = new Sequelize(process.argv[3], "app", "", {
	host: "127.0.0.1", port: Number(process.argv[2]), dialect: "postgres", logging: false, pool: { max: 10 },
});
const columns = {
	name: { type: DataTypes.STRING, unique: true, allowNull: false },
	mood: { type: DataTypes.ENUM("sad", "ok"), defaultValue: "ok" },
	data: DataTypes.JSONB,
	when: DataTypes.DATE,
};
const Account = db.define("Account", columns);
const Entry = db.define("Entry", { amount: { type: DataTypes.DECIMAL(10, 2), allowNull: false } });
Account.hasMany(Entry);
Entry.belongsTo(Account);

async function work(who) {
	const when = new Date(Date.UTC(2024, 1, 29, 12, 0, who));
	const account = await db.transaction(async (transaction) => {
		const made = await Account.create({ name: `account${who}`, data: { who }, when }, { transaction });
		await Entry.bulkCreate([{ amount: who, AccountId: made.id }, { amount: "0.25", AccountId: made.id }], { transaction });
		return made;
	});
	await assert.rejects(db.transaction({ isolationLevel: Transaction.ISOLATION_LEVELS.SERIALIZABLE }, async (transaction) => {
		const [[row]] = await db.query("select current_setting('transaction_isolation') as level", { transaction });
		assert.strictEqual(row.level, "serializable");
		await Entry.destroy({ where: { AccountId: account.id }, transaction });
		throw new Error("not so");
	}), { message: "not so" });
	await db.transaction(async (transaction) => {
		const locked = await Account.findByPk(account.id, { lock: transaction.LOCK.UPDATE, transaction });
		await locked.update({ mood: "sad" }, { transaction });
	});
	const back = await Account.findOne({ where: { data: { who } }, include: Entry });
	assert.deepStrictEqual([back.name, back.mood, back.when.toISOString()], [`account${who}`, "sad", when.toISOString()]);
	assert.strictEqual(back.Entries.reduce((sum, entry) => sum + Number(entry.amount), 0), who + 0.25);
	await Account.upsert({ name: "shared", data: { who } });
	const [, isNew] = await Account.findOrCreate({ where: { name: "found" }, defaults: { mood: "ok" } });
	return isNew;
}

async function main() {
	await db.sync();
	const made = await Promise.all(Array.from({ length: 20 }, (_, who) => work(who)));
	assert.strictEqual(made.filter(Boolean).length, 1);
	assert.strictEqual(await Account.count(), 22);
	await assert.rejects(Account.create({ name: "shared" }), { name: "SequelizeUniqueConstraintError" });
	assert.strictEqual(await Entry.sum("amount", { where: { amount: { [Op.gt]: 1 } } }), 189);
	db.define("Account", { ...columns, note: { type: DataTypes.TEXT, defaultValue: "new" } });
	await db.sync({ alter: true });
	const described = await db.getQueryInterface().describeTable("Accounts");
	assert.deepStrictEqual(Object.keys(described).sort(),
		["createdAt", "data", "id", "mood", "name", "note", "updatedAt", "when"]);
	await db.drop({ cascade: true });
	assert.deepStrictEqual(await db.getQueryInterface().showAllTables(), []);
	await db.close();
	console.log("all is well");
}

main().catch((error) => { console.error(error); process.exit(1); });
