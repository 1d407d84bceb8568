#!/usr/bin/env bash
# Copies what a host without Java, Maven and Spark needs into one folder. Called by ./submit.sh bundle, after the build.
set -euo pipefail

usage() {
  cat <<'HELP'
usage: ./submit.sh bundle --with-jre DIR

Makes the folder DIR: a trimmed Java runtime, the jar, the machine code, the jars of Spark that jobs use, conf/, the
demo's text and submit.sh, which there runs every job in local mode and needs bash and coreutils alone. It may be moved,
be read-only, and is what a container image would copy. The host must be of this machine's platform, its C library as new
as this one's; for GPUs it needs the driver and the CUDA 13 libraries.

  --with-jre DIR   where to make it: a folder that is not there, or is empty
HELP
}

fail() {
  echo "submit.sh: bundle: $*" >&2
  exit 2
}

# What Fathom and the parts of Spark it uses refer to by jdeps, and what Hadoop and TLS find by name alone.
modules=java.base,java.compiler,java.datatransfer,java.desktop,java.logging,java.management,java.naming,java.net.http
modules+=,java.rmi,java.scripting,java.security.jgss,java.security.sasl,java.sql,java.xml,jdk.management,jdk.unsupported
modules+=,jdk.crypto.ec,jdk.security.auth,jdk.zipfs

# Spark SQL and what it alone brings, state stores, package resolution, standby masters, Python.
left_out='^(spark-(sql|catalyst|sql-api|sketch)_|orc-|arrow-|hive-storage|janino|commons-compiler|univocity|datasketches'
left_out+='|antlr4|threeten-extra|aircompressor|rocksdbjni|leveldbjni|ivy-|zookeeper|curator|audience-annotations|py4j|pickle-)'

home=$1
jlink=$2
opened=$3
shift 3
to=''
while (($#)); do
  case $1 in
    --with-jre)
      (($# > 1)) || fail "--with-jre needs a folder"
      to=$2
      shift
      ;;
    --with-jre=*) to=${1#*=} ;;
    --help | -h)
      usage
      exit 0
      ;;
    *) fail "unknown option $1; see ./submit.sh bundle --help" ;;
  esac
  shift
done
[[ $to ]] || fail "name the folder to make: --with-jre DIR"
[[ ! -e $to || -d $to ]] || fail "$to is no folder"
[[ ! -d $to || -z $(ls -A "$to") ]] || fail "$to is not empty: name a folder that is not there"
[[ -x $jlink ]] || fail "there is no jlink at $jlink: set JAVA_HOME to a JDK 17, a Java runtime alone has none"

mkdir -p "$to"
"$jlink" --add-modules "$modules" --strip-debug --no-header-files --no-man-pages --compress=2 \
  --add-options=" $opened" --output "$to/jre" ||
  fail "jlink could not make the Java runtime (it needs the JDK's jmods folder); see above"
mkdir -p "$to/target/spark"
IFS=: read -ra spark_jars <"$home/target/spark.classpath" || true # the file ends without a line end
for each in "${spark_jars[@]}"; do
  [[ $(basename "$each") =~ $left_out ]] || cp "$each" "$to/target/spark/"
done
cp "$home/target/fathom.jar" "$to/target/"
cp -r "$home/target/natives" "$home/target/demo-text" "$to/target/"
cp -r "$home/conf" "$home/submit.sh" "$to/"
echo "$to: $(du -sh "$to" | cut -f1), of which jre $(du -sh "$to/jre" | cut -f1); there: ./submit.sh verify --summary"
