package io.fathom.corpus;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** How often each token comes. */
public final class TokenCounts {
    private final long[] counts;

    public TokenCounts(int vocabulary) {
        this.counts = new long[vocabulary];
    }

    public void add(int token) {
        counts[token]++;
    }

    public void add(int[] tokens) {
        for (int token : tokens) {
            counts[token]++;
        }
    }

    public void add(TokenCounts other) {
        for (int token = 0; token < counts.length; token++) {
            counts[token] += other.counts[token];
        }
    }

    /** Order-0 entropy -sum p ln p in nats per token; 0 for no tokens. */
    public double entropyNats() {
        double total = 0;
        for (long count : counts) {
            total += count;
        }
        double entropy = 0;
        for (long count : counts) {
            if (count > 0) {
                double share = count / total;
                entropy -= share * Math.log(share);
            }
        }
        return entropy;
    }

    /** Writes the counts with seven bits a byte, since most are small. */
    public void write(DataOutput out) throws IOException {
        for (long count : counts) {
            long rest = count;
            for (; rest >= 0x80; rest >>>= 7) {
                out.writeByte((int) ((rest & 0x7F) | 0x80));
            }
            out.writeByte((int) rest);
        }
    }

    /** Reads what {@link #write} wrote for {@code vocabulary}. */
    public static TokenCounts read(DataInput in, int vocabulary) throws IOException {
        TokenCounts read = new TokenCounts(vocabulary);
        for (int token = 0; token < vocabulary; token++) {
            int shift = 0;
            byte part;
            do {
                part = in.readByte();
                read.counts[token] |= (long) (part & 0x7F) << shift;
                shift += 7;
            } while (part < 0);
        }
        return read;
    }
}
