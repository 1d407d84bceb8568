package io.fathom.engine.cuda;

import io.fathom.model.ModelSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.bytedeco.cuda.cudart.CUstream_st;

/** The launches of a pass of rows through a model: decoding.cu. */
final class ReaderPass {
    private static final int THREADS = 256;
    private static final int WARPS = THREADS / 32;
    /** Blocks of a product over few rows, at most, on each multiprocessor. */
    private static final int PRODUCT_BLOCKS = 8;
    /** Bytes of a Choice. */
    private static final long CHOICE_BYTES = 16 + 12L * PassLayout.MOST_ROWS;

    private final ModelSpec spec;
    private final Kernels kernels;
    private final ReaderWeights weights;
    private final CUstream_st stream;
    private final Places at;

    /**
     * Addresses of what a pass works on.
     *
     * @param input what the host sends
     * @param output what comes back, and logits that do not
     * @param x residual streams
     * @param rows normalised rows, or queries mixed by attention
     * @param q queries
     * @param y outputs of attention
     * @param hidden the MLP's or the predictor's
     * @param all the choice of every row
     * @param chosen the choice of a routed block
     */
    record Places(long input, long output, long x, long rows, long q, long y, long hidden, long all, long chosen) {
        /** Places from {@code base} on, where {@link #bytes} bytes are free. */
        static Places from(long base, ModelSpec spec, PassLayout input, long outputBytes) {
            long row = 4L * PassLayout.MOST_ROWS * spec.width();
            long[] sizes = {input.inputBytes(), outputBytes, row, row, row, row, 4 * row, CHOICE_BYTES, CHOICE_BYTES};
            long[] at = new long[sizes.length + 1];
            at[0] = base;
            for (int i = 0; i < sizes.length; i++) {
                at[i + 1] = (at[i] + sizes[i] + ArenaPlan.ALIGNMENT - 1) / ArenaPlan.ALIGNMENT * ArenaPlan.ALIGNMENT;
            }
            return new Places(at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7], at[8]);
        }

