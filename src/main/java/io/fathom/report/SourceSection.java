package io.fathom.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.TreeMap;

/** Where the run came from: provenance, corpus, configuration. */
final class SourceSection {
    private final RunArtefacts run;

    SourceSection(RunArtefacts run) {
        this.run = run;
    }

    String html() {
        Map<String, String> facts = new TreeMap<>();
        run.provenance().ifPresent(node -> flatten("", node, facts));
        run.corpus().ifPresent(corpus -> {
            facts.put("corpus.documents", Numbers.whole(corpus.documents()));
            facts.put("corpus.bytes", Numbers.whole(corpus.bytes()));
            facts.put("corpus.train.tokens", Numbers.whole(corpus.train().tokens()));
            facts.put(
                    "corpus.validation.tokens",
                    Numbers.whole(corpus.validation().tokens()));
            facts.put("corpus.tokenizer", corpus.tokenizer().name());
            facts.put("corpus.sourcesHash", corpus.sourcesHash());
        });
        StringBuilder out = new StringBuilder();
        if (run.provenance().isEmpty()) {
            out.append(
                    Html.missing("No provenance.json in this run directory.", "./submit.sh train --run " + run.path()));
        }
        if (!facts.isEmpty()) {
            out.append("<div class=\"wide\"><table class=\"facts\"><tbody>");
            facts.forEach((key, value) -> out.append("<tr><th>")
                    .append(Html.escape(key))
                    .append("</th><td>")
                    .append(Html.escape(value))
                    .append("</td></tr>"));
            out.append("</tbody></table></div>");
        }
        run.configuration()
                .ifPresent(text -> out.append("<details><summary>Resolved configuration</summary><pre>")
                        .append(Html.escape(text))
                        .append("</pre></details>"));
        return Html.figure("Where it came from", "What one needs to make this run again.", out.toString());
    }

    private static void flatten(String prefix, JsonNode node, Map<String, String> facts) {
        if (node.isObject()) {
            node.fields()
                    .forEachRemaining(field -> flatten(
                            prefix.isEmpty() ? field.getKey() : prefix + "." + field.getKey(),
                            field.getValue(),
                            facts));
        } else {
            facts.put(prefix, node.isValueNode() ? node.asText() : node.toString());
        }
    }
}
