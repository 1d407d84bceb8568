/**
 * The Spark skin: rounds of training as ordinary Spark jobs, executors' sessions, passes over corpora.
 *
 * <p>May import every room and Spark, of which only the Java API, so that one jar runs on Spark 3.5 and 4.
 *
 * <p>Promises that a result depends on the number of logical workers and never on the number of executors, their order
 * or their failures: same configuration, same bits on a processor.
 */
@NullMarked
package io.fathom.cluster;

import org.jspecify.annotations.NullMarked;
