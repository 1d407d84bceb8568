package io.fathom.engine.cuda;

import io.fathom.engine.Engine;
import io.fathom.engine.EngineException;
import io.fathom.engine.Precision;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.engine.TokenReader;
import io.fathom.model.ModelSpec;
import io.fathom.program.Program;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Runs programs on NVIDIA GPUs of Turing and later, through CUDA 13. */
public final class CudaEngine implements Engine {
    private final KernelCompiler compiler = KernelCompiler.ofUser();

    /** Why this machine cannot run it, in the words of the error it would throw; empty when it can. */
    public static Optional<String> unavailable() {
        Optional<String> driver = Libraries.missingDriver();
        if (driver.isPresent()) {
            return driver;
        }
        try {
            Device.open(0);
            return Optional.empty();
        } catch (EngineException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    @Override
    public String name() {
        return "cuda";
    }

    @Override
    public String description() {
        return description(0);
    }

    @Override
    public String description(int index) {
        return description(Device.open(index));
    }

    static String description(Device device) {
        return String.format(
                Locale.ROOT,
                "cuda: device %d, %s, sm_%d, %d multiprocessors, %.0f GiB",
                device.index(),
                device.name(),
                device.architecture(),
                device.processors(),
                device.totalBytes() / (double) (1L << 30));
    }

    @Override
    public int devices() {
        return Device.count();
    }

    @Override
    public Set<Precision> precisions() {
        return Set.of(Precision.FLOAT32, Precision.TF32, Precision.BF16);
    }

    @Override
    public Session open(Program program, SessionOptions options) {
        Device device = Device.open(options.device());
        device.require(options.precision());
        DeviceLock.Hold hold = DeviceLock.ofMachine().hold(device.address(), device.index());
        try {
            return new CudaSession(program, options.precision(), device, compiler, hold);
        } catch (RuntimeException | Error e) {
            hold.close();
            throw e;
        }
    }

    @Override
    public Optional<TokenReader> reader(ModelSpec spec, float[] parameters, SessionOptions options) {
        Device device = Device.open(options.device());
        device.require(options.precision());
        DeviceLock.Hold hold = DeviceLock.ofMachine().hold(device.address(), device.index());
        try {
            return Optional.of(new CudaReader(spec, parameters, options, device, compiler, hold));
        } catch (RuntimeException | Error e) {
            hold.close();
            throw e;
        }
    }
}
