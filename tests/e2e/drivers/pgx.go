// pgx and its pool as they come: statements that are prepared by name and remembered, batches, COPY, large objects, savepoints,
// types of the database's own, a listener.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

var (
	where = fmt.Sprintf("postgres://app@127.0.0.1:%s/%s?sslmode=disable", os.Args[1], os.Args[2])
	ctx   = context.Background()
)

func work(pool *pgxpool.Pool, who int) {
	for n := 0; n < 20; n++ {
		var number int
		var text string
		must(pool.QueryRow(ctx, "select $1::int + 1, $2::text", n, fmt.Sprintf("%d.%d", who, n)).Scan(&number, &text))
		same(number, n+1)
		same(text, fmt.Sprintf("%d.%d", who, n))
		must(pool.QueryRow(ctx, fmt.Sprintf("select %d * $1::int", who%3), n).Scan(&number))
		same(number, who%3*n)
		must(pool.QueryRow(ctx, "select $1::mood", "ok").Scan(&text))
		same(text, "ok")
		must(pool.BeginFunc(ctx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "create temp table scratch (a int, t text) on commit drop")
			must(err)
			rows := make([][]interface{}, 40)
			for i := range rows {
				rows[i] = []interface{}{i, fmt.Sprint(who)}
			}
			copied, err := tx.CopyFrom(ctx, pgx.Identifier{"scratch"}, []string{"a", "t"}, pgx.CopyFromRows(rows))
			must(err)
			same(copied, int64(40))
			inner, err := tx.Begin(ctx)
			must(err)
			_, err = inner.Exec(ctx, "insert into scratch values (1 / $1::int, 'x')", 0)
			same(state(err), "22012")
			must(inner.Rollback(ctx))
			must(tx.QueryRow(ctx, "select sum(a), max(t) from scratch").Scan(&number, &text))
			same(number, 780)
			same(text, fmt.Sprint(who))
			_, err = tx.Exec(ctx, "insert into of_pgx values ($1, $2)", who, n)
			return err
		}))
		batch := &pgx.Batch{}
		for i := 0; i < 10; i++ {
			batch.Queue("select $1::int * $2::int", who, i)
		}
		answers := pool.SendBatch(ctx, batch)
		for i := 0; i < 10; i++ {
			must(answers.QueryRow().Scan(&number))
			same(number, who*i)
		}
		must(answers.Close())
	}
}

func largeObject(pool *pgxpool.Pool) {
	var id uint32
	must(pool.BeginFunc(ctx, func(tx pgx.Tx) (err error) {
		objects := tx.LargeObjects()
		id, err = objects.Create(ctx, 0)
		must(err)
		object, err := objects.Open(ctx, id, pgx.LargeObjectModeWrite)
		must(err)
		_, err = object.Write(make([]byte, 70000))
		return err
	}))
	must(pool.BeginFunc(ctx, func(tx pgx.Tx) error {
		objects := tx.LargeObjects()
		object, err := objects.Open(ctx, id, pgx.LargeObjectModeRead)
		must(err)
		back, err := io.ReadAll(object)
		must(err)
		same(len(back), 70000)
		return objects.Unlink(ctx, id)
	}))
}

// A statement that is remembered, and whose table gets another column: told once, then it is well again.
func changes(pool *pgxpool.Pool) {
	conn, err := pool.Acquire(ctx)
	must(err)
	defer conn.Release()
	read := func() (got []interface{}, err error) {
		rows, err := conn.Query(ctx, "select * from of_pgx order by who, n limit 1")
		must(err)
		defer rows.Close()
		for rows.Next() {
			if got, err = rows.Values(); err != nil {
				return nil, err
			}
		}
		return got, rows.Err()
	}
	got, err := read()
	must(err)
	same(len(got), 2)
	_, err = pool.Exec(ctx, "alter table of_pgx add more text default 'new'")
	must(err)
	if got, err = read(); err != nil {
		same(state(err), "0A000")
		got, err = read()
		must(err)
	}
	same(len(got), 3)
	same(got[2], "new")
}

func listens(pool *pgxpool.Pool) {
	conn, err := pgx.Connect(ctx, where)
	must(err)
	_, err = conn.Exec(ctx, "listen of_pgx")
	must(err)
	for _, said := range []string{"1", "2"} {
		_, err = pool.Exec(ctx, "select pg_notify('of_pgx', $1)", said)
		must(err)
	}
	for _, wanted := range []string{"1", "2"} {
		heard, err := conn.WaitForNotification(ctx)
		must(err)
		same(heard.Payload, wanted)
	}
	must(conn.Close(ctx))
}

func main() {
	pool, err := pgxpool.Connect(ctx, where+"&pool_max_conns=12")
	must(err)
	_, err = pool.Exec(ctx, "create table of_pgx (who int, n int); create type mood as enum ('sad', 'ok')")
	must(err)
	var crew sync.WaitGroup
	for who := 0; who < 12; who++ {
		crew.Add(1)
		go func(who int) {
			defer crew.Done()
			work(pool, who)
		}(who)
	}
	crew.Wait()
	var rows, whose int
	must(pool.QueryRow(ctx, "select count(*), count(distinct who) from of_pgx").Scan(&rows, &whose))
	same(rows, 240)
	same(whose, 12)
	largeObject(pool)
	changes(pool)
	listens(pool)
	pool.Close()
	fmt.Println("all is well")
}
