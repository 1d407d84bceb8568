package io.fathom.corpus;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Plain text as documents of about P bytes, so that one long file gives many: a document ends after a blank line from P
 * bytes on, after any line from 2 P on, after any space from 4 P on, and at 8 P in any case. A file shorter than P is
 * one document.
 */
final class TextReader implements DocumentReader {
    private static final int BYTE_ORDER_MARK_BYTES = 2;

    private final LineInput in;
    private final long pieceBytes;
    private final long mostBytes;
    private boolean atLineStart = true;
    private boolean lineIsBlank = true;

    TextReader(LineInput in, CorpusSettings settings) {
        this.in = in;
        this.pieceBytes = settings.textPieceBytes();
        this.mostBytes = Math.min(8 * pieceBytes, settings.maxDocumentBytes());
    }

    @Override
    public @Nullable NormalText next() throws IOException {
        boolean fileBegins = in.position() == 0;
        ByteArrayOutputStream piece = new ByteArrayOutputStream();
        while (!atLineStart || in.inRange()) {
            int read = in.read();
            if (read == LineInput.END) {
                break;
            }
            piece.write(read);
            boolean afterBlankLine = lineIsBlank && read == '\n';
            atLineStart = read == '\n';
            lineIsBlank = atLineStart || (lineIsBlank && isSpace(read));
            if (endsHere(piece.size(), read, afterBlankLine)) {
                break;
            }
        }
        if (piece.size() == 0) {
            return null;
        }
        byte[] utf8 = piece.toByteArray();
        if (fileBegins) {
            refuseUtf16(utf8);
        }
        return NormalText.ofUtf8(utf8);
    }

    private boolean endsHere(int size, int last, boolean afterBlankLine) throws IOException {
        if (size < pieceBytes) {
            return false;
        }
        return afterBlankLine
                || (size >= 2 * pieceBytes && atLineStart)
                || (size >= 4 * pieceBytes && isSpace(last))
                || (size >= mostBytes && !isInsideCharacter(in.peek()));
    }

    private static boolean isSpace(int read) {
        return read == ' ' || read == '\t' || read == '\r';
    }

    /** Whether a character that began before goes on with this byte of UTF-8. */
    private static boolean isInsideCharacter(int read) {
        return read != LineInput.END && (read & 0xC0) == 0x80;
    }

    private static void refuseUtf16(byte[] text) throws BadSourceException {
        if (text.length >= BYTE_ORDER_MARK_BYTES) {
            int mark = Byte.toUnsignedInt(text[0]) << 8 | Byte.toUnsignedInt(text[1]);
            if (mark == 0xFEFF || mark == 0xFFFE) {
                throw new BadSourceException("is UTF-16 text; convert it: iconv -f UTF-16 -t UTF-8");
            }
        }
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
