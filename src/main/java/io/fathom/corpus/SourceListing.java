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
 * The files behind {@code corpus.input} and {@code corpus.validationInput}: paths and globs of any file system,
 * directories with all below. Within directories hidden files, the bookkeeping of Spark and Hadoop and files of other
 * extensions are passed over; a file named outright must be readable.
 *
 * @param files each once, those of {@code corpus.validationInput} first, in the order of their paths
 * @param passedOver extension -> how many files were passed over for it
 */
public record SourceListing(List<SourceFile> files, Map<String, Integer> passedOver) {

    /**
     * Lists the files of {@code inputs}, and of {@code validationInputs}, which may be none.
     *
     * @throws UserError naming every input that matches nothing or is no text, and every file named by both
     */
    public static SourceListing of(
            List<String> inputs, List<String> validationInputs, CorpusSettings settings, Configuration hadoop) {
        if (inputs.isEmpty()) {
            throw new UserError("corpus.input is empty: name the text to read, as --set corpus.input=PATH");
        }
        Lister training = new Lister("corpus.input", false, settings, hadoop);
        Lister validation = new Lister("corpus.validationInput", true, settings, hadoop);
        inputs.forEach(training::add);
        validationInputs.forEach(validation::add);
        List<String> problems = new ArrayList<>(training.problems);
        problems.addAll(validation.problems);
        validation.files.keySet().stream()
                .filter(training.files::containsKey)
                .map(path -> "corpus.validationInput: " + path + " is a file of corpus.input too: what is learnt from"
                        + " cannot be validated on")
                .forEach(problems::add);
        if (!problems.isEmpty()) {
            throw new UserError(String.join("\n  ", problems));
        }
        List<SourceFile> files = new ArrayList<>(validation.files.values());
        files.addAll(training.files.values());
        validation.passedOver.forEach((extension, count) -> training.passedOver.merge(extension, count, Integer::sum));
        return new SourceListing(List.copyOf(files), training.passedOver);
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
        private final String key;
        private final boolean validation;
        private final Configuration hadoop;
        private final Set<String> extensions;
        private final CompressionCodecFactory codecs;
        private final TreeMap<String, SourceFile> files = new TreeMap<>();
        private final TreeMap<String, Integer> passedOver = new TreeMap<>();
        private final List<String> problems = new ArrayList<>();

        Lister(String key, boolean validation, CorpusSettings settings, Configuration hadoop) {
            this.key = key;
            this.validation = validation;
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
                    problems.add(key + ": " + input + " matches nothing"
                            + (input.startsWith("~")
                                    ? ": ~ means nothing here, give the whole path"
                                    : ": name a file, a directory or a glob that is there"));
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
                problems.add(key + ": " + input + " cannot be listed: " + e.getMessage());
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
                                path,
                                file.getLen(),
                                file.getModificationTime(),
                                kind.orElseThrow(),
                                codec != null,
                                validation));
            } else if (outright) {
                problems.add(
                        key + ": " + input + " has the extension ." + extension
                                + ", which is none of jsonl, parquet, zip, jar and corpus.extensions; if it is plain text, add it there");
            } else {
                passedOver.merge(extension, 1, Integer::sum);
            }
        }
    }
}
