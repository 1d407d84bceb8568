package io.fathom.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/**
 * What this build of Fathom was made of.
 *
 * @param commit full hash of the git commit, or {@code unknown} when it was built outside of a git repository
 * @param dirty whether the sources differed from that commit
 * @param versions of Fathom and of the libraries in its jar, by name
 */
public record Build(String commit, boolean dirty, Map<String, String> versions) {

    /** This build, as the files in its own jar tell. */
    public static Build current() {
        Properties git = properties("/fathom-build.properties");
        Map<String, String> versions = new TreeMap<>();
        properties("/fathom-versions.properties")
                .forEach((name, version) -> versions.put(name.toString(), version.toString()));
        return new Build(
                git.getProperty("git.commit.id.full", "unknown"),
                Boolean.parseBoolean(git.getProperty("git.dirty")),
                versions);
    }

    private static Properties properties(String resource) {
        Properties properties = new Properties();
        try (InputStream in = Build.class.getResourceAsStream(resource)) {
            if (in != null) {
                properties.load(in);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(resource, e);
        }
        return properties;
    }
}
