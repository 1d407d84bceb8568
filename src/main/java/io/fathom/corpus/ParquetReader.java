package io.fathom.corpus;

import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.HadoopReadOptions;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.MessageColumnIO;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.jspecify.annotations.Nullable;

/**
 * One document a row: the text in a named column of Parquet, of the row groups whose middle lies in a range of the
 * file. Read directly and not as a table, so that a problem is told with its file and row. A null is a blank document.
 */
final class ParquetReader implements DocumentReader {
    private final ParquetFileReader file;
    private final MessageType projection;
    private final MessageColumnIO columns;
    private final String column;
    private final long mostBytes;
    private @Nullable RecordReader<Group> rows;
    private long rowsLeft;
    private long row;

    ParquetReader(Configuration hadoop, SourcePart part, CorpusSettings settings) throws IOException {
        Path path = new Path(part.path());
        this.column = settings.textColumn();
        this.mostBytes = settings.maxDocumentBytes();
        try {
            this.file = ParquetFileReader.open(
                    HadoopInputFile.fromPath(path, hadoop),
                    HadoopReadOptions.builder(hadoop, path)
                            .withRange(part.from(), part.to())
                            .build());
        } catch (RuntimeException e) {
            // Parquet says "is not a Parquet file" by a bare RuntimeException that repeats the path.
            throw new BadSourceException("is not a whole Parquet file: "
                    + String.valueOf(e.getMessage()).replace(part.path(), "it"));
        }
        try {
            MessageType schema = file.getFileMetaData().getSchema();
            this.projection = new MessageType(schema.getName(), textColumn(schema));
            file.setRequestedSchema(projection);
            this.columns = new ColumnIOFactory(file.getFileMetaData().getCreatedBy()).getColumnIO(projection);
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private Type textColumn(MessageType schema) throws BadSourceException {
        if (!schema.containsField(column)) {
            List<Type> fields = schema.getFields();
            throw new BadSourceException("has no column \"" + column + "\" (it has "
                    + fields.stream().map(Type::getName).collect(Collectors.joining(", "))
                    + "); set corpus.textColumn");
        }
        Type type = schema.getType(column);
        if (!type.isPrimitive()
                || type.isRepetition(Type.Repetition.REPEATED)
                || type.asPrimitiveType().getPrimitiveTypeName() != PrimitiveTypeName.BINARY) {
            throw new BadSourceException("column \"" + column + "\" does not hold strings but " + type);
        }
        return type;
    }

    @Override
    public @Nullable NormalText next() throws IOException {
        try {
            while (rowsLeft == 0) {
                PageReadStore rowGroup = file.readNextRowGroup();
                if (rowGroup == null) {
                    return null;
                }
                rowsLeft = rowGroup.getRowCount();
                row = rowGroup.getRowIndexOffset().orElse(0L);
                rows = columns.getRecordReader(rowGroup, new GroupRecordConverter(projection));
            }
            rowsLeft--;
            row++;
            if (rows == null) {
                throw new IllegalStateException("a row group is open while rows are left");
            }
            Group group = rows.read();
            byte[] utf8 = group.getFieldRepetitionCount(0) == 0
                    ? new byte[0]
                    : group.getBinary(0, 0).getBytesUnsafe();
            if (utf8.length > mostBytes) {
                throw new BadSourceException("row " + row + " is longer than corpus.maxDocumentBytes = " + mostBytes);
            }
            return NormalText.ofUtf8(utf8);
        } catch (RuntimeException e) {
            throw new BadSourceException("is damaged after row " + row + ": " + e.getMessage());
        }
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