        /** Bytes that they take. */
        static long bytes(ModelSpec spec, PassLayout input, long outputBytes) {
            Places at = from(0, spec, input, outputBytes);
            return at.chosen + CHOICE_BYTES;
        }
    }

    ReaderPass(ModelSpec spec, Kernels kernels, ReaderWeights weights, CUstream_st stream, Places at) {
        this.spec = spec;
        this.kernels = kernels;
        this.weights = weights;
        this.stream = stream;
        this.at = at;
    }

    /** Enqueues a pass of {@code layout}. */
    void enqueue(PassLayout layout) {
        kernels.launch(
                stream,
                "read_embedding",
                WorkNeeds.ceil(layout.stride(), WARPS),
                1,
                THREADS,
                0,
                at.input,
                layout.stride(),
                weights.at("wte.weight"),
                weights.at("wpe.weight"),
                at.x,
                at.all);
        List<Integer> routed = spec.routedBlocks();
        for (int block = 0; block < spec.blocks(); block++) {
            int index = routed.indexOf(block);
            if (index >= 0) {
                route(layout, block, index);
            }
            block(layout, block, index < 0 ? at.all : at.chosen);
        }
        if (layout.heads() > 0) {
            head(layout);
        }
    }

    private void route(PassLayout layout, int block, int index) {
        String name = "h." + block + ".";
        int half = spec.width() / 2;
        if (layout.predictor()) {
            Product hidden = product(layout, name + "predictor.fc", spec.width(), half, at.all)
                    .in(at.x)
                    .out(at.hidden)
                    .early(true);
            launch("read_signal", layout.stride(), hidden);
        }
        kernels.launch(
                stream,
                "read_route",
                1,
                1,
                layout.stride() <= PassLayout.FEW ? THREADS : 1024,
                0,
                at.input,
                layout.stride(),
                index,
                layout.routed(),
                at.x,
                weights.at(name + "router.weight"),
                layout.predictor() ? at.hidden : 0L,
                layout.predictor() ? weights.at(name + "predictor.out.weight") : 0L,
                layout.predictor() ? weights.at(name + "predictor.out.bias") : 0L,
                half,
                at.chosen,
                at.output + 4L * layout.entered(index, 0),
                at.output + 4L * layout.signal(index, 0));
    }

    private void block(PassLayout layout, int block, long choice) {
        String name = "h." + block + ".";
        int width = spec.width();
        boolean early = choice == at.all;
        long keys = 2L * block * spec.context() * width;
        long values = keys + (long) spec.context() * width;
        normalised(
                "qkv",
                layout.stride(),
                product(layout, name + "attn.c_attn", width, 3 * width, choice)
                        .norm(name + "ln_1")
                        .out(at.q)
                        .memory(keys, values)
                        .early(early));
        kernels.launch(
                stream,
                "read_attention",
                layout.stride(),
                spec.heads(),
                spec.headWidth() <= 256 ? 512 : 128,
                0,
                at.input,
                layout.stride(),
                choice,
                at.q,
                at.rows,
                keys,
                values);
        launch(
                "read_mix",
                layout.stride(),
                product(layout, name + "attn.c_proj", width, width, choice)
                        .in(at.rows)
                        .out(at.y)
                        .early(early));
        normalised(
                "middle",
                layout.stride(),
                product(layout, name + "mlp.c_fc", width, 4 * width, choice)
                        .norm(name + "ln_2")
                        .out(at.hidden)
                        .early(early));
        launch(
                "read_delta",
                layout.stride(),
                product(layout, name + "mlp.c_proj", 4 * width, width, choice)
                        .in(at.hidden)
                        .early(early));
    }

    private void head(PassLayout layout) {
        long logits = at.output + 4 * layout.logits(0);
        Product head = new Product(layout, weights.head(), 0L, spec.width(), spec.vocabulary(), at.all);
        normalised("head", layout.heads(), head.norm("ln_f").out(logits).early(true));
        if (layout.losses()) {
            long losses = at.output + 4L * layout.loss(0);
            kernels.launch(
                    stream,
                    "read_losses",
                    layout.heads(),
                    1,
                    THREADS,
                    0,
                    at.input,
                    layout.stride(),
                    logits,
                    losses,
                    spec.vocabulary());
        }
    }

    private Product product(PassLayout layout, String name, int inner, int outputs, long choice) {
        return new Product(layout, weights.at(name + ".weight"), weights.at(name + ".bias"), inner, outputs, choice);
    }

    /** A product whose kernel normalises rows by itself where they are few; else a kernel before it does. */
    private void normalised(String name, int rows, Product product) {
        if (rows <= PassLayout.FEW) {
            launch("read_" + name + "_" + rows, product, rows, 4 * rows * spec.width());
            return;
        }
        byte[] before = product.bytes(at.rows);
        kernels.launch(stream, "normalise_" + name, WorkNeeds.ceil(rows, WARPS), 1, THREADS, 0, (Object) before);
        product.in(at.rows);
        launch("read_" + name + "_many", product, rows, 0);
    }

    private void launch(String name, int rows, Product product) {
        launch(name + "_" + (rows <= PassLayout.FEW ? rows : "many"), product, rows, 0);
    }

    private void launch(String kernel, Product product, int rows, int shared) {
        boolean few = rows <= PassLayout.FEW;
        int most = kernels.device().processors() * PRODUCT_BLOCKS;
        int x = few ? Math.min(WorkNeeds.ceil(product.outputs, WARPS), most) : WorkNeeds.ceil(product.outputs, 64);
        int y = few ? 1 : WorkNeeds.ceil(rows, 64);
        kernels.launch(stream, kernel, x, y, THREADS, shared, (Object) product.bytes(product.out));
    }

    /** The structure Product of decoding.cu. */
    private final class Product {
        private final PassLayout layout;
        private final long weight;
        private final long bias;
        private final int inner;
        private final int outputs;
        private final long choice;
        private String norm = "";
        private long in;
        private long out;
        private long keys;
        private long values;
        private boolean early;

        Product(PassLayout layout, long weight, long bias, int inner, int outputs, long choice) {
            this.layout = layout;
            this.weight = weight;
            this.bias = bias;
            this.inner = inner;
            this.outputs = outputs;
            this.choice = choice;
        }

        Product norm(String name) {
            norm = name;
            return this;
        }

        Product in(long address) {
            in = address;
            return this;
        }

        Product out(long address) {
            out = address;
            return this;
        }

        Product memory(long keysFrom, long valuesFrom) {
            keys = keysFrom;
            values = valuesFrom;
            return this;
        }

        /** Whether its weights are sure to be wanted, and fetched before the kernel ahead has ended. */
        Product early(boolean sure) {
            early = sure;
            return this;
        }

        byte[] bytes(long to) {
            return ByteBuffer.allocate(112)
                    .order(ByteOrder.nativeOrder())
                    .putLong(weight)
                    .putLong(bias)
                    .putLong(norm.isEmpty() ? 0 : weights.at(norm + ".weight"))
                    .putLong(norm.isEmpty() ? 0 : weights.at(norm + ".bias"))
                    .putLong(in)
                    .putLong(to)
                    .putLong(at.y)
                    .putLong(at.x)
                    .putLong(choice)
                    .putLong(at.input)
                    .putLong(keys)
                    .putLong(values)
                    .putInt(layout.stride())
                    .putInt(inner)
                    .putInt(outputs)
                    .putInt(early ? 1 : 0)
                    .array();
        }
    }
}
