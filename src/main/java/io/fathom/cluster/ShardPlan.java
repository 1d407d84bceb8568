package io.fathom.cluster;

import io.fathom.corpus.CorpusFiles;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * Which tokens of which bucket files make a shard.
 *
 * @param file name of the shard
 * @param slices in order
 */
record ShardPlan(String file, Slice[] slices) implements Serializable {

    /**
     * Some tokens of a bucket file.
     *
     * @param file its name
     * @param from number of the first token
     * @param tokens how many
     */
    record Slice(String file, long from, long tokens) implements Serializable {}

    long tokens() {
        long sum = 0;
        for (Slice slice : slices) {
            sum += slice.tokens();
        }
        return sum;
    }

    /**
     * Cuts the tokens of {@code buckets}, one after the other, into shards of {@code shardTokens}, the last shorter.
     */
    static List<ShardPlan> of(String split, List<BucketResult.Tokens> buckets, int shardTokens) {
        List<ShardPlan> plans = new ArrayList<>();
        List<Slice> slices = new ArrayList<>();
        long room = shardTokens;
        for (BucketResult.Tokens bucket : buckets) {
            for (long from = 0; from < bucket.tokens(); ) {
                long part = Math.min(room, bucket.tokens() - from);
                slices.add(new Slice(bucket.file(), from, part));
                from += part;
                room -= part;
                if (room == 0) {
                    plans.add(new ShardPlan(CorpusFiles.shardName(split, plans.size()), slices.toArray(Slice[]::new)));
                    slices.clear();
                    room = shardTokens;
                }
            }
        }
        if (!slices.isEmpty()) {
            plans.add(new ShardPlan(CorpusFiles.shardName(split, plans.size()), slices.toArray(Slice[]::new)));
        }
        return plans;
    }
}
