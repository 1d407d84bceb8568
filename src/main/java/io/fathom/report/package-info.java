/**
 * The report: a run directory turned into one self-contained HTML page with charts.
 *
 * <p>May import config, model, corpus, checkpoint, routing and decode, Jackson and the Hadoop client; no Spark, no
 * ND4J.
 *
 * <p>Promises a page that needs nothing but itself (no script, no font, no picture from elsewhere), reads well on light
 * and dark screens, and says of each missing part how to make it.
 */
@NullMarked
package io.fathom.report;

import org.jspecify.annotations.NullMarked;
