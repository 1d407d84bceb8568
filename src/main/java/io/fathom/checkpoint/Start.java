package io.fathom.checkpoint;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.UUID;
import org.apache.hadoop.security.UserGroupInformation;

/**
 * One start of a driver that writes in a run directory: who that is.
 *
 * @param id of this start alone
 * @param user who started it, as Hadoop knows them
 * @param host the driver's machine
 * @param process the driver's process there
 * @param application Spark's id of it; empty where a job needs no Spark
 * @param began when, in UTC
 */
public record Start(String id, String user, String host, long process, String application, String began) {

    /** This process as Spark's {@code application}, now. */
    public static Start now(String application) {
        return new Start(
                UUID.randomUUID().toString(),
                currentUser(),
                thisHost(),
                ProcessHandle.current().pid(),
                application,
                Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    }

    private static String currentUser() {
        try {
            return UserGroupInformation.getCurrentUser().getShortUserName();
        } catch (IOException e) {
            return System.getProperty("user.name", "somebody");
        }
    }

    private static String thisHost() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            // A machine that does not know its own name still has to train.
            return "a host without a name";
        }
    }

    /** For a person. */
    @Override
    public String toString() {
        return "the start of " + began + " by " + user + " on " + host + " (process " + process
                + (application.isEmpty() ? "" : ", application " + application) + ")";
    }
}
