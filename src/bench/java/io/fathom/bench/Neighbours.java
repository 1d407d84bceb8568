package io.fathom.bench;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** How much of the processors other processes took between two readings; 0 where Linux's counters are missing. */
final class Neighbours {
    private static final Path COUNTERS = Path.of("/proc/stat");
    private static final double SECONDS_PER_TICK = 0.01;

    private final OperatingSystemMXBean self = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private double busy = busySeconds();
    private double own = ownSeconds();
    private long time = System.nanoTime();

    /** Processors that others kept busy since the last reading. */
    double processors() {
        double elapsed = (System.nanoTime() - time) / 1e9;
        double others = (busySeconds() - busy - (ownSeconds() - own)) / elapsed;
        busy = busySeconds();
        own = ownSeconds();
        time = System.nanoTime();
        return Math.max(0, others);
    }

    private double ownSeconds() {
        return self.getProcessCpuTime() / 1e9;
    }

    /** user + nice + system + irq + softirq + steal of all processors. */
    private static double busySeconds() {
        try {
            String[] ticks = Files.readAllLines(COUNTERS).get(0).trim().split("\\s+", 0);
            long sum = 0;
            for (int i : new int[] {1, 2, 3, 6, 7, 8}) {
                sum += Long.parseLong(ticks[i]);
            }
            return sum * SECONDS_PER_TICK;
        } catch (IOException e) {
            return 0;
        }
    }
}
