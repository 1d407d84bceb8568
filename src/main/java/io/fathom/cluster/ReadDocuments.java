package io.fathom.cluster;

import io.fathom.corpus.CorpusSettings;
import io.fathom.corpus.Documents;
import io.fathom.corpus.Documents.Document;
import io.fathom.corpus.HadoopSettings;
import io.fathom.corpus.SourcePart;
import io.fathom.corpus.SourceReport;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.PairFlatMapFunction;
import org.apache.spark.util.CollectionAccumulator;
import org.apache.spark.util.TaskCompletionListener;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;

/** The task that reads some parts of files: (key, normalised UTF-8) of each document, and a report of each part. */
final class ReadDocuments implements PairFlatMapFunction<byte[], byte[], byte[]> {
    private static final long serialVersionUID = 1L;

    private final CorpusSettings settings;
    private final HadoopSettings hadoop;
    private final CollectionAccumulator<SourceReport> reports;

    ReadDocuments(CorpusSettings settings, HadoopSettings hadoop, CollectionAccumulator<SourceReport> reports) {
        this.settings = settings;
        this.hadoop = hadoop;
        this.reports = reports;
    }

    @Override
    public Iterator<Tuple2<byte[], byte[]>> call(byte[] parts) {
        Reading reading = new Reading(Wire.of(parts, SourcePart[].class));
        TaskCompletionListener close = context -> reading.close();
        TaskContext.get().addTaskCompletionListener(close);
        return reading;
    }

    /** Reads lazily, one document at a time: a task never holds more than Spark's sorter lets it. */
    private final class Reading implements Iterator<Tuple2<byte[], byte[]>> {
        private final SourcePart[] parts;
        private int part;
        private long number;
        private @Nullable Documents documents;
        private @Nullable Document next;

        Reading(SourcePart[] parts) {
            this.parts = parts;
        }

        @Override
        public boolean hasNext() {
            while (next == null && part < parts.length) {
                if (documents == null) {
                    documents = new Documents(parts[part], settings, hadoop.configuration());
                    number = 0;
                }
                next = documents.next();
                if (next == null) {
                    reports.add(documents.report());
                    documents = null;
                    part++;
                }
            }
            return next != null;
        }

        @Override
        public Tuple2<byte[], byte[]> next() {
            if (!hasNext() || next == null) {
                throw new NoSuchElementException();
            }
            Document document = next;
            next = null;
            return new Tuple2<>(DocumentKey.of(document.hash(), parts[part].index(), number++), document.utf8());
        }

        void close() {
            if (documents != null) {
                documents.close();
            }
        }
    }
}
