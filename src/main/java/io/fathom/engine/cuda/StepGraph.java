package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.cudart.*;

import org.bytedeco.cuda.cudart.CUgraphExec_st;
import org.bytedeco.cuda.cudart.CUgraph_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.SizeTPointer;

/** Launches captured once and replayed as one. */
final class StepGraph implements AutoCloseable {
    private final CUgraph_st graph = new CUgraph_st();
    private final CUgraphExec_st executable = new CUgraphExec_st();

    private StepGraph() {}

    /** Captures what {@code enqueue} puts on {@code stream}. */
    static StepGraph capture(CUstream_st stream, Runnable enqueue) {
        StepGraph captured = new StepGraph();
        Cuda.check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
        boolean whole = false;
        try {
            enqueue.run();
            whole = true;
        } finally {
            int code = cudaStreamEndCapture(stream, captured.graph);
            if (whole) {
                Cuda.check(code, "cudaStreamEndCapture");
            }
        }
        Cuda.check(cudaGraphInstantiate(captured.executable, captured.graph, 0), "cudaGraphInstantiate");
        return captured;
    }

    /** Enqueues everything captured. */
    void launch(CUstream_st stream) {
        Cuda.check(cudaGraphLaunch(executable, stream), "cudaGraphLaunch");
    }

    /** Launches in it. */
    long nodes() {
        try (SizeTPointer count = new SizeTPointer(1)) {
            Cuda.check(cudaGraphGetNodes(graph, null, count), "cudaGraphGetNodes");
            return count.get();
        }
    }

    @Override
    public void close() {
        cudaGraphExecDestroy(executable);
        cudaGraphDestroy(graph);
    }
}
