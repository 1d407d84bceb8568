package io.fathom.cluster;

import io.fathom.engine.MomentMemory;
import io.fathom.engine.Session.Vector;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The moments of workers that this executor trained last, where its engine left them, by worker and committed round.
 *
 * <p>Whoever takes moments has them alone, and gives them back under the round they have come to. So there is no state
 * between two rounds, and no attempt that fails or runs beside another can spoil what a later one finds: it finds
 * nothing, and {@link WorkerHistory} makes them again.
 */
final class ResidentMoments {
    /** The order in which moments stand in files. */
    static final List<Vector> VECTORS = List.of(Vector.FIRST_MOMENT, Vector.SECOND_MOMENT);

    private static final ResidentMoments OF_THIS_PROCESS = new ResidentMoments();

    private record Held(int round, MomentMemory memory) {}

    private final Map<Integer, Held> held = new HashMap<>();
    private String rounds = "";

    private ResidentMoments() {}

    static ResidentMoments ofThisProcess() {
        return OF_THIS_PROCESS;
    }

    /**
     * The moments of {@code worker} after {@code round} of {@code of}, if they are here. Those that nobody will ask for
     * any more are closed: of other runs, and of earlier rounds, whose worker went on elsewhere.
     */
    synchronized @Nullable MomentMemory take(String of, int worker, int round) {
        if (!rounds.equals(of)) {
            close();
            rounds = of;
        }
        held.values().removeIf(each -> {
            boolean stale = each.round() < round;
            if (stale) {
                each.memory().close();
            }
            return stale;
        });
        Held found = held.get(worker);
        if (found == null || found.round() != round) {
            return null;
        }
        held.remove(worker);
        return found.memory();
    }

    /** Keeps the moments of {@code worker} after {@code round} of {@code of}, unless later ones are here. */
    synchronized void put(String of, int worker, int round, MomentMemory memory) {
        Held found = held.get(worker);
        if (!rounds.equals(of) || (found != null && found.round() > round)) {
            memory.close();
            return;
        }
        held.put(worker, new Held(round, memory));
        if (found != null) {
            found.memory().close();
        }
    }

    /** How many workers' moments are here. */
    synchronized int count() {
        return held.size();
    }

    /** Frees all that nobody has taken. */
    synchronized void close() {
        held.values().forEach(each -> each.memory().close());
        held.clear();
    }
}
