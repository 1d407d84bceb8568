package io.fathom.cluster;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;

/** Bytes from one thread to another over one loopback socket, with nothing done to them. */
final class Loopback {
    private static final int BUFFER = 1 << 17;

    private Loopback() {}

    /** How long {@code bytes} take, {@code times} times. */
    static List<Double> seconds(long bytes, int times) throws IOException {
        List<Double> seconds = new ArrayList<>();
        for (int i = 0; i < times; i++) {
            long started = System.nanoTime();
            try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                Thread sender = new Thread(() -> send(server.getLocalPort(), bytes));
                sender.start();
                byte[] buffer = new byte[BUFFER];
                try (Socket socket = server.accept();
                        InputStream in = socket.getInputStream()) {
                    while (in.read(buffer) >= 0) {
                        // only the time it takes counts
                    }
                }
            }
            seconds.add((System.nanoTime() - started) / 1e9);
        }
        return seconds;
    }

    private static void send(int port, long bytes) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
                OutputStream out = socket.getOutputStream()) {
            byte[] buffer = new byte[BUFFER];
            for (long left = bytes; left > 0; left -= buffer.length) {
                out.write(buffer, 0, (int) Math.min(left, buffer.length));
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
