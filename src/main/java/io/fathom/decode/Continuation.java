package io.fathom.decode;

import io.fathom.corpus.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** One text while it is being generated. */
final class Continuation {
    private final Decoder decoder;
    private final Tokenizer tokenizer;
    private final String prompt;
    private final SplittableRandom random;
    private final List<Integer> tokens = new ArrayList<>();
    private final List<List<Integer>> blocks = new ArrayList<>();
    private final Utf8Pieces pieces = new Utf8Pieces();
    private final StringBuilder text = new StringBuilder();
    private final int promptTokens;

    private Sequence sequence;
    private int slides;
    private int readTokens;
    private long depths;
    private long flops;
    private long denseFlops;
    private boolean ended;

    Continuation(Decoder decoder, Tokenizer tokenizer, String prompt, SplittableRandom random) {
        this.decoder = decoder;
        this.tokenizer = tokenizer;
        this.prompt = prompt;
        this.random = random;
        for (int token : tokenizer.encode(prompt)) {
            tokens.add(token);
        }
        if (tokens.isEmpty()) {
            // In the corpus every document follows the end of another.
            tokens.add(tokenizer.endOfText());
        }
        this.promptTokens = tokens.size();
        this.sequence = decoder.begin();
    }

    Sequence sequence() {
        return sequence;
    }

    boolean ended() {
        return ended;
    }

    int newTokens() {
        return tokens.size() - promptTokens;
    }

    /**
     * The tokens the model must read next. Where they no longer fit, it starts again on the newer half of a context.
     */
    int[] unread() {
        int context = decoder.spec().context();
        int from = blocks.size();
        if (sequence.length() + tokens.size() - from > context) {
            close();
            sequence = decoder.begin();
            slides++;
            from = Math.max(0, tokens.size() - Math.max(1, context / 2));
        }
        return tokens.subList(from, tokens.size()).stream()
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /** Notes the routes of the {@code count} tokens just read; a token read again keeps its first ones. */
    void read(int count) {
        readTokens += count;
        while (blocks.size() < tokens.size() - count) {
            blocks.add(List.of());
        }
        for (int i = blocks.size(); i < tokens.size(); i++) {
            blocks.add(sequence.blocks(sequence.length() - (tokens.size() - i)));
        }
        for (int i = 1; i <= count; i++) {
            depths += sequence.depth(sequence.length() - i);
        }
    }

    /** Chooses the next token and returns the characters it completes. */
    String choose(float[] logits, Sampling sampling, int maxTokens) {
        int token = sampling.choose(logits, random);
        if (token == tokenizer.endOfText()) {
            ended = true;
            return finish();
        }
        tokens.add(token);
        String piece = pieces.add(tokenizer.bytes(token));
        text.append(piece);
        return newTokens() < maxTokens ? piece : piece + finish();
    }

    private String finish() {
        String rest = pieces.end();
        text.append(rest);
        return rest;
    }

    private void close() {
        sequence.close();
        flops += sequence.flops();
        denseFlops += sequence.denseFlops();
    }

    Generation result(double promptSeconds, double newSeconds) {
        close();
        Generation.Cost cost = new Generation.Cost(
                promptTokens,
                newTokens(),
                readTokens,
                slides,
                (double) depths / readTokens,
                sequence.cacheBytes(),
                sequence.denseCacheBytes(),
                flops,
                denseFlops,
                promptSeconds,
                newSeconds);
        Generation.End end = ended ? Generation.End.END_OF_TEXT : Generation.End.LENGTH;
        return new Generation(prompt, text.toString(), end, routedTokens(), cost);
    }

    private List<RoutedToken> routedTokens() {
        List<RoutedToken> routed = new ArrayList<>();
        Utf8Pieces all = new Utf8Pieces();
        for (int i = 0; i < tokens.size(); i++) {
            String piece = all.add(tokenizer.bytes(tokens.get(i)));
            List<Integer> computing = i < blocks.size() ? blocks.get(i) : List.of();
            routed.add(new RoutedToken(tokens.get(i), piece, i >= promptTokens, computing));
        }
        return routed;
    }
}
