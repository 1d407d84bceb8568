package io.fathom.engine.cpu;

import io.fathom.engine.EngineException;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.openblas.presets.openblas_nolapack.SetNumThreads;

/**
 * How many threads oneDNN may use: OpenMP keeps that by calling thread, and oneDNN asks OpenMP. Setting it here needs
 * no environment variable and leaves every other thread of the process alone.
 */
final class OpenMp {
    private static final SetNumThreads SET = find();

    private OpenMp() {}

    private static SetNumThreads find() {
        Loader.load(dnnl.class);
        // By its bare name the linker finds the copy that oneDNN is bound to, whoever loaded one first.
        Loader.loadGlobal("libgomp.so.1");
        Pointer function = Loader.addressof("omp_set_num_threads");
        if (function == null || function.isNull()) {
            throw new EngineException("the OpenMP library of oneDNN has no omp_set_num_threads: every product would"
                    + " start threads of its own");
        }
        return new SetNumThreads(new PointerPointer<>(1).put(0, function));
    }

    /** Lets a product that the calling thread asks for run on {@code count} threads. */
    static void threads(int count) {
        SET.call(count);
    }
}
