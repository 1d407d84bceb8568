package io.fathom.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.simpleName;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.simpleNameStartingWith;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnitAccess;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.spark.rdd.RDD;
import org.apache.spark.rdd.ShuffledRDD;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import scala.Tuple2;
import scala.reflect.ClassTag;

/** The plan of the house: which room may use which, and who may use what from outside. */
class HouseTest {
    private static final String HOUSE = "io.fathom.";

    /** Each room may use itself and the rooms before it. */
    private static final List<String> ROOMS = List.of(
            "model",
            "config",
            "corpus",
            "graph",
            "program",
            "engine",
            "train",
            "average",
            "checkpoint",
            "routing",
            "decode",
            "report",
            "cluster",
            "jobs");

    /**
     * Compiled against 3.5 with Scala 2.12, run on 4.x with Scala 2.13: what is in one of them alone must stay away.
     */
    private static final ArchRule SPARK_LINES = classes().should(new UseOnlyWhatSparkLinesShare());

    private static final JavaClasses HOUSE_CLASSES = new ClassFileImporter()
            .withImportOption(location -> !location.contains("test-classes"))
            .importPackages("io.fathom");

    @Test
    void everyClassLivesInARoomOfThePlan() {
        assertThat(HOUSE_CLASSES).hasSizeGreaterThan(20);
        assertThat(HOUSE_CLASSES)
                .allSatisfy(each ->
                        assertThat(ROOMS).as("room of %s", each.getName()).contains(room(each)));
    }

    @Test
    void roomsUseOnlyTheRoomsBeforeThem() {
        classes().should(new UseOnlyRoomsBeforeTheirOwn()).check(HOUSE_CLASSES);
    }

    @Test
    void theRuleOfRoomsSeesAViolation() {
        JavaClasses trespasser = new ClassFileImporter().importClasses(io.fathom.model.Trespasser.class);
        assertThat(classes()
                        .should(new UseOnlyRoomsBeforeTheirOwn())
                        .evaluate(trespasser)
                        .hasViolation())
                .isTrue();
    }

    @Test
    void enginesDoNotUseEachOther() {
        SlicesRuleDefinition.slices()
                .matching("io.fathom.engine.(*)..")
                .should()
                .notDependOnEachOther()
                .allowEmptyShould(true)
                .check(HOUSE_CLASSES);
    }

    @Test
    void onlyClusterAndJobsUseSpark() {
        onlyIn(List.of("cluster", "jobs"), "org.apache.spark..", "scala..");
    }

    @Test
    void whatSparkLinesDoNotShareIsNotUsed() {
        SPARK_LINES.check(HOUSE_CLASSES);
    }

    @Test
    void theRuleOfSparkLinesSeesEachViolation() {
        JavaClasses trespasser = new ClassFileImporter().importClasses(TrespasserOnSpark.class);
        assertThat(SPARK_LINES.evaluate(trespasser).getFailureReport().getDetails())
                .anySatisfy(line -> assertThat(line).contains("resources()"))
                .anySatisfy(line -> assertThat(line).contains("barrier()"))
                .anySatisfy(line -> assertThat(line).contains("SparkEnv"))
                .anySatisfy(line -> assertThat(line).contains("scala.Some"));
    }

    @Test
    void onlyTheNumericRoomsUseNd4jAndBlas() {
        onlyIn(List.of("graph", "program", "engine.nd4j", "engine.cpu"), "org.nd4j..", "org.bytedeco.openblas..");
        onlyIn(List.of("engine.cpu"), "org.bytedeco.dnnl..");
    }

    @Test
    void onlyTheCudaRoomUsesCuda() {
        onlyIn(List.of("engine.cuda"), "org.bytedeco.cuda..");
    }

    @Test
    void onlyRoomsThatReadAndWritePathsUseHadoop() {
        onlyIn(
                List.of("corpus", "checkpoint", "routing", "decode", "report", "cluster", "jobs"),
                "org.apache.hadoop..");
    }

    @Test
    void onlyJobsUseTheCommandLineAndOnlyConfigHocon() {
        onlyIn(List.of("jobs"), "picocli..");
        onlyIn(List.of("config", "jobs"), "com.typesafe.config..");
    }

    @Test
    void theModelUsesTheJdkAlone() {
        noClasses()
                .that()
                .resideInAPackage("io.fathom.model..")
                .should()
                .dependOnClassesThat(
                        resideOutsideOfPackages("java..", "io.fathom.model..", "org.jspecify.annotations.."))
                .check(HOUSE_CLASSES);
    }

    @Test
    void randomnessIsSeeded() {
        noClasses()
                .should()
                .callConstructor(Random.class)
                .orShould()
                .callMethod(Math.class, "random")
                .orShould()
                .callMethod(Collections.class, "shuffle", List.class)
                .because("a run must give the same result again")
                .check(HOUSE_CLASSES);
    }

