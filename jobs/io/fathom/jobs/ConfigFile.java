package io.fathom.jobs;

import com.typesafe.config.Config;
import io.fathom.config.ConfigReader;
import io.fathom.config.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.UnsupportedFileSystemException;
import org.apache.spark.SparkConf;

/** Finds and reads the file of {@code --config}: a local file, one shipped by {@code --files}, or any Hadoop path. */
final class ConfigFile {
    private final SparkConf spark;
    private final Configuration hadoop;

    ConfigFile(SparkConf spark) {
        this.spark = spark;
        this.hadoop = SparkContexts.hadoop(spark);
    }

    /** The settings of {@code name}; throws {@link UserError} when there is no such file or it is no HOCON. */
    Config read(String name) {
        try {
            Path path = find(name);
            FileSystem files = path.getFileSystem(hadoop);
            if (files.getFileStatus(path).isDirectory()) {
                throw new UserError("--config " + name + ": is a directory; name one file");
            }
            try (InputStream in = files.open(path)) {
                return ConfigReader.parse(new String(in.readAllBytes(), StandardCharsets.UTF_8), name);
            }
        } catch (UnsupportedFileSystemException e) {
            throw new UserError(
                    "--config " + name
                            + ": no file system for this scheme; add its connector with --packages or --jars",
                    e);
        } catch (IOException | IllegalArgumentException e) {
            throw new UserError("--config " + name + ": cannot read it: " + e.getMessage(), e);
        }
    }

    /** In this order: a Hadoop path with a scheme, a local file, a file of {@code --files}, the default file system. */
    private Path find(String name) throws IOException {
        Path path = new Path(name);
        if (path.toUri().getScheme() != null) {
            return path;
        }
        java.nio.file.Path local = java.nio.file.Path.of(name);
        if (Files.exists(local)) {
            return new Path(local.toUri());
        }
        Optional<Path> shipped = shipped(path.getName());
        if (shipped.isPresent()) {
            return shipped.get();
        }
        if (!path.getFileSystem(hadoop).exists(path)) {
            throw new UserError("--config " + name + ": no such file; looked in "
                    + local.toAbsolutePath().getParent() + ", in --files and in " + FileSystem.getDefaultUri(hadoop));
        }
        return path;
    }

    /** YARN and Kubernetes put such files in the working directory; standalone clusters leave them where they were. */
    private Optional<Path> shipped(String name) {
        if (Files.exists(java.nio.file.Path.of(name))) {
            return Optional.of(new Path(java.nio.file.Path.of(name).toUri()));
        }
        return Arrays.stream(spark.get("spark.files", "").split(","))
                .filter(uri -> !uri.isBlank())
                .map(Path::new)
                .filter(each -> each.getName().equals(name))
                .findFirst();
    }
}
