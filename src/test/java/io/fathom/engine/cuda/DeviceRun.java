package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.cudart.*;

import io.fathom.engine.Precision;
import io.fathom.program.Instruction;
import io.fathom.program.Value;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Runs steps on the device over values that each have memory of their own, full of NaN before anything is written and
 * with NaN beyond their ends that must still be there afterwards.
 */
final class DeviceRun implements Addresses, AutoCloseable {
    private static final long GUARD = 4096;

    private final ElementTypes types;
    private final Map<Value, double[]> given;
    private final Map<Value, Pointer> places = new HashMap<>();
    private final Map<Value, Pointer> factors = new HashMap<>();
    private final List<Pointer> all = new ArrayList<>();
    private final CUstream_st stream = new CUstream_st();
    private final Set<Value> written = new HashSet<>();
    private Pointer order = new Pointer();

    private DeviceRun(List<Instruction> instructions, Precision precision, Map<Value, double[]> given) {
        this.types = new ElementTypes(instructions, precision);
        this.given = given;
    }

    /** Results of {@code instructions}, fused as in a program; {@code accumulate}: gradients hold given values. */
    static Map<Value, double[]> of(
            List<Instruction> instructions,
            List<Step> steps,
            KernelSource source,
            Precision precision,
            Map<Value, double[]> given,
            boolean accumulate) {
        Device device = Device.open(0);
        try (DeviceRun run = new DeviceRun(instructions, precision, given);
                Kernels kernels = new Kernels(device, KernelCompiler.ofUser().compile(source, device.architecture()));
                MatrixProducts products =
                        new MatrixProducts(device, KernelCompiler.ofUser().cache())) {
            products.settle(); // measuring runs a product many times, which an added gradient would show
            Cuda.check(cudaStreamCreateWithFlags(run.stream, cudaStreamNonBlocking), "stream");
            WorkNeeds needs = WorkNeeds.of(steps, device.processors(), source.narrow() ? 2 : 4);
            PartialSums sums = new PartialSums(
                    run.room(PartialSums.TABLE_BYTES).address(),
                    run.room(needs.partialBytes() + 256).address(),
                    needs.partialBytes());
            Work work = new Work(
                    kernels,
                    products,
                    source,
                    precision,
                    run.types,
                    run,
                    sums,
                    run.stream,
                    run.room(MatrixProducts.WORKSPACE_BYTES).address(),
                    run.room(needs.scratchBytes() + 256).address(),
                    run.room(needs.slotBytes() + 256).address(),
                    accumulate);
            instructions.forEach(i -> run.written.addAll(i.writes()));
            run.placeAll(instructions, accumulate);
            Launcher launcher = new Launcher(work);
            launcher.enqueue(steps, false);
            launcher.uploadSums();
            sums.finish(kernels, run.stream);
            Cuda.check(cudaStreamSynchronize(run.stream), "run");
            Map<Value, double[]> results = new HashMap<>();
            for (Step step : steps) {
                for (Value value : step.writes()) {
                    results.put(value, run.read(value));
                }
            }
            return results;
        }
    }

    private void placeAll(List<Instruction> instructions, boolean accumulate) {
        Set<Value> values = new HashSet<>(given.keySet());
        instructions.forEach(i -> {
            values.addAll(i.reads());
            values.addAll(i.writes());
        });
        for (Value value : values) {
            Pointer place = room(types.bytes(value));
            places.put(value, place);
            boolean input = !written.contains(value) || (accumulate && value.storage() == Value.Storage.GRADIENT);
            if (input) {
                send(place, bytes(Objects.requireNonNull(given.get(value), value.name()), value, types.narrow(value)));
            }
            if (value.storage() == Value.Storage.PARAMETER) {
                Pointer factor = room(2L * value.length());
                send(factor, bytes(Objects.requireNonNull(given.get(value)), value, true));
                factors.put(value, factor);
            }
            if (value.name().equals("tokens")) {
                int[] tokens = new int[value.length()];
                double[] ids = Objects.requireNonNull(given.get(value));
                for (int i = 0; i < tokens.length; i++) tokens[i] = (int) ids[i];
                int[] sorted = new TokenOrder(100_000, tokens.length).of(tokens);
                ByteBuffer bytes = ByteBuffer.allocate(4 * tokens.length).order(ByteOrder.nativeOrder());
                bytes.asIntBuffer().put(sorted);
                order = room(4L * tokens.length);
                send(order, bytes.array());
            }
        }
    }

