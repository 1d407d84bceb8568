package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.cudart.*;

import io.fathom.engine.AdamW;
import io.fathom.engine.MomentMemory;
import io.fathom.engine.Precision;
import io.fathom.engine.Session;
import io.fathom.model.Batch;
import io.fathom.model.ParameterLayout;
import io.fathom.program.Program;
import io.fathom.program.Value;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.cuda.cudart.CUstream_st;

/**
 * One program on one GPU. Parameters, gradient and moments stay on the device; a step is one graph launch: {@link #run}
 * only stages the batch, and {@link #update} launches forward, backward, clipping and AdamW together. Anything that
 * looks at results in between launches the run alone.
 */
final class CudaSession implements Session {
    /** Which launches a graph holds. */
    private enum Part {
        RUN,
        RUN_MORE,
        UPDATE,
        STEP,
        STEP_MORE
    }

    private final Program program;
    private final Device device;
    private final DeviceLock.Hold hold;
    private final List<Step> steps;
    private final ElementTypes types;
    private final CUstream_st stream = new CUstream_st();
    private final Kernels kernels;
    private final MatrixProducts products;
    private final SessionMemory memory;
    private final Staging staging;
    private final Optimizer optimizer;
    private final SessionVectors vectors;
    private final Launcher fresh;
    private final Launcher more;
    private final Map<Part, StepGraph> graphs = new EnumMap<>(Part.class);
    /** The gradient counts as zero whatever its memory holds. */
    private boolean cleared = true;
    /** A staged batch waits to be run, into a cleared gradient or not. */
    private boolean pending;

    private boolean pendingFresh;

