package io.fathom.engine.cuda;

/** Stable counting sort of positions by token, so that the device sums each token's gradient rows as neighbours. */
final class TokenOrder {
    private final int[] begins;
    private final int[] order;

    TokenOrder(int vocabulary, int positions) {
        begins = new int[vocabulary + 1];
        order = new int[positions];
    }

    /** Positions ascending by token, then by position; the array is reused by the next call. */
    int[] of(int[] tokens) {
        java.util.Arrays.fill(begins, 0);
        for (int token : tokens) {
            begins[token + 1]++;
        }
        for (int v = 0; v < begins.length - 1; v++) {
            begins[v + 1] += begins[v];
        }
        for (int i = 0; i < tokens.length; i++) {
            order[begins[tokens[i]]++] = i;
        }
        return order;
    }
}
