package io.fathom.engine.cuda;

import io.fathom.model.ModelSpec;
import java.util.List;

/**
 * What the kernels that read tokens are compiled for.
 *
 * @param spec the model
 * @param narrow whether weights of products are bfloat16
 */
record DecodingSource(ModelSpec spec, boolean narrow) implements CompilationUnit {
    @Override
    public List<String> files() {
        return List.of("common.cuh", "decoding.cu");
    }

    @Override
    public List<String> definitions(int architecture) {
        return List.of(
                "-DREAL_BF16=" + (narrow ? 1 : 0),
                "-DWIDTH=" + spec.width(),
                "-DHEAD_WIDTH=" + spec.headWidth(),
                "-DGATE=" + KernelSource.code(KernelSource.gate(spec)));
    }

    @Override
    public boolean special(int architecture) {
        return false;
    }
}
