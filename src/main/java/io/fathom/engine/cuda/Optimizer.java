package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.cudart.*;

import io.fathom.engine.AdamW;
import io.fathom.engine.MomentMemory;
import io.fathom.engine.Session.Vector;
import io.fathom.model.Tensor;
import io.fathom.program.Program;
import java.util.Arrays;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.BytePointer;
import org.jspecify.annotations.Nullable;

/** Clipping and AdamW on the device, and the moments in use: a worker's, or else some of the session's own. */
final class Optimizer implements AutoCloseable {
    private static final int NORM = 11;

    private final Program program;
    private final Device device;
    private final Kernels kernels;
    private final SessionMemory memory;
    private final Staging staging;
    private final CUstream_st stream;
    private @Nullable CudaMoments own;
    private @Nullable CudaMoments attached;

    Optimizer(
            Program program,
            Device device,
            Kernels kernels,
            SessionMemory memory,
            Staging staging,
            CUstream_st stream) {
        this.program = program;
        this.device = device;
        this.kernels = kernels;
        this.memory = memory;
        this.staging = staging;
        this.stream = stream;
        sendDecays();
    }

    private void sendDecays() {
        byte[] decays = new byte[program.layout().size() / 32];
        for (Tensor tensor : program.layout().tensors()) {
            if (tensor.decays()) {
                Arrays.fill(decays, tensor.offset() / 32, (tensor.offset() + tensor.length() + 31) / 32, (byte) 1);
            }
        }
        try (BytePointer bytes = new BytePointer(decays)) {
            Cuda.check(
                    cudaMemcpyAsync(Cuda.at(memory.decays), bytes, decays.length, cudaMemcpyHostToDevice, stream),
                    "cudaMemcpy");
            staging.synchronize();
        }
    }

    /** The moments in use; the session's own take memory only when they are needed. */
    CudaMoments moments() {
        CudaMoments found = attached;
        if (found == null) {
            found = zeroMoments();
            own = found;
            use(found);
        }
        return found;
    }

    /** Other moments, all zero. */
    CudaMoments zeroMoments() {
        if (!program.training()) {
            throw new IllegalArgumentException("an inference program has no moments");
        }
        CudaMoments zero = new CudaMoments(program.layout().size(), device, stream);
        staging.synchronize();
        return zero;
    }

    /** Takes {@code moments}, of any GPU of this engine, into use. */
    void attach(MomentMemory moments) {
        if (!(moments instanceof CudaMoments here)) {
            throw new IllegalArgumentException("moments of another engine: " + moments);
        }
        if (here.size() != program.layout().size()) {
            throw new IllegalArgumentException("moments of " + here.size() + " floats: the layout has "
                    + program.layout().size());
        }
        here.moveTo(device);
        use(here);
    }

    /** The update's kernel finds their addresses beside its numbers, so that one graph serves all workers. */
    private void use(CudaMoments moments) {
        attached = moments;
        staging.sendMoments(memory.update, moments.first(), moments.second());
    }

    /** Sends the numbers of the next update. */
    void send(AdamW step) {
        staging.sendUpdate(
                memory.update,
                (float) step.learningRate(),
                (float) step.beta1(),
                (float) step.beta2(),
                (float) step.epsilon(),
                (float) step.weightDecay(),
                (float) step.clipNorm(),
                (float) step.gradientScale(),
                (float) (1 - step.beta1()),
                (float) (1 - step.beta2()),
                (float) (1 - Math.pow(step.beta1(), step.step())),
                (float) (1 - Math.pow(step.beta2(), step.step())));
    }

    /** Enqueues an update of the parameters from the gradient. */
    void enqueue() {
        long n = program.layout().size();
        int blocks = Math.min(device.elementBlocks(n), SessionMemory.NORM_BLOCKS);
        long gradient = memory.vector(Vector.GRADIENT);
        kernels.launch(stream, "square_sums", blocks, 1, 256, 0, gradient, n, memory.squares);
        kernels.launch(stream, "clip", 1, 1, 32, 0, memory.squares, blocks, memory.update);
        kernels.launch(
                stream,
                "adamw",
                device.elementBlocks(n),
                1,
                256,
                0,
                memory.vector(Vector.PARAMETERS),
                gradient,
                memory.shadow,
                memory.decays,
                memory.update,
                n);
    }

    /** Waits for the update and returns the gradient's global norm before clipping. */
    double norm() {
        return staging.receiveUpdate(memory.update, NORM);
    }

    @Override
    public void close() {
        if (own != null) {
            own.close();
        }
    }
}
