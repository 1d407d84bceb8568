package io.fathom.config;

import java.util.HashSet;
import java.util.List;

/** {@code fathom.local}: what a run uses of a machine where Spark does not say, as in local mode. */
public record LocalConfig(List<String> gpus) implements Checked {
    /** What {@code gpus} says for every GPU of the machine. */
    public static final String ALL = "all";

    @Override
    public void check(Problems problems) {
        boolean all = gpus.equals(List.of(ALL));
        boolean indices = !gpus.isEmpty()
                && gpus.stream().allMatch(gpu -> gpu.matches("\\d{1,4}"))
                && new HashSet<>(gpus).size() == gpus.size();
        problems.require(all || indices, "gpus", "must be all, or different indexes from 0 such as [0, 1]");
    }
}
