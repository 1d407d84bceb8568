package io.fathom.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads layers of HOCON over {@code reference.conf} into a {@link RunConfig}, strictly: an unknown or missing key, a
 * value of the wrong type, an unknown choice and a value out of range are problems, and one {@link UserError} tells
 * them all.
 */
public final class ConfigReader {
    private static final String ROOT = "fathom";

    private ConfigReader() {}

    /** The configuration of {@code layers}, the strongest first, over the defaults. */
    public static RunConfig read(List<Config> layers) {
        Config merged = ConfigFactory.empty();
        for (Config layer : layers) {
            merged = merged.withFallback(layer);
        }
        Config reference = reference();
        Config resolved = resolve(merged.withFallback(reference));
        List<String> lines = new ArrayList<>();
        strangers(resolved, lines);
        RunConfig config = null;
        if (resolved.root().get(ROOT) instanceof ConfigObject values) {
            Reading reading = new Reading(reference.getObject(ROOT));
            config = reading.record(RunConfig.class, "", new Problems(lines, "", values), values);
        } else {
            new Problems(lines, "", resolved.root()).add(ROOT, "must be a section of settings");
        }
        if (config == null || !lines.isEmpty()) {
            throw new UserError(
                    lines.size() == 1
                            ? lines.get(0)
                            : lines.size() + " problems in the configuration:\n  " + String.join("\n  ", lines));
        }
        return config;
    }

    /** The defaults alone, as {@code reference.conf} on the class path has them. */
    static Config reference() {
        Config all = ConfigFactory.parseResources(
                ConfigReader.class.getClassLoader(), "reference.conf", ConfigParseOptions.defaults());
        return all.withOnlyPath(ROOT);
    }

    /**
     * A layer of single settings, such as those of {@code --set}: keys with or without the leading {@code fathom.};
     * values as they stand, or HOCON where they begin with a bracket, a brace or a quotation mark.
     *
     * @param source what to name as the origin of the key in a problem, followed by the key
     */
    public static Config settings(Map<String, String> settings, String source) {
        Config layer = ConfigFactory.empty();
        for (Map.Entry<String, String> setting : settings.entrySet()) {
            String key = setting.getKey().startsWith(ROOT + ".") ? setting.getKey() : ROOT + "." + setting.getKey();
            try {
                layer = ConfigFactory.parseMap(Map.of(key, value(setting.getValue(), source)), source)
                        .withFallback(layer);
            } catch (ConfigException e) {
                throw new UserError(
                        source + " " + setting.getKey() + "=" + setting.getValue() + ": " + firstLine(e), e);
            }
        }
        return layer;
    }

    /** Parses one configuration file's {@code text}; {@code name} is what problems call it. */
    public static Config parse(String text, String name) {
        try {
            return ConfigFactory.parseString(text, ConfigParseOptions.defaults().setOriginDescription(name));
        } catch (ConfigException e) {
            throw new UserError("cannot read the configuration: " + firstLine(e), e);
        }
    }

    private static ConfigValue value(String text, String source) {
        String trimmed = text.strip();
        if (!trimmed.isEmpty() && "[{\"".indexOf(trimmed.charAt(0)) >= 0) {
            Config parsed = ConfigFactory.parseString(
                    "value = " + trimmed, ConfigParseOptions.defaults().setOriginDescription(source));
            return parsed.getValue("value");
        }
        return ConfigValueFactory.fromAnyRef(text, source);
    }

    private static Config resolve(Config config) {
        try {
            return config.resolve();
        } catch (ConfigException e) {
            throw new UserError("cannot resolve the configuration: " + firstLine(e), e);
        }
    }

    /** Keys beside {@code fathom}: most likely a file that forgot the section. */
    private static void strangers(Config config, List<String> lines) {
        Problems problems = new Problems(lines, "", config.root());
        for (String key : config.root().keySet().stream().sorted().toList()) {
            problems.require(key.equals(ROOT), key, "unknown key; settings lie within fathom { ... }");
        }
    }

    private static String firstLine(ConfigException e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    }

    /** Fills records from objects; where a value cannot be used, its default stands in so that all others are seen. */
    private record Reading(ConfigObject defaults) {

        <T extends Record> @Nullable T record(Class<T> type, String path, Problems problems, ConfigObject values) {
            RecordComponent[] components = type.getRecordComponents();
            List<String> names =
                    Arrays.stream(components).map(RecordComponent::getName).toList();
            for (String key : values.keySet().stream().sorted().toList()) {
                problems.require(names.contains(key), key, "unknown key" + Nearest.hint(key, names));
            }
            Object[] arguments = new Object[components.length];
            boolean whole = true;
            for (int i = 0; i < components.length; i++) {
                Object argument = component(components[i], path, problems, values);
                whole &= argument != null;
                arguments[i] = argument;
            }
            if (!whole) {
                return null;
            }
            T part = construct(type, components, arguments);
            if (part instanceof Checked checked) {
                checked.check(problems);
            }
            return part;
        }

        private @Nullable Object component(
                RecordComponent component, String path, Problems problems, ConfigObject values) {
            String key = component.getName();
            String full = path + key;
            ConfigValue value = values.get(key);
            if (value == null) {
                problems.add(key, "missing; reference.conf must have a default");
                return null;
            }
            Class<?> type = component.getType();
            if (type.isRecord()) {
                if (value instanceof ConfigObject part) {
                    return record(type.asSubclass(Record.class), full + ".", problems.within(key, part), part);
                }
                problems.add(key, "must be a section of settings");
                return null;
            }
            try {
                return ValueReader.read(value, type);
            } catch (IllegalArgumentException e) {
                problems.add(key, String.valueOf(e.getMessage()));
                return defaults.toConfig().hasPath(full)
                        ? ValueReader.read(defaults.toConfig().getValue(full), type)
                        : null;
            }
        }

        private static <T extends Record> T construct(Class<T> type, RecordComponent[] components, Object[] arguments) {
            Class<?>[] types =
                    Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
            try {
                return type.getDeclaredConstructor(types).newInstance(arguments);
            } catch (InvocationTargetException e) {
                throw new IllegalStateException(type + ": put its rules in check, not in its constructor", e);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException("cannot build " + type, e);
            }
        }
    }
}
