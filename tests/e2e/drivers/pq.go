// lib/pq behind database/sql as it comes: a pool of its own, statements that it prepares for each query, transactions of every
// isolation level, COPY, cancels by context, a listener.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/lib/pq"
)

var where = fmt.Sprintf("host=127.0.0.1 port=%s dbname=%s user=app sslmode=disable", os.Args[1], os.Args[2])

func work(db *sql.DB, kept *sql.Stmt, who int) {
	for n := 0; n < 20; n++ {
		var number, twice int
		var text string
		must(db.QueryRow("select $1::int + 1, $2::text", n, fmt.Sprintf("%d.%d", who, n)).Scan(&number, &text))
		same(number, n+1)
		same(text, fmt.Sprintf("%d.%d", who, n))
		must(kept.QueryRow(who).Scan(&twice))
		same(twice, 2*who)
		level := []sql.IsolationLevel{sql.LevelDefault, sql.LevelRepeatableRead, sql.LevelReadCommitted}[n%3]
		tx, err := db.BeginTx(context.Background(), &sql.TxOptions{Isolation: level})
		must(err)
		must(tx.QueryRow("show transaction_isolation").Scan(&text))
		same(text, []string{"read committed", "repeatable read", "read committed"}[n%3])
		_, err = tx.Exec("create temp table scratch (a int) on commit drop")
		must(err)
		in, err := tx.Prepare(pq.CopyIn("scratch", "a"))
		must(err)
		for i := 1; i <= 50; i++ {
			_, err = in.Exec(i * who)
			must(err)
		}
		_, err = in.Exec()
		must(err)
		must(in.Close())
		must(tx.QueryRow("select sum(a) from scratch").Scan(&number))
		same(number, 1275*who)
		_, err = tx.Exec("insert into of_pq values ($1, $2)", who, n)
		must(err)
		if n%2 == 1 {
			must(tx.Rollback())
		} else {
			must(tx.Commit())
		}
	}
	_, err := db.Exec("insert into of_pq select $1 / 0, 0", who)
	same(state(err), "22012")
}

func cancels(db *sql.DB) {
	ctx, cancel := context.WithCancel(context.Background())
	conn, err := db.Conn(ctx)
	must(err)
	var pid int
	must(conn.QueryRowContext(ctx, "select 1").Scan(&pid))
	go func() {
		for running := false; !running; {
			must(db.QueryRow("select exists (select from pg_stat_activity where state = 'active' and " +
				"query like '%pg_sleep(77)%' and pid <> pg_backend_pid())").Scan(&running))
		}
		cancel()
	}()
	_, err = conn.ExecContext(ctx, "select pg_sleep(77)")
	same(state(err), "57014")
	must(conn.Close())
}

func listens(db *sql.DB) {
	listener := pq.NewListener(where, time.Second, time.Minute, nil)
	must(listener.Listen("of_pq"))
	for _, said := range []string{"1", "2"} {
		_, err := db.Exec("select pg_notify('of_pq', $1)", said)
		must(err)
	}
	for _, wanted := range []string{"1", "2"} {
		same((<-listener.Notify).Extra, wanted)
	}
	must(listener.Ping())
	must(listener.Unlisten("of_pq"))
	must(listener.Close())
}

func main() {
	db, err := sql.Open("postgres", where)
	must(err)
	db.SetMaxIdleConns(12)
	_, err = db.Exec("create table of_pq (who int, n int)")
	must(err)
	kept, err := db.Prepare("select $1::int * 2")
	must(err)
	var crew sync.WaitGroup
	for who := 0; who < 12; who++ {
		crew.Add(1)
		go func(who int) {
			defer crew.Done()
			work(db, kept, who)
		}(who)
	}
	crew.Wait()
	var rows, whose int
	must(db.QueryRow("select count(*), count(distinct who) from of_pq").Scan(&rows, &whose))
	same(rows, 120)
	same(whose, 12)
	cancels(db)
	listens(db)
	must(kept.Close())
	must(db.Close())
	fmt.Println("all is well")
}
