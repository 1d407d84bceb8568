package io.fathom.engine.cpu;

/** A step whose kernels are made for one {@link Beta}: one for each. */
record EitherStep(Beta beta, Step set, Step add) implements Step {
    @Override
    public void run(Lane lane) {
        (beta.sets() ? set : add).run(lane);
    }
}
