package io.fathom.engine.cpu;

/** mean = the mean of {@code values}, in double, by the first lane. */
record MeanStep(Floats values, Floats mean) implements Step {
    @Override
    public void run(Lane lane) {
        if (!lane.first()) {
            return;
        }
        double sum = 0;
        for (int i = 0; i < values.length(); i++) {
            sum += values.get(i);
        }
        mean.put(0, (float) (sum / values.length()));
    }
}
