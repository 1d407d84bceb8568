package io.fathom.program;

import io.fathom.program.Instruction.ColumnSum;
import io.fathom.program.Instruction.Gelu;
import io.fathom.program.Instruction.GeluGrad;
import io.fathom.program.Instruction.MatMul;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which activations keep their rows apart. Rows that begin a multiple of a page after one another all fall into the
 * same few sets of a processor's caches, so that a product that reads a column of them fetches each again and again: at
 * 1024 floats a tenth of the time of a weight's gradient. A cache line more between them cures that.
 *
 * <p>Such a value is one that only products, gelu and sums over rows touch: the hidden activations of an MLP and their
 * gradients. All others lie row by row without gaps.
 */
final class RowStrides {
    private static final int PAGE = 4096 / Float.BYTES;
    private static final int GAP = 64 / Float.BYTES;

    private final Set<Value> apart = new HashSet<>();

    private RowStrides() {}

    /** By value id, of those whose rows are kept apart; {@code outputs} never are. */
    static Map<Integer, Integer> of(List<Instruction> instructions, Collection<Value> outputs) {
        RowStrides strides = new RowStrides();
        for (Instruction instruction : instructions) {
            instruction.writes().stream().filter(RowStrides::collides).forEach(strides.apart::add);
        }
        strides.apart.removeAll(Set.copyOf(outputs));
        int before;
        do {
            before = strides.apart.size();
            instructions.forEach(strides::exclude);
        } while (strides.apart.size() < before);
        Map<Integer, Integer> byId = new HashMap<>();
        strides.apart.forEach(value -> byId.put(value.id(), value.columns() + GAP));
        return byId;
    }

    private static boolean collides(Value value) {
        return value.storage() == Value.Storage.ACTIVATION
                && value.type() == Value.Type.REAL
                && value.rows() > 1
                && value.columns() % PAGE == 0;
    }

    /** Strikes out the values that {@code instruction} wants without gaps. */
    private void exclude(Instruction instruction) {
        if (instruction instanceof MatMul product) {
            if (product.addend() != null) {
                same(List.of(product.addend(), product.c()));
            }
        } else if (instruction instanceof Gelu gelu) {
            same(List.of(gelu.x(), gelu.y()));
        } else if (instruction instanceof GeluGrad gelu) {
            same(List.of(gelu.x(), gelu.dy(), gelu.dx()));
        } else if (!(instruction instanceof ColumnSum)) {
            instruction.reads().forEach(apart::remove);
            instruction.writes().forEach(apart::remove);
        }
    }

    /** Values that one loop goes through: gaps in all of them or in none. */
    private void same(List<Value> values) {
        if (!apart.containsAll(values)) {
            values.forEach(apart::remove);
        }
    }
}