    private Pointer room(long bytes) {
        Pointer place = new Pointer();
        long whole = (bytes + 255) / 256 * 256 + GUARD;
        Cuda.check(cudaMalloc(place, whole), "cudaMalloc");
        Cuda.check(cudaMemset(place, 0xff, whole), "cudaMemset");
        all.add(place);
        return place;
    }

    private static void send(Pointer to, byte[] bytes) {
        try (BytePointer from = new BytePointer(bytes)) {
            Cuda.check(cudaMemcpy(to, from, bytes.length, cudaMemcpyHostToDevice), "send");
        }
    }

    static byte[] bytes(double[] values, Value value, boolean narrow) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * (narrow ? 2 : 4)).order(ByteOrder.nativeOrder());
        for (double x : values) {
            if (value.type() == Value.Type.INT) {
                bytes.putInt((int) x);
            } else if (narrow) {
                bytes.putShort((short) (Float.floatToRawIntBits(round((float) x)) >>> 16));
            } else {
                bytes.putFloat((float) x);
            }
        }
        return bytes.array();
    }

    /** To bfloat16, nearest even. */
    static float round(float x) {
        int bits = Float.floatToRawIntBits(x);
        return Float.intBitsToFloat((bits + 0x7fff + (bits >>> 16 & 1)) & 0xffff0000);
    }

    private double[] read(Value value) {
        boolean narrow = types.narrow(value);
        long length = types.bytes(value);
        byte[] raw = new byte[(int) ((length + 255) / 256 * 256 + GUARD)];
        try (BytePointer to = new BytePointer(raw.length)) {
            Cuda.check(cudaMemcpy(to, places.get(value), raw.length, cudaMemcpyDeviceToHost), "read");
            to.get(raw);
        }
        // Element-wise kernels may write the padding up to 16 elements; nothing may lie beyond.
        for (int i = (int) ((length + 255) / 256 * 256); i < raw.length; i++) {
            if (raw[i] != (byte) 0xff) {
                throw new AssertionError(value.name() + ": byte " + (i - length) + " past its end was written");
            }
        }
        ByteBuffer bytes = ByteBuffer.wrap(raw).order(ByteOrder.nativeOrder());
        double[] values = new double[value.length()];
        for (int i = 0; i < values.length; i++) {
            values[i] = value.type() == Value.Type.INT
                    ? bytes.getInt(4 * i)
                    : narrow ? Float.intBitsToFloat(bytes.getShort(2 * i) << 16) : bytes.getFloat(4 * i);
        }
        return values;
    }

    @Override
    public long of(Value value) {
        return Objects.requireNonNull(places.get(value), value.name()).address();
    }

    @Override
    public long factor(Value value) {
        boolean shadow = types.narrowProducts() && value.storage() == Value.Storage.PARAMETER;
        return shadow ? Objects.requireNonNull(factors.get(value), value.name()).address() : of(value);
    }

    @Override
    public long noise(Instruction.RandomScores scores) {
        throw new UnsupportedOperationException("noise comes with a batch; a session's test covers it");
    }

    @Override
    public long tokenOrder() {
        return order.address();
    }

    @Override
    public void close() {
        all.forEach(org.bytedeco.cuda.global.cudart::cudaFree);
        cudaStreamDestroy(stream);
    }
}
