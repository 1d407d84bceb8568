package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.config.RunConfig;
import io.fathom.config.UserError;
import io.fathom.engine.Engine;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.program.Program;
import java.util.List;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;

/** Which GPU a worker gets. */
class TaskDeviceTest {
    private static final String[] NONE = {};

    /** As many GPUs as a test wants. */
    private record Gpus(int devices) implements Engine {
        @Override
        public String name() {
            return "gpus";
        }

        @Override
        public String description() {
            return "nothing";
        }

        @Override
        public Session open(Program program, SessionOptions options) {
            throw new UnsupportedOperationException("not for steps");
        }
    }

    private static TaskDevice of(String... gpus) {
        return new TaskDevice(List.of(gpus));
    }

    @Test
    void sparkDecidesWhereItSchedulesGpus() {
        assertThat(of("all").index(new String[] {"3"}, 0, new Gpus(4))).isEqualTo(3);
        assertThat(of("1").index(new String[] {"2", "3"}, 1, new Gpus(4))).isEqualTo(2);
        assertThatThrownBy(() -> of("all").index(new String[] {"GPU-4f2a"}, 0, new Gpus(1)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("\"GPU-4f2a\"")
                .hasMessageContaining("conf/gpu-discovery.sh");
    }

    @Test
    void elseWorkersAreDealtToTheGpusNamed() {
        Gpus four = new Gpus(4);
        assertThat(List.of(0, 1, 2, 3, 4))
                .extracting(worker -> of("1", "3").index(NONE, worker, four))
                .containsExactly(1, 3, 1, 3, 1);
        assertThat(List.of(0, 3, 4, 9))
                .extracting(worker -> of("all").index(NONE, worker, four))
                .containsExactly(0, 3, 0, 1);
        assertThat(of("all").index(NONE, 7, new Gpus(1))).isZero();
    }

    @Test
    void workersOfLocalModeUseTheGpusOfTheConfiguration() {
        RunConfig config = TinyRun.config("train.workers", "4", "local.gpus", "[2, 5]");
        WorkerTools tools = TinyRun.tools(config);
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            List<Integer> devices = spark.parallelize(List.of(0, 1, 2, 3), 4)
                    .map(worker -> tools.device().index(tools.engine().engine()))
                    .collect();
            assertThat(devices).containsExactly(2, 5, 2, 5);
            assertThat(EngineLines.of(spark, config, 4))
                    .hasSize(1)
                    .first()
                    .asString()
                    .startsWith("computing on cpu: ")
                    .endsWith("; each task on 1 thread");
            assertThat(EngineLines.of(spark, TinyRun.config("engine.threads", "1000"), 1))
                    .singleElement()
                    .asString()
                    .endsWith("; each task on 1000 threads, more than there are processors: lower engine.threads");
            assertThatThrownBy(() -> EngineLines.of(spark, TinyRun.config("engine.name", "gpu"), 2))
                    .isInstanceOf(UserError.class)
                    .hasMessageStartingWith("engine.name = gpu: must be one of");
        }
    }

    @Test
    void gpusThatCannotBeAreToldBeforeAnythingRuns() {
        for (String wrong : List.of("none", "[0, 0]", "[-1]", "[all, 1]", "[]")) {
            assertThatThrownBy(() -> TinyRun.config("local.gpus", wrong))
                    .as(wrong)
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("local.gpus")
                    .hasMessageContaining("must be all, or different indexes from 0");
        }
    }
}
