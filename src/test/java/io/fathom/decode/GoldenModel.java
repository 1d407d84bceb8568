package io.fathom.decode;

import io.fathom.engine.verify.ReferenceCase;
import io.fathom.model.ModelSpec;
import java.util.Arrays;

/** A model of the independent reference, to decode with. */
public record GoldenModel(ReferenceCase reference, ModelSpec spec, float[] parameters) {

    public static GoldenModel named(String name) {
        ReferenceCase reference = ReferenceCase.shipped(name);
        return new GoldenModel(reference, reference.spec(), reference.parameters());
    }

    int sequences() {
        return reference.sequences();
    }

    /** The first S tokens of sequence {@code b} of step 0. */
    int[] tokens(int b) {
        return Arrays.copyOf(window(b), spec.context());
    }

    /** Sequence {@code b} of step 0 with the token that follows it. */
    public int[] window(int b) {
        int stride = spec.context() + 1;
        return Arrays.copyOfRange(reference.ints("tokens"), b * stride, (b + 1) * stride);
    }

    Decoder decoder(CausalRule.Signal signal) {
        return new Decoder(spec, parameters, CausalRule.of(signal));
    }
}
