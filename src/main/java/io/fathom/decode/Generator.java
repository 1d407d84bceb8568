package io.fathom.decode;

import io.fathom.config.UserError;
import io.fathom.corpus.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Writes on from prompts: text in, text out, token by token.
 *
 * <p>Prompt and new tokens are routed by the decoder's causal rule. Positions are absolute, so the model sees at most
 * its context of S tokens: when that is full, the newer S / 2 tokens are read again from position 0 and writing goes
 * on; of a prompt longer than S the last S / 2 tokens are read. {@link Generation.Cost#slides} counts how often. An
 * empty prompt stands for the start of a document.
 *
 * <p>Thread-safe: calls share the weights alone.
 */
public final class Generator {
    private final Decoder decoder;
    private final Tokenizer tokenizer;

    /** Throws {@link UserError} when the tokenizer is not the one the model was trained with. */
    public Generator(Decoder decoder, Tokenizer tokenizer) {
        if (decoder.spec().vocabulary() != tokenizer.vocabulary()) {
            throw new UserError("the model knows " + decoder.spec().vocabulary() + " tokens, the tokenizer "
                    + tokenizer.name() + " has " + tokenizer.vocabulary()
                    + "; set corpus.tokenizer to the one it was trained with");
        }
        this.decoder = decoder;
        this.tokenizer = tokenizer;
    }

    /** Receives a batch's texts as they grow. */
    public interface Listener {
        /** Text number {@code text} of the batch grew by {@code piece}, whole characters. */
        void grew(int text, String piece);
    }

    /**
     * Writes up to {@code maxTokens} tokens after {@code prompt}, handing each piece to {@code piece} when it is there.
     */
    public Generation generate(String prompt, int maxTokens, Sampling sampling, Consumer<String> piece) {
        return generate(List.of(prompt), maxTokens, sampling, (text, grown) -> piece.accept(grown))
                .get(0);
    }

    /** Writes up to {@code maxTokens} tokens after each prompt, all of them together. */
    public List<Generation> generate(List<String> prompts, int maxTokens, Sampling sampling, Listener listener) {
        if (maxTokens < 1) {
            throw new UserError("max-tokens = " + maxTokens + ": must be >= 1");
        }
        List<Continuation> texts = IntStream.range(0, prompts.size())
                .mapToObj(i -> new Continuation(decoder, tokenizer, prompts.get(i), sampling.random(i)))
                .toList();
        long start = System.nanoTime();
        long first = 0;
        while (true) {
            List<Integer> open = IntStream.range(0, texts.size())
                    .filter(i -> !texts.get(i).ended() && texts.get(i).newTokens() < maxTokens)
                    .boxed()
                    .toList();
            if (open.isEmpty()) {
                break;
            }
            step(texts, open, maxTokens, sampling, listener);
            first = first == 0 ? System.nanoTime() : first;
        }
        double promptSeconds = (first - start) / 1e9;
        double newSeconds = (System.nanoTime() - first) / 1e9;
        return texts.stream()
                .map(text -> text.result(promptSeconds, newSeconds))
                .toList();
    }

    private void step(
            List<Continuation> texts, List<Integer> open, int maxTokens, Sampling sampling, Listener listener) {
        int[][] unread = open.stream().map(i -> texts.get(i).unread()).toArray(int[][]::new);
        List<Sequence> sequences = new ArrayList<>();
        open.forEach(i -> sequences.add(texts.get(i).sequence()));
        float[][] logits = decoder.advance(sequences, unread);
        for (int n = 0; n < unread.length; n++) {
            Continuation text = texts.get(open.get(n));
            text.read(unread[n].length);
            String piece = text.choose(logits[n], sampling, maxTokens);
            if (!piece.isEmpty()) {
                listener.grew(open.get(n), piece);
            }
        }
    }
}
