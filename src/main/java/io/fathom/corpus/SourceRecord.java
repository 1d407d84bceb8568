package io.fathom.corpus;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fathom.config.UserError;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What was read from one file: a line of {@code sources.jsonl}. Path, length and time tell whether the file has changed
 * since; the content hash says what it held.
 *
 * @param path fully qualified
 * @param bytes length of the file
 * @param modifiedMillis when it last changed, since 1970
 * @param validation whether all of it is for validation
 * @param documents read, blank ones not counted, duplicates counted
 * @param blankDocuments read
 * @param invalidUtf8 malformed sequences replaced
 * @param contentHash SHA-256 over the hashes of its documents: equal text has equal hashes, however it is packed
 */
public record SourceRecord(
        String path,
        long bytes,
        long modifiedMillis,
        boolean validation,
        long documents,
        long blankDocuments,
        long invalidUtf8,
        String contentHash) {
    private static final ObjectMapper JSON =
            new ObjectMapper().enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES);

    /** Joins the reports of the parts of each file; {@code reports} are complete and free of problems. */
    public static List<SourceRecord> of(List<SourceFile> files, List<SourceReport> reports) {
        List<List<SourceReport>> bySource = new ArrayList<>();
        files.forEach(file -> bySource.add(new ArrayList<>()));
        reports.stream()
                .sorted(Comparator.comparingInt(SourceReport::part))
                .forEach(report -> bySource.get(report.source()).add(report));
        List<SourceRecord> records = new ArrayList<>();
        for (int source = 0; source < files.size(); source++) {
            SourceFile file = files.get(source);
            List<SourceReport> parts = bySource.get(source);
            MessageDigest content = Hashes.sha256();
            parts.forEach(part -> content.update(HexFormat.of().parseHex(part.contentHash())));
            records.add(new SourceRecord(
                    file.path(),
                    file.bytes(),
                    file.modifiedMillis(),
                    file.validation(),
                    parts.stream().mapToLong(SourceReport::documents).sum(),
                    parts.stream().mapToLong(SourceReport::blankDocuments).sum(),
                    parts.stream().mapToLong(SourceReport::replaced).sum(),
                    HexFormat.of().formatHex(content.digest())));
        }
        return records;
    }

    /** SHA-256 over the content hashes, sorted: the text of the whole input, wherever its files lie. */
    public static String hash(List<SourceRecord> records) {
        String hashes = records.stream().map(SourceRecord::contentHash).sorted().collect(Collectors.joining("\n"));
        return Hashes.sha256Hex(hashes.getBytes(StandardCharsets.UTF_8));
    }

    /** Whether the record is of exactly this file, going by path, length, time and split. */
    public boolean isOf(SourceFile file) {
        return path.equals(file.path())
                && bytes == file.bytes()
                && modifiedMillis == file.modifiedMillis()
                && validation == file.validation();
    }

    String toJsonLine() {
        try {
            return JSON.writeValueAsString(this) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a source record is plain data", e);
        }
    }

    static SourceRecord ofJsonLine(String line, String place) {
        try {
            ObjectNode tree = JSON.readValue(line, ObjectNode.class);
            // Corpora made before validation could have an input of its own do not say.
            tree.putIfAbsent("validation", BooleanNode.FALSE);
            return JSON.treeToValue(tree, SourceRecord.class);
        } catch (JsonProcessingException e) {
            throw new UserError(
                    place + " is damaged (" + e.getOriginalMessage() + "): prepare the corpus again with --overwrite",
                    e);
        }
    }
}