    CudaSession(Program program, Precision precision, Device device, KernelCompiler compiler, DeviceLock.Hold hold) {
        this.hold = hold;
        this.program = program;
        this.device = device;
        this.types = new ElementTypes(program, precision);
        this.steps = Fusion.steps(program, epilogues(precision));
        ArenaPlan plan = ArenaPlan.of(steps, program.outputs().values(), types);
        WorkNeeds needs = WorkNeeds.of(steps, device.processors(), elementBytes(precision));
        MemoryNeeds.of(program, precision, plan, needs)
                .require(program, precision, device.processors(), device.freeBytes());
        KernelSource source = new KernelSource(
                precision == Precision.BF16,
                program.spec().width(),
                program.spec().headWidth(),
                KernelSource.gate(program.spec()));
        this.kernels = new Kernels(device, compiler.compile(source, device.architecture()));
        this.products = new MatrixProducts(device, compiler.cache());
        Cuda.check(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking), "cudaStreamCreate");
        this.memory = new SessionMemory(program, precision, plan, needs, types);
        this.staging = new Staging(program, needs.noise(), stream);
        Cuda.check(cudaMemsetAsync(Cuda.at(memory.base()), 0, memory.bytes, stream), "cudaMemset");
        this.fresh = launcher(source, precision, needs, memory.tables, false);
        this.more = launcher(source, precision, needs, memory.tables + PartialSums.TABLE_BYTES, true);
        this.optimizer = new Optimizer(program, device, kernels, memory, staging, stream);
        this.vectors = new SessionVectors(device, kernels, memory, staging, optimizer, stream);
        // Once outside a graph: libraries load their code lazily, and products are measured, which a capture forbids.
        fresh.enqueue(steps, false);
        if (program.training()) {
            more.enqueue(steps, false);
            vectors.zero(Vector.GRADIENT, program.layout().size());
        }
        staging.synchronize();
        products.settle();
    }

    private Launcher launcher(
            KernelSource source, Precision precision, WorkNeeds needs, long table, boolean accumulate) {
        PartialSums sums = new PartialSums(table, memory.partial, needs.partialBytes());
        return new Launcher(new Work(
                kernels,
                products,
                source,
                precision,
                types,
                memory,
                sums,
                stream,
                memory.workspace,
                memory.scratch,
                memory.slots,
                accumulate));
    }

    /** Whether products take gelu along in {@code precision}; in float our own gelu is the exact formula. */
    static boolean epilogues(Precision precision) {
        return precision == Precision.BF16;
    }

    /** Bytes of an activation in {@code precision}. */
    static int elementBytes(Precision precision) {
        return precision == Precision.BF16 ? 2 : 4;
    }

    @Override
    public Program program() {
        return program;
    }

    @Override
    public void write(Vector vector, float[] values) {
        require(values.length);
        settle();
        vectors.write(vector, 0, values, values.length);
        cleared &= vector != Vector.GRADIENT;
    }

    @Override
    public void read(Vector vector, float[] values) {
        require(values.length);
        read(vector, 0, values, values.length);
    }

    @Override
    public void write(Vector vector, int from, float[] values, int count) {
        requirePart(from, count);
        settle();
        if (vector == Vector.GRADIENT && cleared) {
            vectors.zero(vector, program.layout().size());
            cleared = false;
        }
        vectors.write(vector, from, values, count);
    }

    @Override
    public void read(Vector vector, int from, float[] values, int count) {
        requirePart(from, count);
        settle();
        if (vector == Vector.GRADIENT && cleared) {
            Arrays.fill(values, 0, count, 0);
        } else {
            vectors.read(vector, from, values, count);
        }
    }

    @Override
    public MomentMemory takeMoments() {
        return optimizer.zeroMoments();
    }

    @Override
    public void attach(MomentMemory moments) {
        settle();
        optimizer.attach(moments);
    }

    private void requirePart(int from, int count) {
        Objects.checkFromIndexSize(from, count, program.layout().size());
        if ((from | count) % ParameterLayout.ALIGNMENT != 0) {
            throw new IllegalArgumentException("elements " + from + " to " + (from + count)
                    + ": both must be multiples of " + ParameterLayout.ALIGNMENT);
        }
    }

    private void require(int length) {
        if (length != program.layout().size()) {
            throw new IllegalArgumentException("a vector of " + length + " floats: the layout has "
                    + program.layout().size());
        }
    }

    @Override
    public void clearGradient() {
        settle();
        cleared = true;
    }

    @Override
    public void run(Batch batch) {
        if (batch.sequences() != program.sequences()
                || batch.length() != program.spec().context()) {
            throw new IllegalArgumentException(
                    "a batch of " + batch.sequences() + " x " + batch.length() + ": the program takes "
                            + program.sequences() + " x " + program.spec().context());
        }
        settle();
        staging.send(batch, memory.inputs);
        pending = true;
        pendingFresh = cleared;
        cleared = false;
    }

    /** Launches the staged batch, if one waits: before anything else looks at the device. */
    private void settle() {
        device.use();
        if (pending) {
            pending = false;
            launch(pendingFresh || !program.training() ? Part.RUN : Part.RUN_MORE);
        }
    }

    @Override
    public double[] output(String name) {
        Value value = program.outputs().get(name);
        if (value == null) {
            throw new IllegalArgumentException("no output " + name + ": there are "
                    + program.outputs().keySet().stream().sorted().toList());
        }
        settle();
        ByteBuffer bytes = ByteBuffer.wrap(staging.read(memory.of(value), types.bytes(value)))
                .order(ByteOrder.nativeOrder());
        double[] result = new double[value.length()];
        for (int i = 0; i < result.length; i++) {
            result[i] = value.type() == Value.Type.INT
                    ? bytes.getInt(i * 4)
                    : types.narrow(value) ? Float.intBitsToFloat(bytes.getShort(i * 2) << 16) : bytes.getFloat(i * 4);
        }
        return result;
    }

    @Override
    public double update(AdamW step) {
        device.use();
        optimizer.moments();
        if (cleared) {
            vectors.zero(Vector.GRADIENT, program.layout().size());
        }
        optimizer.send(step);
        launch(!pending ? Part.UPDATE : pendingFresh ? Part.STEP : Part.STEP_MORE);
        pending = false;
        return optimizer.norm();
    }

    private void launch(Part part) {
        StepGraph graph = graphs.get(part);
        if (graph == null) {
            graph = StepGraph.capture(stream, () -> enqueue(part));
            graphs.put(part, graph);
            (part == Part.RUN_MORE || part == Part.STEP_MORE ? more : fresh).uploadSums();
        }
        graph.launch(stream);
    }

    private void enqueue(Part part) {
        if (part != Part.UPDATE) {
            (part == Part.RUN_MORE || part == Part.STEP_MORE ? more : fresh).enqueue(steps, true);
        }
        if (part != Part.RUN && part != Part.RUN_MORE) {
            optimizer.enqueue();
        }
    }

    /** Where the time of a training step goes, one line a kind of kernel; leaves gradient and outputs undefined. */
    List<String> profile(int repeats) {
        settle();
        optimizer.moments();
        StepProfile profile = new StepProfile(stream, repeats);
        for (Step step : steps) {
            profile.add(StepProfile.kind(step), step.instruction().flops(), () -> fresh.enqueue(List.of(step), false));
        }
        fresh.enqueue(steps, false);
        fresh.uploadSums();
        profile.add("finish_sums", 0, fresh::finishSums);
        profile.add("norm, clip, AdamW", 0, optimizer::enqueue);
        return profile.lines();
    }

    /** Device bytes this session took. */
    long bytes() {
        return memory.bytes;
    }

    @Override
    public void close() {
        device.use();
        cudaStreamSynchronize(stream);
        graphs.values().forEach(StepGraph::close);
        optimizer.close();
        staging.close();
        memory.close();
        products.close();
        kernels.close();
        cudaStreamDestroy(stream);
        hold.close();
    }
}