    @Test
    void noClassHasANameThatSaysNothing() {
        noClasses()
                .should()
                .haveNameMatching(".*(Util|Utils|Helper|Helpers|Manager|Impl)(\\$.*)?")
                .check(HOUSE_CLASSES);
    }

    @Test
    void everyPackageIsDescribedAndNullMarked() {
        JavaPackage house = HOUSE_CLASSES.getPackage("io.fathom");
        assertThat(house.getSubpackagesInTree())
                .filteredOn(each -> !each.getClasses().isEmpty())
                .isNotEmpty()
                .allSatisfy(each -> assertThat(each.tryGetAnnotationOfType(NullMarked.class))
                        .as("@NullMarked in package-info.java of %s", each.getName())
                        .isPresent());
    }

    @Test
    void everyJobReadsInOneSitting() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of("jobs"))) {
            List<Path> jobs =
                    files.filter(each -> each.toString().endsWith(".java")).toList();
            assertThat(jobs).isNotEmpty();
            for (Path job : jobs) {
                assertThat(Files.readAllLines(job)).as("lines of %s", job).hasSizeLessThanOrEqualTo(150);
            }
        }
    }

    private static void onlyIn(List<String> rooms, String... packages) {
        String[] allowed = rooms.stream().map(room -> HOUSE + room + "..").toArray(String[]::new);
        DescribedPredicate<JavaClass> foreign = resideInAnyPackage(packages);
        noClasses()
                .that()
                .resideOutsideOfPackages(allowed)
                .should()
                .dependOnClassesThat(foreign)
                .check(HOUSE_CLASSES);
    }

    /** The first part of the package below the house; empty outside of it. */
    private static String room(JavaClass each) {
        String name = each.getPackageName() + ".";
        return name.startsWith(HOUSE) ? name.substring(HOUSE.length()).split("\\.", 2)[0] : "";
    }

    private static final class UseOnlyRoomsBeforeTheirOwn extends ArchCondition<JavaClass> {
        UseOnlyRoomsBeforeTheirOwn() {
            super("use only rooms before their own");
        }

        @Override
        public void check(JavaClass user, ConditionEvents events) {
            for (Dependency dependency : user.getDirectDependenciesFromSelf()) {
                int used = ROOMS.indexOf(room(dependency.getTargetClass()));
                if (used > ROOMS.indexOf(room(user))) {
                    events.add(SimpleConditionEvent.violated(user, dependency.getDescription()));
                }
            }
        }
    }

    /**
     * Spark's API for Java, with what an {@code RDD} shows to Java, and the shuffle with a serializer of one's own,
     * whose constructors and methods are the same in both lines, and no more: Scala's classes other than {@code Tuple2}
     * and {@code ClassTag} differ between 2.12 and 2.13, also where they are but the type of a parameter or result;
     * barrier stages have no API for Java.
     */
    private static final class UseOnlyWhatSparkLinesShare extends ArchCondition<JavaClass> {
        private static final DescribedPredicate<JavaClass> SPARK = resideInAPackage("org.apache.spark..");
        private static final DescribedPredicate<JavaClass> API = resideInAnyPackage(
                        "org.apache.spark",
                        "org.apache.spark.api.java..",
                        "org.apache.spark.api.plugin",
                        "org.apache.spark.broadcast",
                        "org.apache.spark.resource",
                        "org.apache.spark.serializer",
                        "org.apache.spark.storage",
                        "org.apache.spark.util")
                .or(type(RDD.class))
                .or(type(ShuffledRDD.class))
                .and(not(simpleName("SparkEnv")))
                .and(not(simpleNameStartingWith("Barrier")));
        private static final DescribedPredicate<JavaClass> SCALA =
                resideInAPackage("scala..").and(not(type(Tuple2.class).or(type(ClassTag.class))));
        private static final DescribedPredicate<JavaClass> FOREIGN = SCALA.or(SPARK.and(not(API)));

        UseOnlyWhatSparkLinesShare() {
            super("use only what Spark 3.5 and 4 share");
        }

        @Override
        public void check(JavaClass user, ConditionEvents events) {
            for (Dependency dependency : user.getDirectDependenciesFromSelf()) {
                JavaClass used = dependency.getTargetClass().getBaseComponentType();
                if (FOREIGN.test(used)) {
                    events.add(SimpleConditionEvent.violated(user, dependency.getDescription()));
                }
            }
            for (JavaCodeUnitAccess<?> call : user.getCodeUnitCallsFromSelf()) {
                List<JavaClass> types = new ArrayList<>(call.getTarget().getRawParameterTypes());
                types.add(call.getTarget().getRawReturnType());
                if (types.stream().map(JavaClass::getBaseComponentType).anyMatch(FOREIGN)) {
                    events.add(SimpleConditionEvent.violated(user, call.getDescription()));
                }
            }
        }
    }
}
