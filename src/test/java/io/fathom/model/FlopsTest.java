package io.fathom.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class FlopsTest {
    private static final ModelSpec PLAIN = new ModelSpec(11, 8, 6, 2, 3, new Routing.Dense());

    private static ModelSpec routed(int blocks, int every, double capacity, boolean predictor) {
        return new ModelSpec(
                11,
                8,
                6,
                2,
                blocks,
                new Routing.ExpertChoice(every, every - 1, capacity, Gate.SIGMOID, 0.01, predictor));
    }

    /** Counts every multiplication and addition of a matrix product by walking its loops. */
    private static long product(int rows, int inner, int columns) {
        long count = 0;
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                for (int l = 0; l < inner; l++) {
                    count += 2;
                }
            }
        }
        return count;
    }

    private static long block(int n, int d) {
        return product(n, d, 3 * d)
                + product(n, d, n)
                + product(n, n, d)
                + product(n, d, d)
                + product(n, d, 4 * d)
                + product(n, 4 * d, d);
    }

    @Test
    void denseForwardCountsEveryProduct() {
        Flops flops = new Flops(PLAIN);
        assertThat(flops.forward()).isEqualTo(3 * block(8, 6) + product(8, 6, 11));
        assertThat(flops.training()).isEqualTo(3 * flops.forward());
        assertThat(flops.savedShare()).isZero();
        assertThat(flops.forwardPerToken()).isEqualTo(flops.forward() / 8.0);
    }

    @Test
    void routedForwardCountsBudgetRouterAndPredictor() {
        Flops flops = new Flops(routed(4, 2, 0.25, true));
        long predictor = product(8, 6, 3) + product(8, 3, 1);
        long routedBlock = block(2, 6) + product(8, 6, 1) + predictor;
        assertThat(flops.forward()).isEqualTo(2 * block(8, 6) + 2 * routedBlock + product(8, 6, 11));
        // The stop-gradient: of the predictor's first layer only the weight gradient is made.
        long backward =
                2 * (flops.forward() - 2 * predictor) + 2 * (product(6, 8, 3) + product(3, 8, 1) + product(8, 1, 3));
        assertThat(flops.training()).isEqualTo(flops.forward() + backward);
        assertThat(flops.router()).isEqualTo(product(8, 6, 1));
        assertThat(flops.predictor()).isEqualTo(predictor);
        assertThat(flops.head()).isEqualTo(product(8, 6, 11));
    }

    @Test
    void withoutPredictorTrainingIsThreeForwards() {
        Flops flops = new Flops(routed(4, 2, 0.25, false));
        assertThat(flops.predictor()).isZero();
        assertThat(flops.training()).isEqualTo(3 * flops.forward());
    }

    @Test
    void fullCapacityCostsTheRouterMoreThanTheTwin() {
        Flops flops = new Flops(routed(4, 2, 1, false));
        assertThat(flops.forward() - flops.denseTwin().forward()).isEqualTo(2 * flops.router());
        assertThat(flops.savedShare()).isNegative();
    }

    @Test
    void paperShapeCostsAboutHalfOfItsBlocks() {
        // Issue of the paper: S = 2048, C = 256, every other block; the blocks alone cost 0.541 to 0.555 of dense ones.
        ModelSpec spec =
                new ModelSpec(2, 2048, 768, 12, 12, new Routing.ExpertChoice(2, 1, 0.125, Gate.SIGMOID, 0.01, false));
        Flops flops = new Flops(spec);
        double blocks =
                (double) (flops.forward() - flops.head()) / (flops.denseTwin().forward() - flops.head());
        assertThat(blocks).isBetween(0.541, 0.555);
    }

    @Test
    void meanOfBlocksIsExactFromTwoMoments() {
        int[] tokens = {0, 3, 5, 8, 1};
        double sum = 0;
        double mean = 0;
        double square = 0;
        for (int n : tokens) {
            sum += block(n, 6);
            mean += n / 5.0;
            square += n * n / 5.0;
        }
        assertThat(Flops.block(mean, square, 6)).isCloseTo(sum / 5, within(1e-9 * sum));
        assertThat(Flops.block(8, 6)).isEqualTo((double) block(8, 6));
    }
}
