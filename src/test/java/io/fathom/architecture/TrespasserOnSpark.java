package io.fathom.architecture;

import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;

/** Does what runs on the Spark it was compiled with alone, or has no API for Java. */
final class TrespasserOnSpark {
    private TrespasserOnSpark() {}

    static Object[] trespass(JavaRDD<?> rdd) {
        return new Object[] {
            TaskContext.get().resources(), rdd.rdd().barrier(), SparkEnv.get(), new scala.Some<>("collection")
        };
    }
}
