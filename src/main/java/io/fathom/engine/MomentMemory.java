package io.fathom.engine;

/**
 * The moments of one worker, where an engine computes with them: outside the Java heap, on a GPU for an engine that
 * uses one. A session {@linkplain Session#takeMoments takes} it, all sessions of the same engine and layout can be
 * {@linkplain Session#attach attached} to it, one at a time, and it outlives them.
 */
public interface MomentMemory extends AutoCloseable {
    /** Frees it; a session that is attached to it must be attached to another before it is used again. */
    @Override
    void close();
}
