package io.fathom.config;

/** A part of the configuration that knows the rules of its own values. */
interface Checked {
    /** Tells {@code problems} of every value that breaks a rule, by its key within this part. */
    void check(Problems problems);
}
