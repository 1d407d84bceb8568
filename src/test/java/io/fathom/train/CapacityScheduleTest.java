package io.fathom.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Percentage.withPercentage;

import io.fathom.config.ConfigReader;
import io.fathom.config.TrainConfig;
import io.fathom.config.UserError;
import io.fathom.model.Flops;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CapacityScheduleTest {
    private static final ModelSpec SPEC =
            new ModelSpec(257, 32, 16, 2, 4, new Routing.ExpertChoice(2, 1, 0.25, Gate.SIGMOID, 0.01, true));

    private static List<Double> capacities(CapacitySchedule schedule, ModelSpec spec, int rounds) {
        return IntStream.rangeClosed(1, rounds)
                .mapToObj(round -> ((Routing.Routed) schedule.at(spec, round).routing()).capacity())
                .toList();
    }

    @Test
    void fallsInEqualStepsFromOne() {
        assertThat(capacities(new CapacitySchedule(6, 3), SPEC, 9))
                .containsExactly(1.0, 1.0, 0.75, 0.75, 0.5, 0.5, 0.25, 0.25, 0.25);
        // Rounds that the stages do not divide: the first stages are the longer ones.
        assertThat(capacities(new CapacitySchedule(5, 3), SPEC, 6)).containsExactly(1.0, 1.0, 0.75, 0.75, 0.5, 0.25);
        assertThat(capacities(new CapacitySchedule(1, 1), SPEC, 2)).containsExactly(1.0, 0.25);
        assertThat(capacities(new CapacitySchedule(0, 4), SPEC, 2)).containsExactly(0.25, 0.25);
    }

    @Test
    void changesNothingButTheCapacity() {
        CapacitySchedule schedule = new CapacitySchedule(3, 3);
        for (Routing routing : List.of(
                SPEC.routing(),
                new Routing.TokenChoice(2, 1, 0.25, Gate.RAW, 0.02, 0.03),
                new Routing.Stochastic(2, 1, 0.25, Gate.TANH))) {
            ModelSpec spec = new ModelSpec(257, 32, 16, 2, 4, routing);
            ModelSpec first = schedule.at(spec, 1);
            assertThat(first).isNotEqualTo(spec);
            assertThat(first.withCapacity(0.25)).isEqualTo(spec);
            assertThat(ParameterLayout.of(first)).usingRecursiveComparison().isEqualTo(ParameterLayout.of(spec));
            assertThat(schedule.at(spec, 4)).isEqualTo(spec);
        }
        assertThat(schedule.at(SPEC.dense(), 1)).isEqualTo(SPEC.dense());
    }

    @Test
    void refusesStagesThatHaveNoRound() {
        assertThatThrownBy(() -> new CapacitySchedule(2, 3)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new CapacitySchedule(2, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    private static TrainConfig config(String... settings) {
        Map<String, String> all = new TreeMap<>();
        for (int i = 0; i < settings.length; i += 2) {
            all.put("train." + settings[i], settings[i + 1]);
        }
        return ConfigReader.read(List.of(ConfigReader.settings(all, "test"))).train();
    }

    @Test
    void aBudgetBuysTheRoundsThatComeNearest() {
        TrainConfig config = config("flops", "1e10", "workers", "3", "batch", "4", "localSteps", "5");
        double round = 3.0 * 4 * 5 * new Flops(SPEC).training();
        assertThat(new Budget(SPEC, config).rounds()).isEqualTo((int) Math.rint(1e10 / round));
        assertThat(new Budget(SPEC, config).flops()).isCloseTo(1e10, withPercentage(50 * round / 1e10));
        assertThat(new Budget(SPEC, config("flops", "1")).rounds()).isEqualTo(1);
        assertThat(new Budget(SPEC, config("rounds", "7")).rounds()).isEqualTo(7);
    }

    @Test
    void aBudgetCountsTheStages() {
        TrainConfig config = config("flops", "1e10", "capacitySchedule.rounds", "6", "capacitySchedule.stages", "3");
        Budget budget = new Budget(SPEC, config);
        CapacitySchedule schedule = CapacitySchedule.of(config.capacitySchedule());
        double sum = 0;
        for (int round = 1; round <= budget.rounds(); round++) {
            sum += (double) new Flops(schedule.at(SPEC, round)).training()
                    * config.workers()
                    * config.batch()
                    * config.localSteps();
        }
        assertThat(budget.flops()).isCloseTo(sum, withPercentage(1e-9));
        assertThat(Math.abs(sum - 1e10)).isLessThanOrEqualTo(budget.flops(budget.rounds()) / 2);
        assertThat(budget.rounds()).isLessThan(new Budget(SPEC, config("flops", "1e10")).rounds());
        assertThat(new Budget(SPEC.dense(), config).rounds())
                .isEqualTo(new Budget(SPEC.dense(), config("flops", "1e10")).rounds());
    }

    @Test
    void tellsABudgetThatEndsBeforeTheSchedule() {
        TrainConfig config = config("flops", "1e7", "capacitySchedule.rounds", "6");
        assertThatThrownBy(() -> new Budget(SPEC, config).rounds())
                .isInstanceOf(UserError.class)
                .hasMessageContaining("train.flops = 1.0E7")
                .hasMessageContaining("train.capacitySchedule.rounds = 6");
    }
}
