package io.fathom.engine.nd4j;

import io.fathom.engine.AdamW;
import io.fathom.engine.EngineException;
import io.fathom.engine.MomentMemory;
import io.fathom.engine.Session;
import io.fathom.model.Batch;
import io.fathom.model.Tensor;
import io.fathom.program.Instruction;
import io.fathom.program.Program;
import io.fathom.program.Value;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/** A session whose flat vectors are ND4J arrays and whose activations are made anew in every run. */
final class Nd4jSession implements Session {
    private final Runnable device;
    private final Program program;
    private final DataType type;
    private final Map<Vector, INDArray> vectors = new EnumMap<>(Vector.class);
    private final Nd4jMoments own;
    private final Cells cells;
    private final Kernels kernels;

    /** @param device makes the session's device the calling thread's, which ND4J keeps by thread */
    Nd4jSession(Program program, DataType type, Runnable device) {
        this.device = device;
        this.program = program;
        this.type = type;
        vectors.put(Vector.PARAMETERS, Nd4j.zeros(type, program.layout().size()));
        vectors.put(Vector.GRADIENT, Nd4j.zeros(type, program.layout().size()));
        this.own = Nd4jMoments.zero(type, program.layout().size());
        attach(own);
        this.cells = new Cells(type, vector(Vector.PARAMETERS), vector(Vector.GRADIENT));
        this.kernels = new Kernels(cells);
    }

    private INDArray vector(Vector vector) {
        INDArray array = vectors.get(vector);
        if (array == null) {
            throw new IllegalStateException("this session is closed");
        }
        return array;
    }

    @Override
    public Program program() {
        return program;
    }

    @Override
    public void write(Vector vector, float[] values) {
        requireLength(values.length);
        vector(vector).assign(Nd4j.createFromArray(values).castTo(type));
    }

    @Override
    public void write(Vector vector, double[] values) {
        requireLength(values.length);
        vector(vector).assign(Nd4j.createFromArray(values).castTo(type));
    }

    @Override
    public void read(Vector vector, float[] values) {
        requireLength(values.length);
        System.arraycopy(vector(vector).castTo(DataType.FLOAT).toFloatVector(), 0, values, 0, values.length);
    }

    @Override
    public void read(Vector vector, double[] values) {
        requireLength(values.length);
        System.arraycopy(vector(vector).toDoubleVector(), 0, values, 0, values.length);
    }

    @Override
    public void write(Vector vector, int from, float[] values, int count) {
        part(vector, from, count)
                .assign(Nd4j.createFromArray(Arrays.copyOf(values, count)).castTo(type));
    }

    @Override
    public void read(Vector vector, int from, float[] values, int count) {
        System.arraycopy(part(vector, from, count).castTo(DataType.FLOAT).toFloatVector(), 0, values, 0, count);
    }

    private INDArray part(Vector vector, int from, int count) {
        return vector(vector).get(NDArrayIndex.interval(from, from + count));
    }

    private void requireLength(int length) {
        if (length != program.layout().size()) {
            throw new IllegalArgumentException(
                    "a vector of this model has " + program.layout().size() + " elements, got " + length);
        }
    }

    @Override
    public MomentMemory takeMoments() {
        if (!program.training()) {
            throw new IllegalArgumentException("the program does not train: it has no moments");
        }
        device.run();
        return Nd4jMoments.zero(type, program.layout().size());
    }

    @Override
    public void attach(MomentMemory moments) {
        if (!(moments instanceof Nd4jMoments here)) {
            throw new IllegalArgumentException("moments of another engine: " + moments);
        }
        requireLength(Math.toIntExact(here.first().length()));
        vectors.put(Vector.FIRST_MOMENT, here.first());
        vectors.put(Vector.SECOND_MOMENT, here.second());
    }

    @Override
    public void clearGradient() {
        vector(Vector.GRADIENT).assign(0);
    }

    @Override
    public void run(Batch batch) {
        device.run();
        if (batch.sequences() != program.sequences()
                || batch.length() != program.spec().context()) {
            throw new IllegalArgumentException("this program takes batches of " + program.sequences() + " x "
                    + program.spec().context() + " tokens, got " + batch.sequences() + " x " + batch.length());
        }
        cells.begin(batch);
        for (Instruction instruction : program.instructions()) {
            kernels.run(instruction);
        }
        for (String loss : new String[] {"ce", "aux", "pred", "total"}) {
            if (program.outputs().containsKey(loss) && !Double.isFinite(scalar(loss))) {
                throw new EngineException("the loss " + loss + " is " + scalar(loss)
                        + ": the step is not applied; lower train.learningRate.peak or train.adamw.clipNorm");
            }
        }
    }

    @Override
    public double[] output(String name) {
        Value value = program.outputs().get(name);
        if (value == null) {
            throw new IllegalArgumentException("no output named " + name + ", this program has "
                    + program.outputs().keySet().stream().sorted().toList());
        }
        return cells.doubles(value);
    }

    @Override
    public double update(AdamW step) {
        INDArray g = vector(Vector.GRADIENT).mul(step.gradientScale());
        double norm = Math.sqrt(g.mul(g).sumNumber().doubleValue());
        if (!Double.isFinite(norm)) {
            return norm;
        }
        g.muli(Math.min(1, step.clipNorm() / (norm + 1e-6)));
        INDArray m = vector(Vector.FIRST_MOMENT);
        INDArray v = vector(Vector.SECOND_MOMENT);
        m.muli(step.beta1()).addi(g.mul(1 - step.beta1()));
        v.muli(step.beta2()).addi(g.mul(g).muli(1 - step.beta2()));
        INDArray theta = vector(Vector.PARAMETERS);
        for (Tensor tensor : program.layout().tensors()) {
            if (tensor.decays()) {
                theta.get(NDArrayIndex.interval(tensor.offset(), tensor.offset() + tensor.length()))
                        .muli(1 - step.learningRate() * step.weightDecay());
            }
        }
        double correction1 = 1 - Math.pow(step.beta1(), step.step());
        double correction2 = 1 - Math.pow(step.beta2(), step.step());
        INDArray denominator = Transforms.sqrt(v.div(correction2), false).addi(step.epsilon());
        theta.subi(m.div(denominator).muli(step.learningRate() / correction1));
        return norm;
    }

    @Override
    public void close() {
        vector(Vector.PARAMETERS).close();
        vector(Vector.GRADIENT).close();
        own.close();
        vectors.clear();
    }
}
