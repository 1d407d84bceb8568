package io.fathom.engine.cuda;

import io.fathom.engine.EngineException;
import java.util.List;
import java.util.Optional;

/** A compiler of CUDA C++ that this machine has. */
interface CodeMaker {
    /** Its name and version: part of the name under which machine code is kept. */
    String version();

    /** Architectures it makes code for, 90 for sm_90. */
    List<Integer> architectures();

    /**
     * Compiles {@code text} for {@code target}.
     *
     * @param target {@code sm_90} for machine code, {@code compute_90} for PTX
     * @throws EngineException with the compiler's words where it does not compile
     */
    byte[] compile(String text, String target, List<String> options);

    /** NVRTC where it can be loaded, since it starts no process; else nvcc; throws where there is neither. */
    static CodeMaker ofMachine() {
        try {
            return new Nvrtc();
        } catch (EngineException e) {
            Optional<Nvcc> nvcc = Nvcc.ofMachine();
            if (nvcc.isPresent()) {
                return nvcc.get();
            }
            throw new EngineException(e.getMessage() + "; nvcc, which would do as well, is not on the PATH either", e);
        }
    }
}
