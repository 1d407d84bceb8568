/**
 * Parameter averaging as arithmetic: slices of the parameter vector, their encoding for the wire, the weighted mean of
 * the workers and the outer optimizer's step.
 *
 * <p>May import model and train; no input, output, clock or Spark.
 *
 * <p>Promises that every result depends on its arguments alone and that sums are taken in the order given, in double,
 * so that a fixed worker order gives fixed bits and N equal workers average to one of them exactly.
 */
@NullMarked
package io.fathom.average;

import org.jspecify.annotations.NullMarked;
