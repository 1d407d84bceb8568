package io.fathom.checkpoint;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.fathom.config.UserError;
import java.util.zip.CRC32C;

/**
 * What the manifest says of a file.
 *
 * @param length bytes
 * @param crc32c of all of them
 */
public record FileSum(
        @JsonProperty("length") long length,
        @JsonProperty("crc32c") long crc32c) {

    static FileSum of(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return new FileSum(bytes.length, crc.getValue());
    }

    void checkLength(RunDirectory run, String name) {
        long found = run.length(name);
        if (found != length) {
            String path = run.path(name);
            throw new UserError(
                    found < 0
                            ? path + ": is missing, though the manifest lists it" + Checkpoint.REMEDY
                            : path + ": is " + found + " bytes, the manifest says " + length + ": truncated or changed"
                                    + Checkpoint.REMEDY);
        }
    }

    void checkCrc(String path, long found) {
        if (found != crc32c) {
            throw new UserError(String.format(
                    "%s: CRC32C is %08x, the manifest says %08x: the file is corrupt%s",
                    path, found, crc32c, Checkpoint.REMEDY));
        }
    }
}
