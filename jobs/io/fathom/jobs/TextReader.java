package io.fathom.jobs;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.cluster.TaskDevice;
import io.fathom.config.RunConfig;
import io.fathom.decode.Readers;
import io.fathom.engine.Engine;
import io.fathom.engine.Engines;
import io.fathom.engine.Precision;
import io.fathom.engine.SessionOptions;
import io.fathom.engine.TokenReader;

/**
 * What a job that writes text reads tokens with: a GPU of this machine or its processor, as {@code engine.name} says.
 *
 * @param reader the checkpoint's weights, ready to read
 * @param line what it computes on, and why that is not a GPU where {@code auto} was to choose
 */
record TextReader(TokenReader reader, String line) implements AutoCloseable {
    static TextReader of(RunConfig config, Checkpoint checkpoint) {
        Engine engine = Engines.named(config.engine().name());
        SessionOptions options = new SessionOptions(
                Precision.named(config.engine().precision()),
                config.engine().threads(),
                TaskDevice.of(config.local()).index(engine));
        TokenReader reader = Readers.on(engine, checkpoint.spec(), checkpoint.parameters(), options);
        return new TextReader(
                reader,
                reader.description()
                        + engine.inPlace().map(reason -> "; " + reason).orElse(""));
    }

    @Override
    public void close() {
        reader.close();
    }
}
