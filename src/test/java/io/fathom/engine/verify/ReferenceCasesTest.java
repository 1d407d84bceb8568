package io.fathom.engine.verify;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.engine.Engine;
import io.fathom.engine.Engines;
import io.fathom.engine.Precision;
import io.fathom.engine.SessionOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every engine of this machine against every shipped reference case. */
class ReferenceCasesTest {
    /** Made by routers_reference.py: the routers that the shipped cases do not have. */
    private static final List<String> FURTHER =
            List.of("token_choice", "token_choice_tight", "random", "expert_choice_z");

    private static void onEveryEngine(ReferenceCase reference, List<Arguments> all) {
        all.add(Arguments.of("cpu", Precision.FLOAT32, Named.of(reference.name(), reference)));
        all.add(Arguments.of("nd4j", Precision.FLOAT32, Named.of(reference.name(), reference)));
        all.add(Arguments.of("nd4j", Precision.FLOAT64, Named.of(reference.name(), reference)));
    }

    static Stream<Arguments> cases() {
        List<Arguments> all = new ArrayList<>();
        for (String name : ReferenceCase.SHIPPED) {
            onEveryEngine(ReferenceCase.shipped(name), all);
        }
        for (String name : FURTHER) {
            onEveryEngine(ReferenceCase.at(Path.of("src/test/resources/golden", name + ".json")), all);
        }
        return all.stream();
    }

    @ParameterizedTest(name = "{0} {1} {2}")
    @MethodSource("cases")
    void reproducesTheReference(String engineName, Precision precision, ReferenceCase reference) {
        Engine engine = Engines.named(engineName);
        List<Check> checks = Verification.run(reference, engine, SessionOptions.DEFAULT.withPrecision(precision));
        assertThat(checks).hasSizeGreaterThan(80);
        assertThat(checks).allMatch(Check::passed);
    }
}
