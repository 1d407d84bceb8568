package io.fathom.cluster;

import io.fathom.engine.Session;
import io.fathom.model.ModelSpec;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.UUID;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The compiled programs and memory that stay with an executor between tasks: a pool of sessions, each lent to one task
 * at a time.
 *
 * <p>Sessions hold nothing that a result depends on: a task writes all it needs. So which session, executor or attempt
 * runs a worker makes no difference, and losing an executor costs only the time to open sessions elsewhere. Sessions of
 * other runs, and of the capacity before, are closed when the first of the new ones is asked for.
 */
final class ExecutorSessions {
    /** Names this process among all executors. */
    static final String PROCESS = UUID.randomUUID().toString();

    private static final ExecutorSessions OF_THIS_PROCESS = new ExecutorSessions();

    private record Key(String run, ModelSpec spec, boolean training, int device) {
        /** Whether sessions of {@code other} are of no more use once one of these is asked for. */
        boolean replaces(Key other) {
            return !run.equals(other.run) || (training == other.training && !spec.equals(other.spec));
        }
    }

    private final Map<Key, Deque<Session>> idle = new HashMap<>();
    private @Nullable WorkerTools resident;

    private ExecutorSessions() {}

    static ExecutorSessions ofThisProcess() {
        return OF_THIS_PROCESS;
    }

    /** The tools of {@code received}'s run that came here first, with the shards they have opened and checked. */
    synchronized WorkerTools resident(WorkerTools received) {
        WorkerTools here = resident;
        if (here == null || !here.run().equals(received.run())) {
            here = received;
            resident = here;
        }
        return here;
    }

    /** A loan. Close it when done: the session goes back if {@link #keep} was called, else it is closed. */
    final class Loan implements AutoCloseable {
        private final Key key;
        private final Session session;
        private boolean sound;

        private Loan(Key key, Session session) {
            this.key = key;
            this.session = session;
        }

        Session session() {
            return session;
        }

        /** Says that the session may serve again. */
        void keep() {
            sound = true;
        }

        @Override
        public void close() {
            if (sound) {
                giveBack(key, session);
            } else {
                session.close();
            }
        }
    }

    Loan training(WorkerTools tools) {
        return borrow(tools, true, tools::openTraining);
    }

    Loan scoring(WorkerTools tools) {
        return borrow(tools, false, tools::openScoring);
    }

    private Loan borrow(WorkerTools tools, boolean training, IntFunction<Session> open) {
        Key key = new Key(
                tools.run(),
                tools.spec(),
                training,
                tools.device().index(tools.engine().engine()));
        Session session = take(key);
        return new Loan(key, session != null ? session : open.apply(key.device()));
    }

    private synchronized @Nullable Session take(Key key) {
        Iterator<Map.Entry<Key, Deque<Session>>> others = idle.entrySet().iterator();
        while (others.hasNext()) {
            Map.Entry<Key, Deque<Session>> other = others.next();
            if (key.replaces(other.getKey())) {
                other.getValue().forEach(Session::close);
                others.remove();
            }
        }
        Deque<Session> found = idle.get(key);
        return found == null ? null : found.poll();
    }

    private synchronized void giveBack(Key key, Session session) {
        idle.computeIfAbsent(key, k -> new ArrayDeque<>()).push(session);
    }

    /** Sessions that are not lent. */
    synchronized int idleCount() {
        return idle.values().stream().mapToInt(Deque::size).sum();
    }

    /** Closes every session that is not lent. */
    synchronized void close() {
        idle.values().forEach(sessions -> sessions.forEach(Session::close));
        idle.clear();
    }
}
