package io.fathom.config;

import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigOrigin;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigValue;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is wrong with one part of a configuration: one line for each broken rule, as {@code train.workers = 0: must be
 * at least 1 (small.conf:12)}. The lines of all parts gather in one list.
 */
public final class Problems {
    private final List<String> lines;
    private final String prefix;
    private final ConfigObject values;

    Problems(List<String> lines, String prefix, ConfigObject values) {
        this.lines = lines;
        this.prefix = prefix;
        this.values = values;
    }

    /** Adds the line {@code key = value: rule} unless {@code holds}. */
    public void require(boolean holds, String key, String rule) {
        if (!holds) {
            add(key, rule);
        }
    }

    /** Requires {@code value >= least}. */
    public void atLeast(long least, long value, String key) {
        require(value >= least, key, "must be at least " + least);
    }

    /** Requires {@code value > 0}. */
    public void positive(double value, String key) {
        require(value > 0, key, "must be greater than 0");
    }

    /** Requires {@code value >= 0}. */
    public void notNegative(double value, String key) {
        require(value >= 0, key, "must be at least 0");
    }

    /** Requires {@code low <= value < high}. */
    public void from(double low, double high, double value, String key) {
        require(value >= low && value < high, key, "must be at least " + low + " and less than " + high);
    }

    /** Requires that {@code value} holds more than blanks. */
    public void notBlank(String value, String key) {
        require(!value.isBlank(), key, "must not be empty");
    }

    void add(String key, String rule) {
        ConfigValue value = values.get(key);
        lines.add(prefix + key + (value == null ? "" : " = " + text(value)) + ": " + rule + origin(value));
    }

    Problems within(String key, ConfigObject part) {
        return new Problems(lines, prefix + key + ".", part);
    }

    private static String text(ConfigValue value) {
        return value.render(ConfigRenderOptions.concise());
    }

    private static String origin(@Nullable ConfigValue value) {
        return value == null ? "" : " (" + describe(value.origin()) + ")";
    }

    /** {@code small.conf:12}, or what set the value where there is no file. */
    private static String describe(ConfigOrigin origin) {
        String name = origin.description();
        if (name.startsWith("reference.conf")) {
            return "the default";
        }
        int line = origin.lineNumber();
        return line < 0 ? name : name.replaceFirst(": [0-9]+(-[0-9]+)?$", "") + ":" + line;
    }
}
