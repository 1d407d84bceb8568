package io.fathom.cluster;

import io.fathom.config.LocalConfig;
import io.fathom.config.UserError;
import io.fathom.engine.Engine;
import java.io.Serializable;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.resource.ResourceInformation;

/**
 * Which GPU a task computes on: the one Spark gave it, else one of {@code local.gpus}, dealt to tasks by their
 * partition, which for training is the worker's number.
 *
 * @param local indexes, or the one word {@code all}
 */
public record TaskDevice(List<String> local) implements Serializable {
    private static final String RESOURCE = "gpu";

    /** Of {@code config}. */
    public static TaskDevice of(LocalConfig config) {
        // A copy that Java serialisation knows.
        return new TaskDevice(List.copyOf(config.gpus()));
    }

    /** The device of the running task on {@code engine}; outside of tasks the first that may be used. */
    public int index(Engine engine) {
        TaskContext task = TaskContext.get();
        ResourceInformation given = task == null ? null : task.resourcesJMap().get(RESOURCE);
        return index(given == null ? new String[0] : given.addresses(), task == null ? 0 : task.partitionId(), engine);
    }

    /**
     * The device of a task.
     *
     * @param addresses of the GPUs that Spark gave the task; the first one is used
     * @param partition of the task
     */
    int index(String[] addresses, int partition, Engine engine) {
        if (addresses.length > 0) {
            return index(addresses[0]);
        }
        return local.equals(List.of(LocalConfig.ALL))
                ? partition % engine.devices()
                : Integer.parseInt(local.get(partition % local.size()));
    }

    private static int index(String address) {
        try {
            return Integer.parseInt(address.strip());
        } catch (NumberFormatException e) {
            throw new UserError(
                    "Spark gave a task the GPU address \"" + address + "\": an index from 0 was expected; let the"
                            + " discovery script print indexes, as conf/gpu-discovery.sh does",
                    e);
        }
    }
}
