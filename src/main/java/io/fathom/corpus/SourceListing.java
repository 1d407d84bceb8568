package io.fathom.corpus;

import io.fathom.config.UserError;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionCodecFactory;

/**
 * The files behind {@code corpus.input}: paths and globs of any file system, directories with all below. Within
 * directories hidden files, the bookkeeping of Spark and Hadoop and files of other extensions are passed over; a file
 * named outright must be readable.
 *
 * @param files in the order of their paths, each once
 * @param passedOver extension -> how many files were passed over for it
 */
public record SourceListing(List<SourceFile> files, Map<String, Integer> passedOver) {

    /**
     * Lists the files of {@code inputs}.
     *
     * @throws UserError naming every input that matches nothing or is no text
     */
    public static SourceListing of(List<String> inputs, CorpusSettings settings, Configuration hadoop) {
        if (inputs.isEmpty()) {
            throw new UserError("corpus.input is empty: name the text to read, as --set corpus.input=PATH");
        }
        Lister lister = new Lister(settings, hadoop);
        inputs.forEach(lister::add);
        if (!lister.problems.isEmpty()) {
            throw new UserError("corpus.input: " + String.join("\n  corpus.input: ", lister.problems));
        }
        return new SourceListing(List.copyOf(lister.files.values()), lister.passedOver);
    }

    /** Bytes of all files. */
    public long bytes() {
        return files.stream().mapToLong(SourceFile::bytes).sum();
    }

    /** The files passed over in words, as {@code 12 .class, 3 .png}; empty if there are none. */
    public String passedOverText() {
        return passedOver.entrySet().stream()
                .map(entry -> entry.getValue() + " "
                        + (entry.getKey().isEmpty() ? "without extension" : "." + entry.getKey()))
                .collect(Collectors.joining(", "));
    }

    private static final class Lister {
        private final Configuration hadoop;
        private final Set<String> extensions;
        private final CompressionCodecFactory codecs;
        private final TreeMap<String, SourceFile> files = new TreeMap<>();
        private final TreeMap<String, Integer> passedOver = new TreeMap<>();
        private final List<String> problems = new ArrayList<>();

        Lister(CorpusSettings settings, Configuration hadoop) {
            this.hadoop = hadoop;
            this.extensions = new HashSet<>(settings.extensions());
            this.codecs = new CompressionCodecFactory(hadoop);
        }

        void add(String input) {
            try {
                Path path = new Path(input);
                FileSystem fileSystem = CorpusFiles.reach(path, hadoop);
                FileStatus[] found = matches(fileSystem, path);
                if (found.length == 0) {
                    problems.add(input + " matches nothing"
                            + (input.startsWith("~") ? " (~ means nothing here, give the whole path)" : ""));
                }
                // A glob may well match other files too; a file named outright must be of use.
                boolean outright =
                        found.length == 1 && found[0].getPath().getName().equals(path.getName());
                for (FileStatus each : found) {
                    String name = each.getPath().getName();
                    if (!outright && isHidden(name)) {
                        continue;
                    }
                    if (each.isDirectory()) {
                        addTree(fileSystem, each.getPath());
                    } else {
                        addFile(each, name, outright, input);
                    }
                }
            } catch (IOException | IllegalArgumentException e) {
                problems.add(input + " cannot be listed: " + e.getMessage());
            }
        }

        /** A name that exists is itself, even if it holds the signs of a glob. */
        private static FileStatus[] matches(FileSystem fileSystem, Path path) throws IOException {
            try {
                return new FileStatus[] {fileSystem.getFileStatus(path)};
            } catch (FileNotFoundException e) {
                FileStatus[] found = fileSystem.globStatus(path);
                return found == null ? new FileStatus[0] : found;
            }
        }

        private void addTree(FileSystem fileSystem, Path root) throws IOException {
            int rootLength = root.toUri().getPath().length();
            RemoteIterator<LocatedFileStatus> all = fileSystem.listFiles(root, true);
            while (all.hasNext()) {
                LocatedFileStatus file = all.next();
                String below = file.getPath().toUri().getPath().substring(rootLength);
                if (!isHidden(below)) {
                    addFile(file, below, false, root.toString());
                }
            }
        }

        private static boolean isHidden(String below) {
            return Arrays.stream(below.split("/"))
                    .anyMatch(part -> part.startsWith(".")
                            || Set.of("_temporary", "_spark_metadata", "_delta_log", "_SUCCESS", "__MACOSX")
                                    .contains(part));
        }

        private void addFile(FileStatus file, String name, boolean outright, String input) {
            CompressionCodec codec = codecs.getCodec(file.getPath());
            String inner =
                    codec == null ? name : CompressionCodecFactory.removeSuffix(name, codec.getDefaultExtension());
            Optional<SourceKind> kind = SourceKind.of(inner, extensions);
            String extension = SourceKind.extension(inner);
            if (kind.isEmpty() && outright && extension.isEmpty()) {
                kind = Optional.of(SourceKind.TEXT);
            }
            boolean readable = kind.isPresent()
                    && (codec == null || kind.get() == SourceKind.TEXT || kind.get() == SourceKind.JSON_LINES);
            if (readable) {
                String path = file.getPath().toString();
                files.put(
                        path,
                        new SourceFile(
                                path, file.getLen(), file.getModificationTime(), kind.orElseThrow(), codec != null));
            } else if (outright) {
                problems.add(
                        input + " has the extension ." + extension
                                + ", which is none of jsonl, parquet, zip, jar and corpus.extensions; if it is plain text, add it there");
            } else {
                passedOver.merge(extension, 1, Integer::sum);
            }
        }
    }
}
