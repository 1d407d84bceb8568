package io.fathom.engine.cpu;

/**
 * The {@link Beta} of the steps that are the first of a run to write their slice of the gradient: they set it where the
 * gradient counts as zero, whatever its memory holds, and add to it otherwise. That spares clearing all of it, and
 * reading it back.
 */
final class FirstWrite implements Beta {
    private boolean cleared;

    /** Has the next run begin a gradient ({@code cleared}) or add to the one there is; between runs alone. */
    void cleared(boolean now) {
        this.cleared = now;
    }

    @Override
    public float now() {
        return cleared ? 0f : 1f;
    }
}
