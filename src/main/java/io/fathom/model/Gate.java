package io.fathom.model;

/** The function g that turns a router weight r into the factor of a routed block's delta: x + g(r) * d. */
public enum Gate {
    /** g(r) = 1 / (1 + exp(-r)): bounded, the default. */
    SIGMOID {
        @Override
        public double apply(double r) {
            return 1 / (1 + Math.exp(-r));
        }

        @Override
        public double derivative(double r) {
            double s = apply(r);
            return s * (1 - s);
        }
    },
    /** g(r) = r: the letter of the paper's Equation 1. */
    RAW {
        @Override
        public double apply(double r) {
            return r;
        }

        @Override
        public double derivative(double r) {
            return 1;
        }
    },
    /** g(r) = tanh(r). */
    TANH {
        @Override
        public double apply(double r) {
            return Math.tanh(r);
        }

        @Override
        public double derivative(double r) {
            double t = Math.tanh(r);
            return 1 - t * t;
        }
    };

    /** g(r). */
    public abstract double apply(double r);

    /** dg/dr at r. */
    public abstract double derivative(double r);
}
