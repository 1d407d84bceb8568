package io.fathom.config;

import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** One HOCON value as the Java type of a record component; the rule is the message where it does not fit. */
final class ValueReader {
    /** How an empty {@link OptionalDouble} is written: the program chooses. */
    static final String AUTO = "auto";

    private ValueReader() {}

    /** {@code value} as {@code type}; throws {@link IllegalArgumentException} with the rule it breaks. */
    static Object read(ConfigValue value, Class<?> type) {
        if (type == int.class) {
            return (int) whole(value, Integer.MIN_VALUE, Integer.MAX_VALUE);
        } else if (type == long.class) {
            return whole(value, Long.MIN_VALUE, Long.MAX_VALUE);
        } else if (type == double.class) {
            return finite(value, "must be a number");
        } else if (type == OptionalDouble.class) {
            String rule = "must be a number or auto";
            return AUTO.equals(text(value, rule).strip())
                    ? OptionalDouble.empty()
                    : OptionalDouble.of(finite(value, rule));
        } else if (type == boolean.class) {
            return truth(value);
        } else if (type == String.class) {
            return text(value, "must be a text");
        } else if (type == List.class) {
            return list(value);
        } else if (type.isEnum()) {
            return choice(value, type);
        }
        throw new IllegalStateException("no way to read " + type + " from a configuration; teach ValueReader");
    }

    /** The HOCON spelling of an enum constant: {@code EXPERT_CHOICE} is {@code expert-choice}. */
    static String kebab(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static BigDecimal number(ConfigValue value, String rule) {
        try {
            return new BigDecimal(text(value, rule).strip());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(rule, e);
        }
    }

    private static double finite(ConfigValue value, String rule) {
        double number = number(value, rule).doubleValue();
        if (Double.isInfinite(number)) {
            throw new IllegalArgumentException("must be a finite number");
        }
        return number;
    }

    private static long whole(ConfigValue value, long least, long most) {
        String rule = "must be a whole number";
        BigDecimal number = number(value, rule);
        if (number.stripTrailingZeros().scale() > 0) {
            throw new IllegalArgumentException(rule);
        }
        if (number.compareTo(BigDecimal.valueOf(least)) < 0 || number.compareTo(BigDecimal.valueOf(most)) > 0) {
            throw new IllegalArgumentException("must lie between " + least + " and " + most);
        }
        return number.longValueExact();
    }

    private static boolean truth(ConfigValue value) {
        String rule = "must be true or false";
        return switch (text(value, rule).strip()) {
            case "true", "yes", "on" -> true;
            case "false", "no", "off" -> false;
            default -> throw new IllegalArgumentException(rule);
        };
    }

    private static List<String> list(ConfigValue value) {
        String rule = "must be a list of texts, or one text";
        if (value instanceof ConfigList values) {
            return values.stream().map(each -> text(each, rule)).toList();
        }
        return List.of(text(value, rule));
    }

    private static Object choice(ConfigValue value, Class<?> type) {
        List<Enum<?>> constants = Arrays.stream(type.getEnumConstants())
                .<Enum<?>>map(constant -> (Enum<?>) constant)
                .toList();
        List<String> names = constants.stream().map(ValueReader::kebab).toList();
        String rule = "must be one of " + String.join(", ", names);
        int found = names.indexOf(text(value, rule).strip());
        if (found < 0) {
            throw new IllegalArgumentException(rule);
        }
        return constants.get(found);
    }

    /** The value as it was written; numbers keep their digits. */
    private static String text(ConfigValue value, String rule) {
        ConfigValueType type = value.valueType();
        if (type != ConfigValueType.STRING && type != ConfigValueType.NUMBER && type != ConfigValueType.BOOLEAN) {
            throw new IllegalArgumentException(rule);
        }
        return value.atKey("value").getString("value");
    }
}
