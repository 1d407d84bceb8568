package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.cudart.cuGetErrorString;
import static org.bytedeco.cuda.global.cudart.cudaGetErrorString;

import io.fathom.engine.EngineException;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.nvrtc;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/** Return codes of the CUDA libraries as exceptions, and device addresses as pointers. */
final class Cuda {
    private Cuda() {}

    /** Throws unless the runtime call {@code what} returned success. */
    static void check(int code, String what) {
        if (code != 0) {
            throw new EngineException("engine cuda: " + what + " failed: "
                    + cudaGetErrorString(code).getString() + " (runtime error " + code + ")");
        }
    }

    /** Throws unless the driver call {@code what} returned success. */
    static void checkDriver(int code, String what) {
        if (code != 0) {
            try (BytePointer text = new BytePointer((Pointer) null)) {
                cuGetErrorString(code, text);
                throw new EngineException("engine cuda: " + what + " failed: "
                        + (text.isNull() ? "?" : text.getString()) + " (driver error " + code + ")");
            }
        }
    }

    /** Throws unless the cuBLASLt call {@code what} returned success. */
    static void checkBlas(int code, String what) {
        if (code != 0) {
            throw new EngineException("engine cuda: " + what + " failed: "
                    + cublas.cublasLtGetStatusString(code).getString());
        }
    }

    /** Throws unless the NVRTC call {@code what} returned success. */
    static void checkCompiler(int code, String what) {
        if (code != 0) {
            throw new EngineException("engine cuda: " + what + " failed: "
                    + nvrtc.nvrtcGetErrorString(code).getString());
        }
    }

    /** A pointer to {@code address}, on the device or pinned on the host; owns nothing. */
    static Pointer at(long address) {
        return new At(address);
    }

    private static final class At extends Pointer {
        At(long address) {
            this.address = address;
        }
    }
}
