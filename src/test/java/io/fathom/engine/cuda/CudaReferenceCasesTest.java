package io.fathom.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.engine.Precision;
import io.fathom.engine.SessionOptions;
import io.fathom.engine.verify.Check;
import io.fathom.engine.verify.ReferenceCase;
import io.fathom.engine.verify.Verification;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The shipped reference cases on the GPU. */
class CudaReferenceCasesTest {
    private static final List<String> FURTHER =
            List.of("token_choice", "token_choice_tight", "random", "expert_choice_z");

    @BeforeAll
    static void gpu() {
        Gpu.orSkip();
    }

    static Stream<Arguments> cases() {
        List<Arguments> all = new ArrayList<>();
        for (Precision precision : List.of(Precision.FLOAT32, Precision.TF32, Precision.BF16)) {
            for (String name : ReferenceCase.SHIPPED) {
                all.add(Arguments.of(precision, Named.of(name, ReferenceCase.shipped(name))));
            }
            for (String name : FURTHER) {
                ReferenceCase further = ReferenceCase.at(Path.of("src/test/resources/golden", name + ".json"));
                all.add(Arguments.of(precision, Named.of(name, further)));
            }
        }
        return all.stream();
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("cases")
    void reproducesTheReference(Precision precision, ReferenceCase reference) {
        List<Check> checks =
                Verification.run(reference, new CudaEngine(), SessionOptions.DEFAULT.withPrecision(precision));
        checks.stream()
                .sorted(Comparator.comparingDouble(c -> -c.error()))
                .limit(4)
                .forEach(c -> System.out.println(precision + " " + reference.name() + " " + c));
        assertThat(checks).hasSizeGreaterThan(80);
        assertThat(checks).allMatch(Check::passed);
    }
}
