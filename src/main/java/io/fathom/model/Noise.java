package io.fathom.model;

/**
 * Standard Gaussian numbers as a pure function of (seed, block, position): the same on every engine and machine.
 *
 * <p>A 64-bit counter hash (the finalizer of SplitMix64) gives two uniforms u, v in (0, 1]; the number is sqrt(-2 ln u)
 * cos(2 pi v) (Box and Muller, 1958), in strict arithmetic.
 */
public final class Noise {
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;
    private static final double UNIT = 0x1.0p-53;

    private Noise() {}

    /** The number for {@code position}, b * S + t, of routed block {@code block}. */
    public static double gaussian(long seed, int block, int position) {
        long key = mix(mix(seed) + (block + 1) * GOLDEN);
        double u = ((mix(key + (2L * position + 1) * GOLDEN) >>> 11) + 1) * UNIT;
        double v = ((mix(key + (2L * position + 2) * GOLDEN) >>> 11) + 1) * UNIT;
        return StrictMath.sqrt(-2 * StrictMath.log(u)) * StrictMath.cos(2 * Math.PI * v);
    }

    /** The finalizer of SplitMix64: every bit of the result depends on every bit of {@code z}. */
    public static long mix(long z) {
        long x = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
        return x ^ (x >>> 31);
    }
}
