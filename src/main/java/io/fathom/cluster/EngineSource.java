package io.fathom.cluster;

import io.fathom.engine.Engine;
import io.fathom.engine.Engines;
import java.io.Serializable;

/** Finds an engine on the machine where a task runs. */
@FunctionalInterface
public interface EngineSource extends Serializable {
    /** The engine; called once for each session that is opened. */
    Engine engine();

    /** The engine of this name in this build. */
    static EngineSource named(String name) {
        return () -> Engines.named(name);
    }
}
