package io.fathom.engine.verify;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.engine.Engine;
import io.fathom.engine.Engines;
import io.fathom.engine.Precision;
import io.fathom.engine.SessionOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every engine of this machine against every shipped reference case. */
class ReferenceCasesTest {
    static Stream<Arguments> cases() {
        List<Arguments> all = new ArrayList<>();
        for (String name : ReferenceCase.SHIPPED) {
            all.add(Arguments.of("cpu", Precision.FLOAT32, name));
            all.add(Arguments.of("nd4j", Precision.FLOAT32, name));
            all.add(Arguments.of("nd4j", Precision.FLOAT64, name));
        }
        return all.stream();
    }

    @ParameterizedTest(name = "{0} {1} {2}")
    @MethodSource("cases")
    void reproducesTheReference(String engineName, Precision precision, String name) {
        Engine engine = Engines.named(engineName);
        List<Check> checks =
                Verification.run(ReferenceCase.shipped(name), engine, SessionOptions.DEFAULT.withPrecision(precision));
        assertThat(checks).hasSizeGreaterThan(80);
        assertThat(checks).allMatch(Check::passed);
    }
}
