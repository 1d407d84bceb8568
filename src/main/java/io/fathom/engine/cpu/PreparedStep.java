package io.fathom.engine.cpu;

import io.fathom.program.Instruction;
import org.jspecify.annotations.Nullable;

/**
 * A step and the instruction it came from.
 *
 * @param source null for steps that several instructions share
 */
record PreparedStep(@Nullable Instruction source, Step step) {}
