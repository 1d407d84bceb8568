package io.fathom.config;

/**
 * Everything that decides a run, as the tree of {@code reference.conf}, where each key is explained.
 *
 * @param run the run directory: any Hadoop path
 * @param seed of every random stream
 */
public record RunConfig(
        String run,
        long seed,
        CorpusConfig corpus,
        ModelConfig model,
        EngineConfig engine,
        TrainConfig train,
        RoutingReportConfig routing,
        EvaluationConfig evaluation,
        LocalConfig local)
        implements Checked {
    @Override
    public void check(Problems problems) {
        problems.notBlank(run, "run");
    }

    /** Where the token shards lie: {@code corpus.path}, or {@code <run>/corpus} when that is empty. */
    public String corpusPath() {
        return corpus.path().isBlank() ? run + "/corpus" : corpus.path();
    }
}
