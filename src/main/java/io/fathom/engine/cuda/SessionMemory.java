package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.cudart.cudaFree;
import static org.bytedeco.cuda.global.cudart.cudaMalloc;

import io.fathom.engine.Precision;
import io.fathom.engine.Session.Vector;
import io.fathom.program.Instruction;
import io.fathom.program.Program;
import io.fathom.program.Value;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;

/** All device memory of one session but its moments: one allocation, cut once. */
final class SessionMemory implements Addresses, AutoCloseable {
    /** Blocks of the gradient's sum of squares. */
    static final int NORM_BLOCKS = 1024;

    private final ElementTypes types;
    private final ArenaPlan plan;
    private final Pointer block = new Pointer();
    private final Map<Vector, Long> vectors = new EnumMap<>(Vector.class);
    private long next;

    /** The parameters as bfloat16; 0 where products are not narrow. */
    final long shadow;
    /** One byte for each 32 floats: whether they decay. */
    final long decays;
    /** Tokens, targets, token order, and Gaussian numbers for each block that wants some, one after the other. */
    final long inputs;
    /** The Update structure of optimizer.cu. */
    final long update;
    /** Partial sums of squares, double. */
    final long squares;

    final long arena;
    final long scratch;
    final long partial;
    /** Tables of partial sums: for a fresh gradient, and for one that holds earlier micro-batches. */
    final long tables;

    final long workspace;
    /** Bytes taken. */
    final long bytes;

    /** Inverse indices of top-k. */
    final long slots;

    private final int tokens;
    private final List<Integer> noise;

    SessionMemory(Program program, Precision precision, ArenaPlan plan, WorkNeeds needs, ElementTypes types) {
        this.types = types;
        this.plan = plan;
        this.tokens = program.tokens();
        this.noise = needs.noise();
        long n = program.layout().size();
        vectors.put(Vector.PARAMETERS, take(4 * n));
        if (program.training()) {
            vectors.put(Vector.GRADIENT, take(4 * n));
        }
        boolean narrow = precision == Precision.BF16;
        long shadowAt = take(narrow ? 2 * n : 0);
        long decaysAt = take(n / 32);
        long inputsAt = take(Staging.bytes(tokens, noise.size()));
        long slotsAt = take(needs.slotBytes());
        long updateAt = take(Staging.UPDATE_BYTES);
        long squaresAt = take(8L * NORM_BLOCKS);
        long arenaAt = take(plan.bytes());
        long scratchAt = take(needs.scratchBytes());
        long partialAt = take(needs.partialBytes());
        long tablesAt = take(2 * PartialSums.TABLE_BYTES);
        long workspaceAt = take(MatrixProducts.WORKSPACE_BYTES);
        bytes = next;
        Cuda.check(cudaMalloc(block, bytes), "cudaMalloc of " + bytes + " bytes");
        long base = block.address();
        vectors.replaceAll((vector, at) -> base + at);
        shadow = narrow ? base + shadowAt : 0;
        decays = base + decaysAt;
        inputs = base + inputsAt;
        update = base + updateAt;
        squares = base + squaresAt;
        arena = base + arenaAt;
        scratch = base + scratchAt;
        partial = base + partialAt;
        tables = base + tablesAt;
        workspace = base + workspaceAt;
        slots = base + slotsAt;
    }

    private long take(long size) {
        long at = next;
        next += (size + ArenaPlan.ALIGNMENT - 1) / ArenaPlan.ALIGNMENT * ArenaPlan.ALIGNMENT;
        return at;
    }

    /** Address of the whole allocation. */
    long base() {
        return block.address();
    }

    /**
     * Address of the parameters or the gradient, moments lie elsewhere; throws {@link IllegalArgumentException} when an
     * inference session has none.
     */
    long vector(Vector vector) {
        Long at = vectors.get(vector);
        if (at == null) {
            throw new IllegalArgumentException(vector + ": an inference program holds parameters alone");
        }
        return at;
    }

    @Override
    public long of(Value value) {
        return switch (value.storage()) {
            case PARAMETER -> vector(Vector.PARAMETERS) + 4L * value.offset();
            case GRADIENT -> vector(Vector.GRADIENT) + 4L * value.offset();
            case INPUT -> inputs + (value.name().equals("targets") ? 4L * tokens : 0);
            case ACTIVATION -> arena + offset(value);
        };
    }

    private long offset(Value value) {
        Long offset = plan.offsets().get(value.id());
        if (offset == null) {
            throw new IllegalArgumentException(value.name() + " has no place on the device");
        }
        return offset;
    }

    @Override
    public long factor(Value value) {
        if (shadow == 0) {
            return of(value);
        }
        if (value.storage() == Value.Storage.PARAMETER) {
            return shadow + 2L * value.offset();
        }
        if (!types.narrow(value)) {
            throw new IllegalArgumentException(value.name() + " stays float and cannot be a factor of a bf16 product");
        }
        return of(value);
    }

    @Override
    public long noise(Instruction.RandomScores scores) {
        return inputs + Staging.bytes(tokens, noise.indexOf(scores.block()));
    }

    @Override
    public long tokenOrder() {
        return inputs + 8L * tokens;
    }

    @Override
    public void close() {
        cudaFree(block);
        block.setNull();
    }
}
