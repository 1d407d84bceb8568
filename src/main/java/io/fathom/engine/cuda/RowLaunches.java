package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.cudart.cudaMemsetAsync;

import io.fathom.program.Instruction.ColumnSum;
import io.fathom.program.Instruction.Embedding;
import io.fathom.program.Instruction.EmbeddingGrad;
import io.fathom.program.Instruction.LayerNorm;
import io.fathom.program.Instruction.LayerNormGrad;
import io.fathom.program.Value;
import org.jspecify.annotations.Nullable;

/** Launches of rows.cu and embedding.cu. */
final class RowLaunches {
    private final Work work;

    RowLaunches(Work work) {
        this.work = work;
    }

    void embedding(Embedding x) {
        work.rows(
                "embedding",
                x.out().rows(),
                work.at.of(x.tokens()),
                work.at.of(x.tokenTable()),
                work.at.of(x.positionTable()),
                work.at.of(x.out()),
                x.out().rows(),
                x.positionTable().rows());
    }

    void layerNorm(LayerNorm x) {
        work.rows(
                "layer_norm",
                x.y().rows(),
                work.at.of(x.x()),
                work.at.of(x.gain()),
                work.at.of(x.bias()),
                (float) x.epsilon(),
                work.at.of(x.y()),
                work.at.of(x.mean()),
                work.at.of(x.rstd()),
                x.y().rows());
    }

    void unary(String kernel, Value x, Value y) {
        work.elements(kernel, x.length(), work.at.of(x), work.at.of(y), (long) x.length());
    }

    void binary(String kernel, Value a, Value b, Value c) {
        work.elements(kernel, c.length(), work.at.of(a), work.at.of(b), work.at.of(c), (long) c.length());
    }

    void layerNormGrad(LayerNormGrad x, @Nullable ColumnSum sum) {
        int rows = x.dx().rows();
        int width = x.dx().columns();
        int blocks = WorkNeeds.rowBlocks(rows, work.kernels.device().processors());
        int parts = sum == null ? 2 : 3;
        long partial = work.sums.take((long) blocks * parts * width);
        work.kernels.launch(
                work.stream,
                "layer_norm_grad",
                blocks,
                1,
                WorkNeeds.ROW_THREADS,
                width * 4,
                work.at.of(x.x()),
                work.at.of(x.gain()),
                work.at.of(x.mean()),
                work.at.of(x.rstd()),
                work.at.of(x.dy()),
                addressOrNull(x.addend()),
                work.at.of(x.dx()),
                partial,
                rows,
                sum == null ? 0 : 1);
        finish(partial, x.dGain(), blocks, parts * width);
        finish(partial + 4L * width, x.dBias(), blocks, parts * width);
        if (sum != null) {
            finish(partial + 8L * width, sum.dBias(), blocks, parts * width);
        }
    }

    void columnSum(ColumnSum x) {
        int rows = x.dy().rows();
        int columns = x.dy().columns();
        int chunk = WorkNeeds.chunk(rows, columns, work.kernels.device().processors());
        int chunks = WorkNeeds.ceil(rows, chunk);
        boolean wide = WorkNeeds.wideColumns(columns);
        if (!work.types.narrow(x.dy()) && work.source.narrow()) {
            throw new IllegalArgumentException("column sums of " + x.dy().name() + ", which stays float");
        }
        long partial = work.sums.take((long) chunks * columns);
        work.kernels.launch(
                work.stream,
                wide ? "column_sum_wide" : "column_sum_any",
                WorkNeeds.ceil(columns, wide ? 256 : 32),
                chunks,
                256,
                0,
                work.at.of(x.dy()),
                partial,
                rows,
                columns,
                chunk);
        finish(partial, x.dBias(), chunks, columns);
    }

    /** Registers the end of the sums of {@code blocks} partial rows into {@code gradient}. */
    private void finish(long partial, Value gradient, int blocks, int stride) {
        work.sums.add(partial, work.at.of(gradient), blocks, stride, gradient.length(), work.adds(gradient));
    }

    void embeddingGrad(EmbeddingGrad x) {
        int rows = x.dOut().rows();
        int length = x.dPositionTable().rows();
        long table = work.at.of(x.dTokenTable());
        long dOut = work.at.of(x.dOut());
        work.rows(
                "position_grad",
                length,
                dOut,
                work.at.of(x.dPositionTable()),
                rows / length,
                length,
                work.adds(x.dPositionTable()) ? 1 : 0);
        if (!work.adds(x.dTokenTable())) {
            Cuda.check(
                    cudaMemsetAsync(Cuda.at(table), 0, 4L * x.dTokenTable().length(), work.stream), "cudaMemsetAsync");
        }
        int stretches = WorkNeeds.ceil(rows, WorkNeeds.STRETCH);
        long tokens = work.at.of(x.tokens());
        long order = work.at.tokenOrder();
        work.rows("token_grad", stretches, tokens, order, dOut, table, work.scratch, rows);
        work.rows("token_grad_edges", stretches, tokens, order, work.scratch, table, rows);
    }

    private long addressOrNull(@Nullable Value value) {
        return value == null ? 0L : work.at.of(value);
    }
}
