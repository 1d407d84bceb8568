package io.fathom.engine.cpu;

import io.fathom.engine.EngineException;
import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_version_t;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.javacpp.Loader;

/** The library oneDNN as a whole: whether it serves here, its one engine, and how its refusals are told. */
final class OneDnn {
    /** oneDNN has fast kernels for x86-64 alone; where it has not, it falls back to plain loops. */
    static final boolean SERVES = Loader.getPlatform().equals("linux-x86_64");

    private OneDnn() {}

    /** Lives as long as the process: a handle to the processor, which holds nothing. */
    private static final class Processor {
        static final dnnl_engine ENGINE = new dnnl_engine();

        static {
            check(dnnl.dnnl_engine_create(ENGINE, dnnl.dnnl_cpu, 0), "an engine for the processor");
        }
    }

    static dnnl_engine engine() {
        return Processor.ENGINE;
    }

    /** Throws {@link EngineException} where {@code status} says that oneDNN refused {@code what}. */
    static void check(int status, String what) {
        if (status != dnnl.dnnl_success) {
            throw new EngineException("oneDNN refused " + what + ": status " + status);
        }
    }

    /** Version and the kernels that it chose, which an environment variable may hold to slower ones. */
    static String description() {
        dnnl_version_t version = dnnl.dnnl_version();
        return "oneDNN " + version.major() + "." + version.minor() + "." + version.patch() + ", "
                + kernels(dnnl.dnnl_get_effective_cpu_isa()) + " kernels";
    }

    private static String kernels(int isa) {
        return (isa & dnnl.dnnl_cpu_isa_avx512_core) == dnnl.dnnl_cpu_isa_avx512_core
                ? "AVX-512"
                : (isa & dnnl.dnnl_cpu_isa_avx2) == dnnl.dnnl_cpu_isa_avx2 ? "AVX2" : "SSE or AVX";
    }
}
