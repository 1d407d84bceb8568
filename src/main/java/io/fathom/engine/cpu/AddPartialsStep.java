package io.fathom.engine.cpu;

/** Adds one row that all lanes summed in their partials to its gradient, in the order of the lanes. */
record AddPartialsStep(Lane[] lanes, int at, Floats gradient, int length, Beta beta) implements Step {
    @Override
    public void run(Lane lane) {
        int from = lane.from(length);
        int n = lane.to(length) - from;
        for (int done = 0; done < n; done += Lane.BLOCK) {
            int m = Math.min(Lane.BLOCK, n - done);
            beta.begin(gradient, from + done, lane.a, m);
            for (Lane other : lanes) {
                other.partials.get(at + from + done, lane.b, m);
                Vectors.add(lane.a, lane.b, m);
            }
            gradient.put(from + done, lane.a, m);
        }
    }
}
