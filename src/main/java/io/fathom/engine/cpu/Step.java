package io.fathom.engine.cpu;

/**
 * A kernel bound to its memory. Every lane runs it on its own share; no lane starts the next step before all lanes have
 * ended this one.
 */
@FunctionalInterface
interface Step {
    void run(Lane lane);
}
