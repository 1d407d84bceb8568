package io.fathom.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.engine.EngineException;
import io.fathom.engine.Precision;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import io.fathom.program.Instruction.GeluGrad;
import io.fathom.program.Instruction.LayerNormGrad;
import io.fathom.program.Program;
import io.fathom.program.Programs;
import io.fathom.program.Value;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is decided before a device is touched: fusion, places in memory, and whether it suffices. */
class PlanningTest {
    private static final ModelSpec SPEC =
            new ModelSpec(96, 32, 32, 2, 4, new Routing.ExpertChoice(2, 1, 0.25, Gate.SIGMOID, 0.01, true));

    @ParameterizedTest
    @EnumSource(
            value = Precision.class,
            names = {"FLOAT32", "BF16"})
    void valuesAliveTogetherNeverShareBytes(Precision precision) {
        Program program = Programs.training(SPEC, 3);
        List<Step> steps = Fusion.steps(program, CudaSession.epilogues(precision));
        ElementTypes types = new ElementTypes(program, precision);
        ArenaPlan plan = ArenaPlan.of(steps, program.outputs().values(), types);
        // A naive replay: every byte remembers who wrote it last, and a reader must find its own value there.
        Map<Long, Value> owner = new HashMap<>();
        for (Step step : steps) {
            for (Value read : step.reads()) {
                expectOwned(plan, types, owner, read);
            }
            for (Value written : step.writes()) {
                own(plan, types, owner, written);
            }
        }
        for (Value output : program.outputs().values()) {
            expectOwned(plan, types, owner, output);
        }
    }

    private static void own(ArenaPlan plan, ElementTypes types, Map<Long, Value> owner, Value value) {
        Long offset = plan.offsets().get(value.id());
        if (offset != null) {
            assertThat(offset % ArenaPlan.ALIGNMENT).isZero();
            assertThat(offset + types.bytes(value)).isLessThanOrEqualTo(plan.bytes());
            for (long b = offset; b < offset + types.bytes(value); b += 2) {
                owner.put(b, value);
            }
        }
    }

    private static void expectOwned(ArenaPlan plan, ElementTypes types, Map<Long, Value> owner, Value value) {
        Long offset = plan.offsets().get(value.id());
        if (offset != null) {
            for (long b = offset; b < offset + types.bytes(value); b += 2) {
                assertThat(owner.get(b)).as(value.name()).isEqualTo(value);
            }
        }
    }

    @Test
    void narrowActivationsTakeHalfTheArena() {
        Program program = Programs.training(SPEC, 8);
        MemoryNeeds wide = MemoryNeeds.of(program, Precision.FLOAT32, 132);
        MemoryNeeds narrow = MemoryNeeds.of(program, Precision.BF16, 132);
        assertThat(narrow.arenaBytes()).isBetween(wide.arenaBytes() * 4 / 10, wide.arenaBytes() * 7 / 10);
        assertThat(narrow.vectorBytes()).isGreaterThan(wide.vectorBytes());
    }

    @Test
    void productsTakeGeluAlongAndRowKernelsTheBiasGradient() {
        List<Step> steps = Fusion.steps(Programs.training(SPEC, 2), true);
        assertThat(steps).anyMatch(s -> s.then() instanceof GeluGrad && s.hidden() != null);
        assertThat(steps).anyMatch(s -> s.instruction() instanceof LayerNormGrad && s.sum() != null);
        assertThat(steps).noneMatch(s -> s.instruction() instanceof GeluGrad);
        assertThat(Fusion.steps(Programs.training(SPEC, 2), false)).anyMatch(s -> s.instruction() instanceof GeluGrad);
    }

    @Test
    void tooLittleMemoryNamesTheMicroBatchThatFits() {
        Program program = Programs.training(SPEC, 64);
        MemoryNeeds needs = MemoryNeeds.of(program, Precision.FLOAT32, 132);
        long quarter = MemoryNeeds.of(Programs.training(SPEC, 16), Precision.FLOAT32, 132)
                .total();
        assertThatThrownBy(() -> needs.require(program, Precision.FLOAT32, 132, quarter + 1000))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("needs ")
                .hasMessageContaining(" free: micro-batch 16 needs ");
        assertThatThrownBy(() -> needs.require(program, Precision.FLOAT32, 132, 1000))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("not even micro-batch 1 fits");
        needs.require(program, Precision.FLOAT32, 132, needs.total());
    }

    @Test
    void positionsAreSortedByTokenAndStayInOrderWithinOne() {
        int[] order = new TokenOrder(5, 8).of(new int[] {3, 0, 3, 4, 0, 0, 3, 1});
        assertThat(order).containsExactly(1, 4, 5, 7, 0, 2, 6, 3);
    }
}
