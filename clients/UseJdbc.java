import java.math.BigDecimal;
import java.sql.*;
import java.util.*;

/** pgJDBC: prepared statements that turn to binary, batches, metadata, savepoints, large results. */
public class UseJdbc {
    interface Check {
        void run(Connection c) throws Exception;
    }

    static final Map<String, Check> CHECKS = new LinkedHashMap<>();
    static int bad = 0;

    static void ensure(boolean holds, Object told) {
        if (!holds) throw new AssertionError(String.valueOf(told));
    }

    static Connection connect(String more) throws SQLException {
        Map<String, String> env = System.getenv();
        String url = "jdbc:postgresql://" + env.get("PGHOST") + ":" + env.get("PGPORT") + "/" + env.get("PGDATABASE") + more;
        return DriverManager.getConnection(url, env.get("PGUSER"), env.get("PGPASSWORD"));
    }

    static Set<String> names(ResultSet rows, String column) throws SQLException {
        Set<String> names = new TreeSet<>();
        while (rows.next()) names.add(rows.getString(column));
        return names;
    }

    public static void main(String[] args) throws Exception {
        CHECKS.put("values go and come, as text and in binary", c -> {
            try (PreparedStatement s = c.prepareStatement("select ?::int4, ?::int8, ?::numeric, ?::text, ?::bool, ?::float8, ?::bytea, ?::date, ?::timestamp, ?::uuid")) {
                UUID id = new UUID(7, 9);
                Timestamp time = Timestamp.valueOf("2024-02-29 12:34:56.789");
                for (int round = 0; round < 8; round++) {
                    s.setInt(1, 7);
                    s.setLong(2, Long.MIN_VALUE);
                    s.setBigDecimal(3, new BigDecimal("123.4500"));
                    s.setString(4, "\u2603");
                    s.setBoolean(5, true);
                    s.setDouble(6, 1.5);
                    s.setBytes(7, new byte[] {0, -1});
                    s.setDate(8, java.sql.Date.valueOf("2024-02-29"));
                    s.setTimestamp(9, time);
                    s.setObject(10, id);
                    try (ResultSet r = s.executeQuery()) {
                        r.next();
                        ensure(r.getInt(1) == 7 && r.getLong(2) == Long.MIN_VALUE, round);
                        ensure(r.getBigDecimal(3).equals(new BigDecimal("123.4500")), r.getBigDecimal(3));
                        ensure(r.getString(4).equals("\u2603") && r.getBoolean(5) && r.getDouble(6) == 1.5, round);
                        ensure(Arrays.equals(r.getBytes(7), new byte[] {0, -1}), round);
                        ensure(r.getTimestamp(9).equals(time) && r.getObject(10).equals(id), round);
                    }
                }
            }
        });
        CHECKS.put("batches and generated keys", c -> {
            c.createStatement().execute("create temp table t (id serial primary key, a text)");
            try (PreparedStatement s = c.prepareStatement("insert into t (a) values (?)", Statement.RETURN_GENERATED_KEYS)) {
                for (int n = 0; n < 100; n++) {
                    s.setString(1, "x" + n);
                    s.addBatch();
                }
                ensure(s.executeBatch().length == 100, "batch");
                ResultSet keys = s.getGeneratedKeys();
                int count = 0;
                while (keys.next()) count++;
                ensure(count == 100, count);
            }
        });
        CHECKS.put("batches rewritten as one insert", c -> {
            try (Connection r = connect("?reWriteBatchedInserts=true")) {
                r.createStatement().execute("create temp table t (a int, b text)");
                PreparedStatement s = r.prepareStatement("insert into t values (?, ?)");
                for (int n = 0; n < 300; n++) {
                    s.setInt(1, n);
                    s.setString(2, "b");
                    s.addBatch();
                }
                s.executeBatch();
                ResultSet count = r.createStatement().executeQuery("select count(*) from t");
                count.next();
                ensure(count.getInt(1) == 300, count.getInt(1));
            }
        });
        CHECKS.put("results in pieces", c -> {
            c.setAutoCommit(false);
            Statement s = c.createStatement();
            s.setFetchSize(100);
            ResultSet r = s.executeQuery("select g from generate_series(1, 2500) g");
            int count = 0;
            while (r.next()) count++;
            ensure(count == 2500, count);
        });
        CHECKS.put("savepoints and isolation levels", c -> {
            c.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            c.setAutoCommit(false);
            c.createStatement().execute("create temp table t (a int primary key)");
            Savepoint point = c.setSavepoint();
            try {
                c.createStatement().execute("insert into t values (1), (1)");
                throw new AssertionError("no error");
            } catch (SQLException error) {
                ensure(error.getSQLState().equals("23505"), error.getSQLState());
            }
            c.rollback(point);
            c.createStatement().execute("insert into t values (1)");
            c.commit();
        });
        CHECKS.put("metadata of the database", c -> {
            Statement s = c.createStatement();
            s.execute("drop schema if exists jd cascade");
            s.execute("create schema jd");
            s.execute("create table jd.a (id serial primary key, name varchar(40) not null, price numeric(10,2) default 0)");
            s.execute("create table jd.b (a int references jd.a on delete cascade, n int)");
            s.execute("create unique index a_name on jd.a (name)");
            s.execute("create function jd.f(x int) returns int language sql as 'select x'");
            DatabaseMetaData m = c.getMetaData();
            ensure(names(m.getTables(null, "jd", "%", new String[] {"TABLE"}), "TABLE_NAME").equals(Set.of("a", "b")), "tables");
            ResultSet columns = m.getColumns(null, "jd", "a", "%");
            columns.next();
            ensure(columns.getString("IS_AUTOINCREMENT").equals("YES"), "serial");
            columns.next();
            ensure(columns.getInt("COLUMN_SIZE") == 40 && columns.getString("IS_NULLABLE").equals("NO"), "varchar(40)");
            ensure(names(m.getPrimaryKeys(null, "jd", "a"), "COLUMN_NAME").equals(Set.of("id")), "primary key");
            ensure(names(m.getImportedKeys(null, "jd", "b"), "PKTABLE_NAME").equals(Set.of("a")), "foreign key");
            ensure(names(m.getExportedKeys(null, "jd", "a"), "FKTABLE_NAME").equals(Set.of("b")), "exported key");
            ensure(names(m.getIndexInfo(null, "jd", "a", false, false), "INDEX_NAME").contains("a_name"), "index");
            ensure(names(m.getSchemas(), "TABLE_SCHEM").contains("jd"), "schema");
            ensure(names(m.getFunctions(null, "jd", "%"), "FUNCTION_NAME").contains("f"), "function");
            m.getFunctionColumns(null, "jd", "%", "%").close();
            m.getProcedures(null, "jd", "%").close();
            m.getTypeInfo().close();
            m.getTablePrivileges(null, "jd", "%").close();
            m.getColumnPrivileges(null, "jd", "a", "%").close();
            m.getBestRowIdentifier(null, "jd", "a", DatabaseMetaData.bestRowSession, false).close();
            ensure(m.getDatabaseMajorVersion() >= 14 && m.getMaxColumnNameLength() == 63, "limits");
            s.execute("drop schema jd cascade");
        });
        CHECKS.put("metadata of results", c -> {
            c.createStatement().execute("create temp table m (id int primary key, v varchar(7), n numeric(9,3))");
            ResultSetMetaData m = c.createStatement().executeQuery("select id, v, n, 1 as one from m").getMetaData();
            ensure(m.getPrecision(2) == 7 && m.getScale(3) == 3 && m.getColumnLabel(4).equals("one"), "shape");
            ensure(m.isNullable(1) == ResultSetMetaData.columnNoNulls, "not null");
        });
        CHECKS.put("rows changed through a result", c -> {
            c.createStatement().execute("create temp table u (id int primary key, v text)");
            c.createStatement().execute("insert into u values (1, 'a')");
            Statement s = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE);
            ResultSet r = s.executeQuery("select id, v from u");
            r.next();
            r.updateString("v", "b");
            r.updateRow();
            r = c.createStatement().executeQuery("select v from u");
            r.next();
            ensure(r.getString(1).equals("b"), r.getString(1));
        });
        CHECKS.put("copies", c -> {
            c.createStatement().execute("create temp table k (a int, b text)");
            org.postgresql.copy.CopyManager copies = c.unwrap(org.postgresql.PGConnection.class).getCopyAPI();
            ensure(copies.copyIn("copy k from stdin csv", new java.io.StringReader("1,x\n2,y\n")) == 2, "in");
            java.io.StringWriter out = new java.io.StringWriter();
            copies.copyOut("copy k to stdout", out);
            ensure(out.toString().equals("1\tx\n2\ty\n"), out);
        });
        CHECKS.put("arrays", c -> {
            PreparedStatement s = c.prepareStatement("select ?::int[]");
            s.setArray(1, c.createArrayOf("int4", new Integer[] {1, null, 3}));
            ResultSet r = s.executeQuery();
            r.next();
            ensure(Arrays.equals((Integer[]) r.getArray(1).getArray(), new Integer[] {1, null, 3}), r.getArray(1));
        });
        CHECKS.put("statements are cancelled", c -> {
            Statement s = c.createStatement();
            s.setQueryTimeout(1);
            try {
                s.execute("select pg_sleep(30)");
                throw new AssertionError("not cancelled");
            } catch (SQLException error) {
                ensure(error.getSQLState().equals("57014"), error.getSQLState());
            }
        });
        System.out.println("# pgJDBC " + new org.postgresql.Driver().getMajorVersion() + "." + new org.postgresql.Driver().getMinorVersion());
        for (Map.Entry<String, Check> check : CHECKS.entrySet()) {
            try (Connection c = connect("")) {
                check.getValue().run(c);
                System.out.println("ok " + check.getKey());
            } catch (Throwable error) {
                bad++;
                System.out.println("not ok " + check.getKey() + ": " + String.valueOf(error.getMessage()).replaceAll("\\s+", " "));
                error.printStackTrace();
            }
        }
        System.exit(bad == 0 ? 0 : 1);
    }
}
