package io.fathom.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import io.fathom.cluster.TrainingRun;
import io.fathom.config.ConfigReader;
import io.fathom.config.RunConfig;
import io.fathom.model.ModelSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class DemoJobTest {

    @Test
    void theDenseTwinSpendsTheTrainingFlopsOfTheRoutedModel() throws IOException {
        RunConfig routed = ConfigReader.read(
                List.of(ConfigReader.parse(Files.readString(Path.of("conf/demo.conf")), "conf/demo.conf")));
        ModelSpec spec = routed.model().spec(257);
        RunConfig dense = DemoJob.denseTwin(routed, spec);
        ModelSpec denseSpec = dense.model().spec(257);
        assertThat(denseSpec).isEqualTo(spec.dense());
        assertThat(dense.run()).isEqualTo("runs/demo/dense");
        assertThat(dense.corpusPath()).isEqualTo(routed.corpusPath());
        assertThat(dense.seed()).isEqualTo(routed.seed());
        double routedFlops =
                TrainingRun.roundFlops(spec, routed.train()) * routed.train().rounds();
        double denseFlops =
                TrainingRun.roundFlops(denseSpec, dense.train()) * dense.train().rounds();
        assertThat(denseFlops).isCloseTo(routedFlops, withPercentage(1));
    }
}
