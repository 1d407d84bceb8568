package io.fathom.bench;

import io.fathom.model.Batch;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.bytedeco.pytorch.global.torch;

/** Eager libtorch: models of some intra-op threads each. */
final class TorchContender implements Contender {
    private final int threads;
    private final List<TorchModel> models = new ArrayList<>();

    TorchContender(Row row, int workers, int threads) {
        this.threads = threads;
        for (Batch batch : row.batches(workers)) {
            models.add(new TorchModel(row.spec(), row.parameters(), batch));
        }
    }

    @Override
    public String name() {
        return "libtorch " + models.size() + "x" + threads;
    }

    @Override
    public void prepare() {
        openblas_nolapack.blas_set_num_threads(threads);
    }

    @Override
    public double step(int worker) {
        // OpenMP keeps this count by thread; libtorch sets it for the thread that asks.
        if (torch.get_num_threads() != threads) {
            torch.set_num_threads(threads);
        }
        return models.get(worker).step();
    }

    double norm() {
        return models.get(0).norm();
    }

    @Override
    public int workers() {
        return models.size();
    }

    @Override
    public void close() {
        models.forEach(TorchModel::close);
    }
}
