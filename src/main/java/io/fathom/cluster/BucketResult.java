package io.fathom.cluster;

import io.fathom.corpus.TokenCounts;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * What came of one bucket of documents.
 *
 * @param train its training documents
 * @param validation its validation documents
 * @param duplicates documents dropped
 * @param trainCounts how often each token comes in {@code train}
 */
record BucketResult(Tokens train, Tokens validation, long duplicates, TokenCounts trainCounts) {

    /**
     * Tokens in a file without header, in the width of the shards.
     *
     * @param file its name in the work directory
     * @param bytes of the documents' normalised UTF-8
     */
    record Tokens(String file, long documents, long bytes, long tokens) {
        private void write(DataOutputStream out) throws IOException {
            out.writeUTF(file);
            out.writeLong(documents);
            out.writeLong(bytes);
            out.writeLong(tokens);
        }

        private static Tokens read(DataInputStream in) throws IOException {
            return new Tokens(in.readUTF(), in.readLong(), in.readLong(), in.readLong());
        }
    }

    byte[] toBytes() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            train.write(out);
            validation.write(out);
            out.writeLong(duplicates);
            trainCounts.write(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    static BucketResult of(byte[] bytes, int vocabulary) {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            return new BucketResult(Tokens.read(in), Tokens.read(in), in.readLong(), TokenCounts.read(in, vocabulary));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
