package io.fathom.graph.weights;

import io.fathom.model.ParameterLayout;
import io.fathom.model.Tensor;
import java.io.IOException;
import java.io.OutputStream;

/**
 * Writes a model's weights for others: {@code model.safetensors} with GPT-2's names and the {@code config.json} beside.
 */
public final class WeightExport {
    private WeightExport() {}

    /** Writes {@code model.safetensors}, F32, bit for bit the parameters; {@code out} stays open. */
    public static void writeTensors(Weights weights, OutputStream out) throws IOException {
        SafeTensorsWriter writer = new SafeTensorsWriter().metadata("format", "pt");
        for (Tensor tensor : ParameterLayout.of(weights.spec()).tensors()) {
            writer.add("transformer." + tensor.name(), tensor.shape(), weights.parameters(), tensor.offset());
        }
        writer.writeTo(out);
    }

    /** The text of {@code config.json}. */
    public static String config(Weights weights, int endOfText) {
        return Gpt2Config.write(weights.spec(), endOfText);
    }
}
