package io.fathom.engine.cuda;

import io.fathom.engine.EngineException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * Keeps two processes from taking one GPU by accident: the sessions of a process share a locked file for each GPU they
 * use. The kernel gives the lock back when the process ends, however it ends.
 *
 * <p>A process that finds a GPU taken waits a little, as the one before it may be about to end (an executor that was
 * lost, a driver that is started again), then fails with the name of the holder.
 */
final class DeviceLock {
    private static final DeviceLock OF_MACHINE =
            new DeviceLock(Path.of(System.getProperty("java.io.tmpdir", "/tmp")), Duration.ofSeconds(20));

    private static final long POLL_MILLIS = 100;

    private final Path folder;
    private final Duration patience;
    private final Map<String, Held> held = new HashMap<>();

    private static final class Held {
        private final FileChannel file;
        private int sessions;

        Held(FileChannel file) {
            this.file = file;
        }
    }

    /** One session's share of a locked GPU; closing the last one gives the GPU back. */
    interface Hold extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Locks by files in {@code folder}.
     *
     * @param patience how long to wait for another process
     */
    DeviceLock(Path folder, Duration patience) {
        this.folder = folder;
        this.patience = patience;
    }

    /** The lock that all processes of this machine know, in the folder for temporary files. */
    static DeviceLock ofMachine() {
        return OF_MACHINE;
    }

    /**
     * Takes the GPU at {@code address} for one more session of this process.
     *
     * @param index of the GPU, for the message
     * @throws EngineException when another process keeps it
     */
    synchronized Hold hold(String address, int index) {
        Held there = held.get(address);
        if (there == null) {
            there = new Held(locked(folder.resolve("fathom-gpu-" + address.replace(':', '-') + ".lock"), index));
            held.put(address, there);
        }
        there.sessions++;
        return () -> release(address);
    }

    private synchronized void release(String address) {
        Held there = held.get(address);
        if (there != null && --there.sessions == 0) {
            held.remove(address);
            try {
                there.file.close();
            } catch (IOException e) {
                throw new EngineException("engine cuda: the lock of GPU " + address + " cannot be given back", e);
            }
        }
    }

    private FileChannel locked(Path file, int index) {
        long end = System.nanoTime() + patience.toNanos();
        try {
            while (true) {
                FileChannel channel = open(file);
                FileLock lock = channel.tryLock();
                if (lock != null) {
                    channel.truncate(0).write(ByteBuffer.wrap(self().getBytes(StandardCharsets.UTF_8)), 0);
                    return channel;
                }
                channel.close();
                if (System.nanoTime() >= end) {
                    throw new EngineException("engine cuda: device " + index + " is in use by " + holder(file) + " ("
                            + file + "): wait for it, take another with local.gpus or CUDA_VISIBLE_DEVICES, or set"
                            + " engine.name = cpu");
                }
                Thread.sleep(POLL_MILLIS);
            }
        } catch (IOException e) {
            throw new EngineException("engine cuda: cannot lock device " + index + " by " + file + ": " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EngineException("engine cuda: interrupted while waiting for device " + index, e);
        }
    }

    /** For every user of the machine: the file of another may not be created again, only opened. */
    private static FileChannel open(Path file) throws IOException {
        if (!Files.exists(file)) {
            try {
                Files.createFile(file);
                Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
            } catch (FileAlreadyExistsException e) {
                // Another process was first.
                return FileChannel.open(file, StandardOpenOption.WRITE);
            }
        }
        return FileChannel.open(file, StandardOpenOption.WRITE);
    }

    private static String holder(Path file) throws IOException {
        String said = Files.readString(file);
        return said.isBlank() ? "another process" : said;
    }

    private static String self() {
        ProcessHandle self = ProcessHandle.current();
        return "process " + self.pid()
                + self.info().user().map(user -> " of " + user).orElse("");
    }
}
