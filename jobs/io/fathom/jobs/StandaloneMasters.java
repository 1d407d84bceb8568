package io.fathom.jobs;

import io.fathom.config.UserError;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;

/** Whether a standalone master is there at all: Spark itself would try for a minute, and then fail with a riddle. */
final class StandaloneMasters {
    private static final String SCHEME = "spark://";
    private static final int TIMEOUT_MILLIS = 5_000;

    private StandaloneMasters() {}

    /** Throws {@link UserError} when {@code master} is {@code spark://HOST:PORT[,HOST:PORT]...} and none answers. */
    static void requireOne(String master) {
        if (!master.startsWith(SCHEME)) {
            return;
        }
        List<String> tried = new ArrayList<>();
        for (String address : master.substring(SCHEME.length()).split(",", 0)) {
            try {
                connect(address);
                return;
            } catch (IOException | IllegalArgumentException e) {
                tried.add(address + " (" + e.getMessage() + ")");
            }
        }
        throw new UserError("--master " + master + ": no master answers at " + String.join(" or ", tried)
                + "; start one there, or give the spark:// address that its log and its page name");
    }

    private static void connect(String address) throws IOException {
        URI uri = URI.create(SCHEME + address);
        if (uri.getHost() == null || uri.getPort() < 0) {
            throw new IllegalArgumentException("not HOST:PORT");
        }
        InetSocketAddress socket = new InetSocketAddress(uri.getHost(), uri.getPort());
        if (socket.isUnresolved()) {
            throw new IOException("unknown host");
        }
        try (Socket probe = new Socket()) {
            probe.connect(socket, TIMEOUT_MILLIS);
        }
    }
}
