/**
 * The jobs: one main command a file, each the story of that job from top to bottom, and the dispatcher that finds them.
 *
 * <p>May import every room, Spark and picocli; no room imports it.
 *
 * <p>Promises that a mistake of the user ends in one clear line and exit code 2, any other failure in one line and exit
 * code 1, both without a stack trace unless {@code --verbose}.
 */
@NullMarked
package io.fathom.jobs;

import org.jspecify.annotations.NullMarked;
