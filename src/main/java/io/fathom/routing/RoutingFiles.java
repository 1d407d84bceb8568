package io.fathom.routing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fathom.config.UserError;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;

/**
 * The folder {@code <run>/routing}: each table as {@code name.parquet} and, with the same content, {@code name.csv};
 * {@code summary.json} beside them. It appears whole or not at all.
 */
public final class RoutingFiles {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String PARQUET = ".parquet";

    private final Configuration hadoop;
    private final Path folder;

    /** The files of the run directory {@code run}. */
    public RoutingFiles(Configuration hadoop, String run) {
        this.hadoop = new Configuration(hadoop);
        // On local disks Hadoop would put a hidden .crc file beside each table.
        this.hadoop.setClass("fs.file.impl", RawLocalFileSystem.class, FileSystem.class);
        this.hadoop.setBoolean("fs.file.impl.disable.cache", true);
        this.folder = new Path(run, "routing");
    }

    /** {@code <run>/routing}. */
    public Path folder() {
        return folder;
    }

    /** Replaces the folder by {@code results}; on failure what was there stays. */
    public void write(RoutingResults results) throws IOException {
        FileSystem files = folder.getFileSystem(hadoop);
        Path next = folder.suffix(".next");
        Path old = folder.suffix(".old");
        files.delete(next, true);
        files.mkdirs(next);
        for (Table table : results.tables()) {
            ParquetTables.write(hadoop, new Path(next, table.name() + PARQUET), table);
            writeText(files, new Path(next, table.name() + ".csv"), table.csv());
        }
        writeText(
                files,
                new Path(next, "summary.json"),
                JSON.writerWithDefaultPrettyPrinter().writeValueAsString(results.summary()) + "\n");
        files.delete(old, true);
        boolean replaces = files.exists(folder);
        if (replaces && !files.rename(folder, old)) {
            throw new IOException("could not move " + folder + " aside");
        }
        if (!files.rename(next, folder)) {
            throw new IOException("could not rename " + next + " to " + folder);
        }
        files.delete(old, true);
    }

    /**
     * The results in the folder, empty when there are none; throws {@link UserError} when a file is missing or broken.
     */
    public Optional<RoutingResults> read() throws IOException {
        FileSystem files = folder.getFileSystem(hadoop);
        Path summaryFile = new Path(folder, "summary.json");
        if (!files.exists(summaryFile)) {
            return Optional.empty();
        }
        try (InputStream in = files.open(summaryFile)) {
            JsonNode summary = JSON.readTree(in);
            if (!summary.path("model").isObject()) {
                throw new IOException("summary.json is not what that job writes");
            }
            List<Table> tables = new ArrayList<>();
            for (String name : RoutingResults.TABLES) {
                tables.add(ParquetTables.read(hadoop, new Path(folder, name + PARQUET), name));
            }
            return Optional.of(new RoutingResults(summary, tables));
        } catch (FileNotFoundException missing) {
            throw new UserError(
                    folder + ": is not whole (" + missing.getMessage() + "); make it anew with the job routing",
                    missing);
        } catch (IOException | RuntimeException broken) {
            throw new UserError(
                    folder + ": cannot be read (" + broken.getMessage() + "); make it anew with the job routing",
                    broken);
        }
    }

    private static void writeText(FileSystem files, Path file, String text) throws IOException {
        try (FSDataOutputStream out = files.create(file, true)) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        }
    }
}
