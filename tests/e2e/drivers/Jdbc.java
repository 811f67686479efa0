// JDBC as it comes: server-side prepared statements from the fifth use on, batches, savepoints, cursors, settings.
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

public class Jdbc {
	static String url;

	static void same(Object wanted, Object got) {
		if (!wanted.equals(got))
			throw new AssertionError("wanted " + wanted + ", got " + got);
	}

	static String ask(Connection c, String sql) throws SQLException {
		try (Statement s = c.createStatement(); ResultSet r = s.executeQuery(sql)) {
			r.next();
			return r.getString(1);
		}
	}

	static Void work(int who) throws SQLException {
		try (Connection c = DriverManager.getConnection(url)) {
			ask(c, "select set_config('my.tenant', '" + who + "', false)");
			try (PreparedStatement p = c.prepareStatement("select ?::int + 1, current_setting('my.tenant')")) {
				for (int n = 0; n < 20; n++) {
					p.setInt(1, n);
					try (ResultSet r = p.executeQuery()) {
						r.next();
						same(n + 1, r.getInt(1));
						same(String.valueOf(who), r.getString(2));
					}
				}
			}
			c.setAutoCommit(false);
			try (PreparedStatement p = c.prepareStatement("insert into jdbc values (?, ?)")) {
				for (int n = 0; n < 10; n++) {
					p.setInt(1, who);
					p.setInt(2, n);
					p.addBatch();
				}
				p.executeBatch();
			}
			Savepoint here = c.setSavepoint();
			try {
				ask(c, "select 1/0");
				throw new AssertionError("no error");
			} catch (SQLException error) {
				same("22012", error.getSQLState());
			}
			c.rollback(here);
			try (Statement s = c.createStatement()) {
				s.setFetchSize(3);
				int sum = 0;
				try (ResultSet r = s.executeQuery("select n from jdbc where who = " + who)) {
					while (r.next())
						sum += r.getInt(1);
				}
				same(45, sum);
			}
			if (who % 2 == 0)
				c.commit();
			else
				c.rollback();
			c.setAutoCommit(true);
			same(String.valueOf(who), ask(c, "show my.tenant"));
		}
		return null;
	}

	public static void main(String[] args) throws Exception {
		url = "jdbc:postgresql://127.0.0.1:" + args[0] + "/" + args[1] + "?user=app&sslmode=disable&gssEncMode=disable";
		try (Connection c = DriverManager.getConnection(url); Statement s = c.createStatement()) {
			s.execute("create table jdbc (who int, n int)");
		}
		ExecutorService crew = Executors.newFixedThreadPool(10);
		List<Future<Void>> all = new ArrayList<>();
		for (int i = 0; i < 20; i++) {
			final int who = i;
			all.add(crew.submit((Callable<Void>) () -> work(who)));
		}
		for (Future<Void> one : all)
			one.get();
		crew.shutdown();
		try (Connection c = DriverManager.getConnection(url)) {
			same("100", ask(c, "select count(*) from jdbc"));
			same("10", ask(c, "select count(distinct who) from jdbc"));
		}
		System.out.println("all is well");
	}
}
