// Prisma as it comes without binaries of its own: its client over node-postgres (@prisma/adapter-pg), queries compiled by WASM.
// `prisma generate` makes the client of the schema below; it would download an engine for migrations, which nothing here runs.
const assert = require("node:assert");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { PrismaPg } = require("@prisma/adapter-pg");

const url = `postgresql://app@127.0.0.1:${process.argv[2]}/${process.argv[3]}`;
const schema = (output) => `
generator client {
  provider   = "prisma-client-js"
  engineType = "client"
  output     = "${output}"
}
datasource db {
  provider = "postgresql"
  url      = env("DATABASE_URL")
}
model Account {
  id      Int     @id @default(autoincrement())
  name    String  @unique
  tags    String[]
  entries Entry[]
}
model Entry {
  id        String  @id @default(uuid())
  amount    Decimal
  account   Account @relation(fields: [accountId], references: [id])
  accountId Int
}
`;

function generate() {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "prisma-"));
	process.on("exit", () => fs.rmSync(dir, { recursive: true, force: true }));
	fs.writeFileSync(path.join(dir, "schema.prisma"), schema(path.join(dir, "client")));
	execFileSync("node", [require.resolve("prisma/build/index.js"), "generate", "--schema", path.join(dir, "schema.prisma")], {
		cwd: dir,
		env: { ...process.env, DATABASE_URL: url, PRISMA_SCHEMA_ENGINE_BINARY: "/bin/true", CHECKPOINT_DISABLE: "1" },
	});
	return require(path.join(dir, "client"));
}

const { PrismaClient } = generate();
const db = new PrismaClient({ adapter: new PrismaPg({ connectionString: url, max: 10 }) });

async function work(who) {
	const account = await db.account.create({
		data: { name: `account${who}`, tags: ["a", `t${who}`], entries: { create: [{ amount: who }, { amount: 0.25 }] } },
		include: { entries: true },
	});
	assert.strictEqual(account.entries.length, 2);
	await assert.rejects(db.account.create({ data: { name: `account${who}`, tags: [] } }), { code: "P2002" });
	await assert.rejects(db.$transaction(async (tx) => {
		await tx.entry.deleteMany({ where: { accountId: account.id } });
		await tx.$queryRaw`select 1 / ${0}::int`;
	}, { isolationLevel: "Serializable" }));
	const is = await db.$transaction(async (tx) => {
		await tx.$executeRaw`select set_config('my.tenant', ${`tenant${who}`}, true)`;
		await tx.account.update({ where: { id: account.id }, data: { tags: { push: "more" } } });
		return tx.$queryRaw`select current_setting('my.tenant') as is`;
	});
	assert.deepStrictEqual(is, [{ is: `tenant${who}` }]);
	const [back, count] = await db.$transaction([
		db.account.findUnique({ where: { name: `account${who}` }, include: { entries: { orderBy: { amount: "asc" } } } }),
		db.entry.count({ where: { accountId: account.id } }),
	]);
	assert.deepStrictEqual(back.tags, ["a", `t${who}`, "more"]);
	assert.strictEqual(count, 2);
	assert.strictEqual(back.entries.reduce((sum, entry) => sum + Number(entry.amount), 0), who + 0.25);
}

async function main() {
	await db.$executeRawUnsafe('create table "Account" (id serial primary key, name text unique not null, tags text[])');
	await db.$executeRawUnsafe('create table "Entry" (id text primary key, amount numeric(65, 30) not null, ' +
		'"accountId" int not null references "Account")');
	await Promise.all(Array.from({ length: 20 }, (_, who) => work(who)));
	const { _sum, _count } = await db.entry.aggregate({ _sum: { amount: true }, _count: true });
	assert.strictEqual(Number(_sum.amount), 195);
	assert.strictEqual(_count, 40);
	await db.$executeRawUnsafe('alter table "Account" add column note text');
	assert.strictEqual((await db.account.findMany({ orderBy: { id: "asc" }, skip: 5, take: 3 })).length, 3);
	await db.$disconnect();
	console.log("all is well");
}

main().catch((error) => { console.error(error); process.exit(1); });
