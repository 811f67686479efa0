# ruby-pg as it comes: simple, with parameters, prepared, transactions, COPY, a pipeline, LISTEN, in turns over more connections than
# there are servers.
require "pg"

WHERE = { host: "127.0.0.1", port: ARGV[0], dbname: ARGV[1], user: "app", sslmode: "disable" }.freeze

def same(got, wanted)
  raise "not #{wanted.inspect} but #{got.inspect}" unless got == wanted
end

def turn(connection, who, n)
  same(connection.exec_params("select $1::int + 1, $2::text", [n, "#{who}.#{n}"]).values, [[(n + 1).to_s, "#{who}.#{n}"]])
  same(connection.exec_prepared("mine", [n]).values, [[(n * who).to_s, who.to_s]])
  connection.transaction do
    connection.exec("create temp table scratch (a int) on commit drop")
    connection.copy_data("copy scratch from stdin") { 3.times { |i| connection.put_copy_data("#{who + i}\n") } }
    same(connection.exec("select sum(a) from scratch").getvalue(0, 0), (3 * who + 3).to_s)
    connection.send_query("select a from scratch order by a")
    connection.set_single_row_mode
    rows = []
    while (result = connection.get_result)
      result.check
      rows.concat(result.values)
    end
    same(rows, 3.times.map { |i| [(who + i).to_s] })
  end
end

def pipeline(connection)
  connection.enter_pipeline_mode
  10.times { |n| connection.send_query_params("select $1::int * 3", [n]) }
  connection.pipeline_sync
  10.times do |n|
    same(connection.get_result.values, [[(n * 3).to_s]])
    same(connection.get_result, nil)
  end
  same(connection.get_result.result_status, PG::PGRES_PIPELINE_SYNC)
  connection.exit_pipeline_mode
end

all = Array.new(10) { PG.connect(**WHERE) }
all.each_with_index do |connection, who|
  connection.exec("set my.tenant = '#{who}'")
  connection.prepare("mine", "select $1::int * #{who}, current_setting('my.tenant')")
end
6.times { |n| all.each_with_index { |connection, who| turn(connection, who, n) } }
all.each { |connection| pipeline(connection) }
begin
  all[0].exec("select 1/0")
  raise "it can be divided"
rescue PG::DivisionByZero
  same(all[0].exec("show my.tenant").getvalue(0, 0), "0")
end
all[1].exec("listen of_ruby")
2.times { |n| all[2].exec_params("select pg_notify('of_ruby', $1)", [n.to_s]) }
heard = Array.new(2) { said = nil; all[1].wait_for_notify(60) { |_, _, payload| said = payload }; said }
same(heard, %w[0 1])
all.each(&:close)
puts "all is well"
