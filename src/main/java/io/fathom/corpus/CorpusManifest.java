package io.fathom.corpus;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.fathom.config.UserError;
import java.io.Serializable;
import java.util.List;

/**
 * What a corpus is, as {@code manifest.json} says: counts, hashes and the list of its shards. A pure function of the
 * text and the settings: it holds no time and no machine name.
 *
 * @param formatVersion of this file and of the shards; {@link #FORMAT_VERSION}
 * @param settings what decides the tokens besides the text
 * @param tokenizer which tokens
 * @param sources files read
 * @param sourcesHash SHA-256 over the names and normalised contents of the files, in order
 * @param documents kept
 * @param duplicates documents dropped, since their normalised text equals that of one kept
 * @param blankDocuments documents dropped, since they hold white space only
 * @param bytes of the kept documents, as normalised UTF-8
 * @param invalidUtf8 malformed byte sequences replaced by U+FFFD, over all documents read
 * @param entropyNatsPerToken order-0 entropy of the training tokens: the loss of a model that knows only how often each
 *     token comes
 * @param train the split to learn from
 * @param validation the split to measure on
 */
public record CorpusManifest(
        int formatVersion,
        CorpusSettings settings,
        TokenizerIdentity tokenizer,
        long sources,
        String sourcesHash,
        long documents,
        long duplicates,
        long blankDocuments,
        long bytes,
        long invalidUtf8,
        double entropyNatsPerToken,
        Split train,
        Split validation) {

    /** The version this build writes and reads. */
    public static final int FORMAT_VERSION = 1;

    private static final ObjectMapper JSON = new ObjectMapper()
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(SerializationFeature.INDENT_OUTPUT);

    /** Which tokenizer made the tokens; see {@link Tokenizer}. */
    public record TokenizerIdentity(String name, int vocabulary, int endOfText, String fingerprint) {
        /** The identity of {@code tokenizer}. */
        public static TokenizerIdentity of(Tokenizer tokenizer) {
            return new TokenizerIdentity(
                    tokenizer.name(), tokenizer.vocabulary(), tokenizer.endOfText(), tokenizer.fingerprint());
        }
    }

    /**
     * One split.
     *
     * @param documents in it
     * @param bytes of their normalised UTF-8
     * @param tokens in all shards, end-of-text tokens included
     * @param shards in order
     */
    public record Split(long documents, long bytes, long tokens, List<ShardEntry> shards) {}

    /**
     * One shard file.
     *
     * @param file its name beside the manifest
     * @param tokens in it
     * @param crc32c the file's footer: checksum of all bytes before it, as eight hex digits
     */
    public record ShardEntry(String file, long tokens, String crc32c) implements Serializable {}

    /** This manifest as JSON. */
    public String toJson() {
        try {
            return JSON.writeValueAsString(this) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a manifest is plain data", e);
        }
    }

    /**
     * The manifest of {@code json}.
     *
     * @param place where it was read, for messages
     * @throws UserError if it is damaged or of another version
     */
    public static CorpusManifest ofJson(String json, String place) {
        try {
            JsonNode tree = JSON.readTree(json);
            if (!tree.isObject()) { // Jackson's versions differ in what they make of an empty file
                throw notAManifest(place, "it holds no JSON object");
            }
            int version = tree.path("formatVersion").asInt(FORMAT_VERSION);
            if (version != FORMAT_VERSION) {
                throw new UserError(place + ": corpus format version " + version + ", this build reads "
                        + FORMAT_VERSION + ": prepare the corpus again with --overwrite");
            }
            return JSON.treeToValue(tree, CorpusManifest.class);
        } catch (JsonProcessingException e) {
            UserError mistake = notAManifest(place, e.getOriginalMessage());
            mistake.initCause(e);
            throw mistake;
        }
    }

    private static UserError notAManifest(String place, String why) {
        return new UserError(
                place + ": not a corpus manifest (" + why + "): prepare the corpus again with --overwrite");
    }
}
