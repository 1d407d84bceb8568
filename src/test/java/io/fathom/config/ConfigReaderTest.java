package io.fathom.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigValue;
import io.fathom.config.TrainConfig.OuterConfig;
import io.fathom.model.Gate;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ConfigReaderTest {

    private static RunConfig withFile(String text) {
        return ConfigReader.read(List.of(ConfigReader.parse(text, "test.conf")));
    }

    private static RunConfig withSettings(String... pairs) {
        Map<String, String> settings = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            settings.put(pairs[i], pairs[i + 1]);
        }
        return ConfigReader.read(List.of(ConfigReader.settings(settings, "--set")));
    }

    @Test
    void everyDefaultEqualsReferenceConf() {
        RunConfig defaults = ConfigReader.read(List.of());
        compare(defaults, ConfigReader.reference().getObject("fathom"), "");
    }

    private static void compare(Record part, ConfigObject expected, String path) {
        TreeSet<String> components = new TreeSet<>();
        for (RecordComponent component : part.getClass().getRecordComponents()) {
            String key = path + component.getName();
            components.add(component.getName());
            ConfigValue value = expected.get(component.getName());
            assertThat(value).isNotNull();
            Object found = invoke(part, component);
            if (found instanceof Record inner) {
                compare(inner, (ConfigObject) value, key + ".");
            } else if (value instanceof ConfigList list) {
                assertThat(found).as(key).isEqualTo(list.unwrapped());
            } else if (found instanceof Number number) {
                assertThat(number.doubleValue()).as(key).isEqualTo(((Number) value.unwrapped()).doubleValue());
            } else if (found instanceof OptionalDouble number) {
                assertThat(number).as(key).isEmpty();
                assertThat(value.unwrapped()).as(key).isEqualTo("auto");
            } else if (found instanceof Enum<?> constant) {
                assertThat(ValueReader.kebab(constant)).as(key).isEqualTo(value.unwrapped());
            } else {
                assertThat(found).as(key).isEqualTo(value.unwrapped());
            }
        }
        assertThat(new TreeSet<>(expected.keySet())).as("keys of %s", path).isEqualTo(components);
    }

    @Test
    void theOuterRateIsThatOfTheScalingStudyWhereNoneIsSet() {
        OuterConfig unset = withSettings().train().outer();
        assertThat(List.of(unset.learningRate(1), unset.learningRate(2), unset.learningRate(4), unset.learningRate(8)))
                .containsExactly(0.4, 0.6, 0.6, 0.8);
        RunConfig set = withSettings("train.outer.learningRate", "0.7");
        assertThat(set.train().outer().learningRate(8)).isEqualTo(0.7);
        for (RunConfig config : List.of(withSettings(), set)) {
            assertThat(ConfigReader.read(List.of(ConfigReader.parse(ConfigWriter.render(config), "written"))))
                    .isEqualTo(config);
        }
        assertThatThrownBy(() -> withSettings("train.outer.learningRate", "fast"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("must be a number or auto");
    }

    private static Object invoke(Record part, RecordComponent component) {
        try {
            return component.getAccessor().invoke(part);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(e.getMessage(), e);
        }
    }

    @Test
    void everyKeyOfReferenceConfIsExplainedByAComment() {
        ConfigReader.reference()
                .getObject("fathom")
                .toConfig()
                .entrySet()
                .forEach(entry -> assertThat(entry.getValue().origin().comments())
                        .as(entry.getKey())
                        .isNotEmpty());
    }

    @Test
    void everyRunOfConfLoads() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("conf"))) {
            List<Path> runs = files.filter(each -> each.toString().endsWith(".conf"))
                    .filter(each -> !each.getFileName().toString().startsWith("spark-"))
                    .toList();
            assertThat(runs).hasSizeGreaterThanOrEqualTo(3);
            for (Path run : runs) {
                RunConfig config = withFile(Files.readString(run));
                assertThat(config.model().spec(50_257).blocks())
                        .as(run.toString())
                        .isPositive();
            }
        }
    }

    @Test
    void settingsBeatSparkSettingsBeatFileBeatDefaults() {
        Config file = ConfigReader.parse("fathom.train { rounds = 7, batch = 7, workers = 7 }", "file");
        Config spark = ConfigReader.settings(Map.of("train.rounds", "8", "train.batch", "8"), "spark.fathom");
        Config set = ConfigReader.settings(Map.of("fathom.train.rounds", "9"), "--set");
        TrainConfig train = ConfigReader.read(List.of(set, spark, file)).train();
        assertThat(List.of(train.rounds(), train.batch(), train.workers(), train.localSteps()))
                .containsExactly(9, 8, 7, ConfigReader.read(List.of()).train().localSteps());
    }

    @Test
    void readsEveryTypeFromASetting() {
        RunConfig config = withSettings(
                "corpus.input",
                "hdfs://host:8020/data/*.txt",
                "corpus.extensions",
                "[md, \"a b\"]",
                "seed",
                "-3",
                "model.routing.gate",
                "tanh",
                "model.routing.predictor",
                "false",
                "train.learningRate.peak",
                "2e-3");
        assertThat(config.corpus().input()).containsExactly("hdfs://host:8020/data/*.txt");
        assertThat(config.corpus().extensions()).containsExactly("md", "a b");
        assertThat(config.seed()).isEqualTo(-3);
        assertThat(config.model().routing().gate()).isEqualTo(Gate.TANH);
        assertThat(config.model().routing().predictor()).isFalse();
        assertThat(config.train().learningRate().peak()).isEqualTo(2e-3);
    }

    @Test
    void tellsEveryProblemAtOnceWithKeyValueRuleAndOrigin() {
        String text = """
                fathom {
                  seed = 1.5
                  train {
                    workers = 0
                    round = 3
                    learningRate.peak = fast
                    outer.kind = adam
                    adamw.beta1 = 1
                  }
                  model { heads = 3, routing { predictor = maybe, capacity = 0 } }
                  engine = cpu
                }
                trian.rounds = 3
                """;
        assertThatThrownBy(() -> withFile(text))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("11 problems in the configuration:")
                .hasMessageContaining("seed = 1.5: must be a whole number (test.conf:2)")
                .hasMessageContaining("train.workers = 0: must lie between 1 and 10000 (test.conf:4)")
                .hasMessageContaining("train.round = 3: unknown key; did you mean rounds? (test.conf:5)")
                .hasMessageContaining("train.learningRate.peak = \"fast\": must be a number (test.conf:6)")
                .hasMessageContaining("train.outer.kind = \"adam\": must be one of average, nesterov (test.conf:7)")
                .hasMessageContaining("train.adamw.beta1 = 1: must be at least 0.0 and less than 1.0 (test.conf:8)")
                .hasMessageContaining("model.width = 128: must be a multiple of heads = 3 (the default)")
                .hasMessageContaining("model.routing.predictor = \"maybe\": must be true or false (test.conf:10)")
                .hasMessageContaining("model.routing.capacity = 0: must be greater than 0 and at most 1 (test.conf:10)")
                .hasMessageContaining("engine = \"cpu\": must be a section of settings (test.conf:11)")
                .hasMessageContaining("trian = {\"rounds\":3}: unknown key; settings lie within fathom");
    }

    @Test
    void aCapacityScheduleFitsIntoItsRounds() {
        assertThatThrownBy(() -> withSettings(
                        "train.rounds",
                        "5",
                        "train.capacitySchedule.rounds",
                        "6",
                        "train.capacitySchedule.stages",
                        "7"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("train.capacitySchedule.stages = \"7\": must be at most rounds = 6")
                .hasMessageContaining("train.rounds = \"5\": must be at least capacitySchedule.rounds = 6");
        // FLOPs decide the rounds then, which are known with the corpus.
        assertThat(withSettings("train.rounds", "5", "train.capacitySchedule.rounds", "6", "train.flops", "1e9")
                        .train()
                        .flops())
                .isEqualTo(1e9);
    }

    @Test
    void oneProblemIsOneLine() {
        assertThatThrownBy(() -> withSettings("train.worker", "2"))
                .isInstanceOf(UserError.class)
                .hasMessage("train.worker = \"2\": unknown key; did you mean workers? (--set)");
    }

    @Test
    void anUnknownSectionNamesWhoSetIt() {
        assertThatThrownBy(() -> withSettings("foo.bar", "1")).hasMessage("foo = {\"bar\":\"1\"}: unknown key (--set)");
    }

    @Test
    void aModelThatRoutesHasABlockThatDoes() {
        assertThatThrownBy(() -> withSettings("model.routing.every", "9", "model.routing.offset", "4"))
                .isInstanceOf(UserError.class)
                .hasMessage("model.blocks = 4: must be more than routing.offset = 4, or no block routes; set"
                        + " routing.kind = dense for that (the default)");
        assertThat(withSettings("model.blocks", "1", "model.routing.kind", "dense")
                        .model()
                        .spec(257)
                        .routedBlocks())
                .isEmpty();
    }

    @Test
    void aModelThatNoArrayHoldsIsAMistake() {
        assertThatThrownBy(() -> withSettings("model.width", "100000").model().spec(50_257))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("model.width = 100000")
                .hasMessageContaining("2,147,483,647 parameters");
    }

    @Test
    void refusesWhatIsNoHocon() {
        assertThatThrownBy(() -> withFile("fathom {"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("test.conf: 1");
        assertThatThrownBy(() -> withSettings("corpus.input", "[a"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("--set corpus.input=[a");
        assertThatThrownBy(() -> withSettings("a..b", "1"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("--set a..b=1");
        assertThatThrownBy(() -> withFile("fathom.seed = ${nowhere}"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("nowhere");
        assertThatThrownBy(() -> withFile("fathom.seed = null"))
                .hasMessage("seed = null: must be a whole number (test.conf:1)");
        assertThatThrownBy(() -> withSettings("seed", "9223372036854775808")).hasMessageContaining("must lie between");
        assertThatThrownBy(() -> withSettings("train.adamw.epsilon", "1e999"))
                .hasMessageContaining("must be a finite number");
    }

    @Test
    void rendersWhatItReadsBackEqual() {
        RunConfig config = withSettings(
                "corpus.input",
                "[\"a \\\"quoted\\\" path\", b]",
                "train.learningRate.peak",
                "0.1234567890123",
                "model.routing.kind",
                "dense");
        String text = ConfigWriter.render(config);
        assertThat(withFile(text)).isEqualTo(config);
        assertThat(ConfigWriter.render(withFile(text))).isEqualTo(text);
    }
}
