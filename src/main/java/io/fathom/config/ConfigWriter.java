package io.fathom.config;

import com.typesafe.config.ConfigUtil;
import java.lang.reflect.RecordComponent;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/** A resolved configuration as HOCON that {@link ConfigReader} reads back to an equal one. */
public final class ConfigWriter {
    private ConfigWriter() {}

    /**
     * Every setting of {@code config}, in the order of {@code reference.conf}; the text of {@code <run>/config.conf}.
     */
    public static String render(RunConfig config) {
        StringBuilder text = new StringBuilder("fathom {\n");
        section(config, "  ", text);
        return text.append("}\n").toString();
    }

    private static void section(Record part, String indent, StringBuilder text) {
        for (RecordComponent component : part.getClass().getRecordComponents()) {
            Object value = value(part, component);
            text.append(indent).append(component.getName());
            if (value instanceof Record inner) {
                text.append(" {\n");
                section(inner, indent + "  ", text);
                text.append(indent).append("}\n");
            } else {
                text.append(" = ").append(literal(value)).append('\n');
            }
        }
    }

    private static Object value(Record part, RecordComponent component) {
        try {
            return component.getAccessor().invoke(part);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("cannot read " + component, e);
        }
    }

    private static String literal(Object value) {
        if (value instanceof List<?> list) {
            return list.stream().map(ConfigWriter::literal).collect(Collectors.joining(", ", "[", "]"));
        }
        if (value instanceof OptionalDouble number) {
            return number.isPresent()
                    ? Double.toString(number.getAsDouble())
                    : ConfigUtil.quoteString(ValueReader.AUTO);
        }
        if (value instanceof Enum<?> constant) {
            return ConfigUtil.quoteString(ValueReader.kebab(constant));
        }
        return value instanceof String text ? ConfigUtil.quoteString(text) : value.toString();
    }
}
