package io.fathom.corpus;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** One document a line: the text in a named field of a JSON object. Blank lines are passed over. */
final class JsonLinesReader implements DocumentReader {
    /** Jackson's own bounds would refuse long documents; ours is the length of the line. */
    private static final ObjectMapper JSON = new ObjectMapper(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxStringLength(Integer.MAX_VALUE)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private static final int NAMED_FIELDS = 8;

    private final LineInput in;
    private final LinesBefore linesBefore;
    private final String field;
    private final long mostBytes;
    private final long firstLineAt;
    private long line;

    /** Counts the lines before a byte of the file, which only an error needs to know. */
    interface LinesBefore {
        long count(long position) throws IOException;
    }

    JsonLinesReader(LineInput in, LinesBefore linesBefore, CorpusSettings settings) {
        this.in = in;
        this.firstLineAt = in.position();
        this.linesBefore = linesBefore;
        this.field = settings.textField();
        this.mostBytes = settings.maxDocumentBytes();
    }

    @Override
    public @Nullable NormalText next() throws IOException {
        while (in.inRange()) {
            byte[] bytes = nextLine();
            if (bytes.length == 0 && in.peek() == LineInput.END) {
                return null;
            }
            NormalText decoded = NormalText.ofUtf8(bytes);
            if (!decoded.isBlank()) {
                NormalText text = NormalText.of(document(decoded.text()));
                return new NormalText(text.text(), text.replaced() + decoded.replaced());
            }
        }
        return null;
    }

    private byte[] nextLine() throws IOException {
        line++;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int read = in.read(); read != LineInput.END && read != '\n'; read = in.read()) {
            if (bytes.size() >= mostBytes) {
                throw problem("is longer than corpus.maxDocumentBytes = " + mostBytes);
            }
            bytes.write(read);
        }
        return bytes.toByteArray();
    }

    /** The text of the line; a null in its place is a blank document. */
    private String document(String json) throws IOException {
        JsonNode object;
        try {
            object = JSON.readTree(json);
        } catch (JsonProcessingException e) {
            // Jackson goes on to quote the text, and counts lines from where it began to read.
            throw problem("is not valid JSON: " + e.getOriginalMessage().replaceFirst(" \\(start marker at .*", ""));
        }
        if (!object.isObject()) {
            throw problem("is not a JSON object but " + article(object));
        }
        JsonNode text = object.get(field);
        if (text == null) {
            List<String> fields = new ArrayList<>();
            object.fieldNames().forEachRemaining(fields::add);
            throw problem("has no field \"" + field + "\" (it has "
                    + (fields.isEmpty()
                            ? "none"
                            : String.join(", ", fields.subList(0, Math.min(NAMED_FIELDS, fields.size()))))
                    + "); set corpus.textField");
        }
        if (text.isNull()) {
            return "";
        }
        if (!text.isTextual()) {
            throw problem("has in field \"" + field + "\" " + article(text) + ", not a string");
        }
        return text.textValue();
    }

    private static String article(JsonNode node) {
        return switch (node.getNodeType()) {
            case ARRAY -> "an array";
            case OBJECT -> "an object";
            case MISSING -> "nothing";
            default -> "a " + node.getNodeType().name().toLowerCase(Locale.ROOT);
        };
    }

    private BadSourceException problem(String what) throws IOException {
        return new BadSourceException("line " + (linesBefore.count(firstLineAt) + line) + " " + what);
    }

    /** Counts the line ends of the first {@code bytes} of {@code in}. */
    static long linesIn(InputStream in, long bytes) throws IOException {
        byte[] buffer = new byte[1 << 16];
        long lines = 0;
        long left = bytes;
        while (left > 0) {
            int read = in.read(buffer, 0, (int) Math.min(buffer.length, left));
            if (read < 0) {
                break;
            }
            left -= read;
            for (int i = 0; i < read; i++) {
                lines += buffer[i] == '\n' ? 1 : 0;
            }
        }
        return lines;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
