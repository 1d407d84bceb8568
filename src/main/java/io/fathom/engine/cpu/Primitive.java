package io.fathom.engine.cpu;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.dnnl.global.dnnl;

/**
 * One kernel of oneDNN for fixed shapes, bound to its memory: made when a session opens, run in every step without
 * garbage.
 */
final class Primitive implements AutoCloseable {
    /** What a kernel calls one of its operands, how that lies in memory and where. */
    record Operand(int name, dnnl_memory_desc shape, long address) {}

    private final dnnl_primitive primitive = new dnnl_primitive();
    private final dnnl_stream stream;
    private final dnnl_exec_arg_t arguments;
    private final dnnl_memory[] memories;
    private final Address address = new Address();
    private final long scratchBytes;

    /**
     * Made from {@code description}, which stays the caller's; {@code operands} in the order that {@link #aim} counts.
     */
    Primitive(dnnl_primitive_desc description, dnnl_stream stream, List<Operand> operands) {
        this.stream = stream;
        OneDnn.check(dnnl.dnnl_primitive_create(primitive, description), "a primitive");
        List<Operand> all = new ArrayList<>(operands);
        dnnl_memory_desc scratch = dnnl.dnnl_primitive_desc_query_md(description, dnnl.dnnl_query_scratchpad_md, 0);
        this.scratchBytes = dnnl.dnnl_memory_desc_get_size(scratch);
        all.add(new Operand(dnnl.DNNL_ARG_SCRATCHPAD, scratch, 0));
        this.memories = new dnnl_memory[all.size()];
        this.arguments = new dnnl_exec_arg_t(all.size());
        for (int i = 0; i < memories.length; i++) {
            Operand operand = all.get(i);
            memories[i] = new dnnl_memory();
            OneDnn.check(
                    dnnl.dnnl_memory_create(
                            memories[i], operand.shape(), OneDnn.engine(), address.at(operand.address())),
                    "an operand");
            arguments.getPointer(i).arg(operand.name()).memory(memories[i]);
        }
    }

    /** Bytes of scratch that a run needs. */
    long scratchBytes() {
        return scratchBytes;
    }

    /** Gives it scratch of at least {@link #scratchBytes()} bytes. */
    void useScratch(long at) {
        aim(memories.length - 1, at);
    }

    /** Moves operand {@code index} to {@code to}. */
    void aim(int index, long to) {
        OneDnn.check(dnnl.dnnl_memory_set_data_handle(memories[index], address.at(to)), "an address");
    }

    void run() {
        OneDnn.check(dnnl.dnnl_primitive_execute(primitive, stream, memories.length, arguments), "to run");
    }

    @Override
    public void close() {
        for (dnnl_memory memory : memories) {
            dnnl.dnnl_memory_destroy(memory);
        }
        arguments.deallocate();
        dnnl.dnnl_primitive_destroy(primitive);
    }
}
