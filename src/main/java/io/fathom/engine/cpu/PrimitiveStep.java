package io.fathom.engine.cpu;

/**
 * Kernels of oneDNN, one after another on each lane; none on a lane whose share is empty.
 *
 * @param ofLanes the primitives of lane i in place i
 */
record PrimitiveStep(Primitive[][] ofLanes) implements Step {
    @Override
    public void run(Lane lane) {
        for (Primitive primitive : ofLanes[lane.index]) {
            primitive.run();
        }
    }
}
