package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.nvrtc.*;

import io.fathom.engine.EngineException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.cuda.nvrtc._nvrtcProgram;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;

/** The compiler as a library. */
final class Nvrtc implements CodeMaker {
    /** Throws {@link EngineException} where it cannot be loaded; its bindings want the driver's library, not a GPU. */
    Nvrtc() {
        Libraries.loadCompiler();
    }

    @Override
    public String version() {
        int[] major = new int[1];
        int[] minor = new int[1];
        Cuda.checkCompiler(nvrtcVersion(major, minor), "nvrtcVersion");
        return major[0] + "." + minor[0];
    }

    @Override
    public List<Integer> architectures() {
        int[] count = new int[1];
        Cuda.checkCompiler(nvrtcGetNumSupportedArchs(count), "nvrtcGetNumSupportedArchs");
        int[] known = new int[count[0]];
        Cuda.checkCompiler(nvrtcGetSupportedArchs(known), "nvrtcGetSupportedArchs");
        return Arrays.stream(known).boxed().toList();
    }

    @Override
    public byte[] compile(String text, String target, List<String> options) {
        List<String> all = new ArrayList<>(options);
        all.add("--gpu-architecture=" + target);
        boolean cubin = target.startsWith("sm_");
        try (_nvrtcProgram program = new _nvrtcProgram();
                BytePointer source = new BytePointer(text);
                BytePointer name = new BytePointer("fathom.cu");
                PointerPointer<BytePointer> arguments = new PointerPointer<>(all.toArray(new String[0]));
                SizeTPointer size = new SizeTPointer(1)) {
            Cuda.checkCompiler(
                    nvrtcCreateProgram(program, source, name, 0, (PointerPointer<?>) null, (PointerPointer<?>) null),
                    "nvrtcCreateProgram");
            try {
                int code = nvrtcCompileProgram(program, all.size(), arguments);
                if (code != 0) {
                    nvrtcGetProgramLogSize(program, size);
                    byte[] log = new byte[(int) size.get()];
                    nvrtcGetProgramLog(program, log);
                    throw new EngineException("engine cuda: the kernels do not compile: "
                            + new String(log, StandardCharsets.UTF_8).trim());
                }
                Cuda.checkCompiler(
                        cubin ? nvrtcGetCUBINSize(program, size) : nvrtcGetPTXSize(program, size), "nvrtc size");
                byte[] machineCode = new byte[(int) size.get()];
                Cuda.checkCompiler(
                        cubin ? nvrtcGetCUBIN(program, machineCode) : nvrtcGetPTX(program, machineCode), "nvrtc code");
                return machineCode;
            } finally {
                nvrtcDestroyProgram(program);
            }
        }
    }
}
