package io.fathom.routing;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;

/** Tables as single Parquet files, all columns required. */
final class ParquetTables {
    private ParquetTables() {}

    static void write(Configuration hadoop, Path file, Table table) throws IOException {
        MessageType schema = schema(table);
        SimpleGroupFactory groups = new SimpleGroupFactory(schema);
        try (ParquetWriter<Group> writer = ExampleParquetWriter.builder(file)
                .withConf(hadoop)
                .withType(schema)
                .build()) {
            for (List<Object> row : table.rows()) {
                Group group = groups.newGroup();
                for (int i = 0; i < row.size(); i++) {
                    Object cell = row.get(i);
                    if (cell instanceof Long whole) {
                        group.add(i, (long) whole);
                    } else if (cell instanceof Double number) {
                        group.add(i, (double) number);
                    } else {
                        group.add(i, (String) cell);
                    }
                }
                writer.write(group);
            }
        }
    }

    static Table read(Configuration hadoop, Path file, String name) throws IOException {
        List<Table.Column> columns = new ArrayList<>();
        try (ParquetFileReader footer = ParquetFileReader.open(HadoopInputFile.fromPath(file, hadoop))) {
            for (Type field : footer.getFileMetaData().getSchema().getFields()) {
                columns.add(new Table.Column(field.getName(), type(field)));
            }
        }
        List<List<Object>> rows = new ArrayList<>();
        try (ParquetReader<Group> reader = ParquetReader.builder(new GroupReadSupport(), file)
                .withConf(hadoop)
                .build()) {
            for (Group group = reader.read(); group != null; group = reader.read()) {
                List<Object> row = new ArrayList<>();
                for (int i = 0; i < columns.size(); i++) {
                    row.add(
                            switch (columns.get(i).type()) {
                                case LONG -> (Object) group.getLong(i, 0);
                                case DOUBLE -> group.getDouble(i, 0);
                                case TEXT -> group.getString(i, 0);
                            });
                }
                rows.add(row);
            }
        }
        return new Table(name, columns, rows);
    }

    private static MessageType schema(Table table) {
        Types.MessageTypeBuilder schema = Types.buildMessage();
        for (Table.Column column : table.columns()) {
            switch (column.type()) {
                case LONG -> schema.required(PrimitiveTypeName.INT64).named(column.name());
                case DOUBLE -> schema.required(PrimitiveTypeName.DOUBLE).named(column.name());
                case TEXT ->
                    schema.required(PrimitiveTypeName.BINARY)
                            .as(LogicalTypeAnnotation.stringType())
                            .named(column.name());
            }
        }
        return schema.named(table.name());
    }

    private static Table.Type type(Type field) {
        return switch (field.asPrimitiveType().getPrimitiveTypeName()) {
            case INT64 -> Table.Type.LONG;
            case DOUBLE -> Table.Type.DOUBLE;
            case BINARY -> Table.Type.TEXT;
            default -> throw new IllegalArgumentException("column " + field.getName() + " is of no known type");
        };
    }
}
