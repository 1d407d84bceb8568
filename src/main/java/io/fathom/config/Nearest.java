package io.fathom.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** The name a user most likely meant by a name that does not exist. */
public final class Nearest {
    private Nearest() {}

    /** The candidate with the fewest edits from {@code name}, when they are few enough to be a slip. */
    public static Optional<String> to(String name, Collection<String> candidates) {
        int slips = Math.max(2, name.length() / 3);
        return candidates.stream()
                .filter(candidate -> edits(name, candidate) <= slips)
                .min(Comparator.comparingInt(candidate -> edits(name, candidate)));
    }

    /** {@code ; did you mean NAME?} or nothing. */
    public static String hint(String name, Collection<String> candidates) {
        return to(name, candidates).map(near -> "; did you mean " + near + "?").orElse("");
    }

    /** Levenshtein distance, case aside. */
    private static int edits(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                boolean same = Character.toLowerCase(a.charAt(i - 1)) == Character.toLowerCase(b.charAt(j - 1));
                int substituted = diagonal + (same ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(substituted, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }
}
