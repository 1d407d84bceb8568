package io.fathom.routing;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A small table with typed, named columns.
 *
 * @param name of the table and its files
 * @param columns in order
 * @param rows cells by row: {@link Long}, {@link Double} or {@link String} as the columns say; what is not defined for
 *     a row is NaN
 */
public record Table(String name, List<Column> columns, List<List<Object>> rows) {

    /** What a column holds. */
    public enum Type {
        LONG(Long.class),
        DOUBLE(Double.class),
        TEXT(String.class);

        private final Class<?> cell;

        Type(Class<?> cell) {
            this.cell = cell;
        }
    }

    /** One column. */
    public record Column(String name, Type type) {}

    public Table {
        columns = List.copyOf(columns);
        rows = rows.stream().map(List::copyOf).toList();
        for (List<Object> row : rows) {
            if (row.size() != columns.size()) {
                throw new IllegalArgumentException(
                        "table " + name + ": a row of " + row.size() + " cells under " + columns.size() + " columns");
            }
            for (int i = 0; i < columns.size(); i++) {
                if (!columns.get(i).type().cell.isInstance(row.get(i))) {
                    throw new IllegalArgumentException("table " + name + ", column "
                            + columns.get(i).name() + ": " + row.get(i) + " is not a "
                            + columns.get(i).type());
                }
            }
        }
    }

    /** A table to fill row by row. */
    public static Builder named(String name) {
        return new Builder(name);
    }

    /** Index of the column {@code column}; throws {@link IllegalArgumentException} when there is none. */
    public int column(String column) {
        for (int i = 0; i < columns.size(); i++) {
            if (columns.get(i).name().equals(column)) {
                return i;
            }
        }
        throw new IllegalArgumentException("table " + name + " has no column " + column);
    }

    /** A cell of a LONG column. */
    public long whole(int row, String column) {
        return (Long) rows.get(row).get(column(column));
    }

    /** A cell of a LONG or DOUBLE column. */
    public double number(int row, String column) {
        return ((Number) rows.get(row).get(column(column))).doubleValue();
    }

    /** A cell of a TEXT column. */
    public String text(int row, String column) {
        return (String) rows.get(row).get(column(column));
    }

    /** The table as CSV: RFC 4180, line feeds between lines, the first line naming the columns. */
    public String csv() {
        StringBuilder csv = new StringBuilder();
        csv.append(columns.stream().map(Column::name).collect(Collectors.joining(",")))
                .append('\n');
        for (List<Object> row : rows) {
            csv.append(row.stream().map(Table::cell).collect(Collectors.joining(",")))
                    .append('\n');
        }
        return csv.toString();
    }

    private static String cell(Object cell) {
        String text = String.valueOf(cell);
        boolean quotes = cell instanceof String
                && (text.isBlank() || !text.equals(text.strip()) || text.matches("(?s).*[\",\\r\\n].*"));
        return quotes ? '"' + text.replace("\"", "\"\"") + '"' : text;
    }

    /** Fills a table. */
    public static final class Builder {
        private final String name;
        private final List<Column> columns = new ArrayList<>();
        private final List<List<Object>> rows = new ArrayList<>();

        private Builder(String name) {
            this.name = name;
        }

        /** Adds a LONG column. */
        public Builder whole(String column) {
            columns.add(new Column(column, Type.LONG));
            return this;
        }

        /** Adds a DOUBLE column. */
        public Builder number(String column) {
            columns.add(new Column(column, Type.DOUBLE));
            return this;
        }

        /** Adds a TEXT column. */
        public Builder text(String column) {
            columns.add(new Column(column, Type.TEXT));
            return this;
        }

        /** Adds a row; whole numbers may be given as {@link Integer}. */
        public Builder row(Object... cells) {
            List<Object> row = new ArrayList<>();
            for (Object cell : cells) {
                row.add(cell instanceof Integer whole ? (Object) whole.longValue() : cell);
            }
            rows.add(row);
            return this;
        }

        /** The table. */
        public Table build() {
            return new Table(name, columns, rows);
        }
    }
}
