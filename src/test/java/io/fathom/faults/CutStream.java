package io.fathom.faults;

import java.io.IOException;
import java.io.OutputStream;

/** A stream that may be struck: half of what was to be written then arrives, and whatever strikes happens. */
public final class CutStream extends OutputStream {
    private final OutputStream sound;
    private final Blow blow;

    /** What strikes. */
    public interface Blow {
        /** Whether the write at hand is struck. */
        boolean falls() throws IOException;

        /** Strikes: throws, or ends the process. */
        void strike() throws IOException;
    }

    public CutStream(OutputStream sound, Blow blow) {
        this.sound = sound;
        this.blow = blow;
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        if (blow.falls()) {
            sound.write(bytes, offset, length / 2);
            sound.flush();
            blow.strike();
        }
        sound.write(bytes, offset, length);
    }

    @Override
    public void close() throws IOException {
        sound.close();
    }
}
