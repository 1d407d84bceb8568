/**
 * The configuration of a run: HOCON read into records, strictly.
 *
 * <p>May import model, Typesafe Config and the JDK.
 *
 * <p>Promises that every key of {@code reference.conf} is a record component and the reverse, and that all problems of
 * a configuration are told at once, each with its key, value and rule.
 */
@NullMarked
package io.fathom.config;

import org.jspecify.annotations.NullMarked;
