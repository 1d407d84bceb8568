package io.fathom.engine.cpu;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_post_ops;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.global.dnnl;

/** What oneDNN must be told to make one primitive; thrown away once it is made. */
final class Descriptors implements AutoCloseable {
    private final List<Runnable> destructors = new ArrayList<>();

    dnnl_memory_desc matrix(Panel panel) {
        return described(
                new long[] {panel.rows(), panel.columns()}, new long[] {panel.rowStride(), panel.columnStride()});
    }

    dnnl_memory_desc vector(int length) {
        return described(new long[] {length}, new long[] {1});
    }

    private dnnl_memory_desc described(long[] sizes, long[] strides) {
        dnnl_memory_desc made = new dnnl_memory_desc();
        OneDnn.check(
                dnnl.dnnl_memory_desc_create_with_strides(made, sizes.length, sizes, dnnl.dnnl_f32, strides),
                "a description of memory");
        destructors.add(() -> dnnl.dnnl_memory_desc_destroy(made));
        return made;
    }

    /** Scratch memory comes from the caller, so that no call takes any; {@code after} is done to the result. */
    dnnl_primitive_attr attributes(PostOp... after) {
        dnnl_primitive_attr attributes = new dnnl_primitive_attr();
        OneDnn.check(dnnl.dnnl_primitive_attr_create(attributes), "attributes");
        destructors.add(() -> dnnl.dnnl_primitive_attr_destroy(attributes));
        OneDnn.check(
                dnnl.dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl.dnnl_scratchpad_mode_user),
                "scratch memory of our own");
        dnnl_post_ops chain = new dnnl_post_ops();
        OneDnn.check(dnnl.dnnl_post_ops_create(chain), "operations after a product");
        destructors.add(() -> dnnl.dnnl_post_ops_destroy(chain));
        for (PostOp op : after) {
            OneDnn.check(append(chain, op), op.toString());
        }
        OneDnn.check(dnnl.dnnl_primitive_attr_set_post_ops(attributes, chain), "operations after a product");
        return attributes;
    }

    private int append(dnnl_post_ops chain, PostOp op) {
        if (op instanceof PostOp.Add add) {
            return dnnl.dnnl_post_ops_append_binary(chain, dnnl.dnnl_binary_add, matrix(add.other()));
        }
        return dnnl.dnnl_post_ops_append_sum(chain, 1f, 0, dnnl.dnnl_f32);
    }

    @Override
    public void close() {
        destructors.forEach(Runnable::run);
    }
}
