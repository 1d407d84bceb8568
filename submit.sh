#!/usr/bin/env bash
# Runs one Fathom job, by spark-submit where there is a Spark and by plain java otherwise. See --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: ./submit.sh JOB [--config FILE] [--set KEY=VALUE]... [job options] [spark-submit flags] [-- more spark-submit flags]

  ./submit.sh demo                                        text to routing report on this machine, in minutes
  ./submit.sh train --config conf/small.conf --run /data/run1 --master yarn --num-executors 8
  ./submit.sh JOB --help                                  a job's own options

  --dry-run   print the command instead of running it
  --help      this text and the list of jobs

The jar is built when it is missing or older than its sources. SPARK_HOME, or spark-submit on the PATH, runs the job;
without either the jars that the build resolved run it in local mode. Flags of spark-submit go to spark-submit, those
after -- whatever they are; everything else goes to the job. The exit code is the job's.
TEXT
}

fail() {
  echo "submit.sh: $*" >&2
  exit 2
}

home=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
jar=$home/target/fathom.jar
main=io.fathom.jobs.Fathom

# --- whose flag is whose -------------------------------------------------------------------------------------------
job='' dry_run='' config='' deploy_mode=client master='' jars='' name='' driver_memory=''
job_args=() spark_flags=()

take_spark() { # flag value
  case $1 in
    --jars) jars=${jars:+$jars,}$2 ;;
    *) spark_flags+=("$1" "$2") ;;
  esac
  case $1 in
    --master) master=$2 ;;
    --deploy-mode) deploy_mode=$2 ;;
    --name) name=$2 ;;
    --driver-memory) driver_memory=$2 ;;
    --conf | -c)
      case $2 in
        spark.master=*) master=${2#*=} ;;
        spark.submit.deployMode=*) deploy_mode=${2#*=} ;;
        spark.app.name=*) name=${2#*=} ;;
        spark.driver.memory=*) driver_memory=${2#*=} ;;
      esac
      ;;
  esac
}

while (($#)); do
  case $1 in
    --master | --deploy-mode | --name | --jars | --packages | --exclude-packages | --repositories | --py-files | \
      --files | --archives | --conf | -c | --properties-file | --driver-memory | --driver-java-options | \
      --driver-library-path | --driver-class-path | --executor-memory | --proxy-user | --driver-cores | \
      --total-executor-cores | --executor-cores | --queue | --num-executors | --principal | --keytab)
      (($# > 1)) || fail "$1 needs a value"
      take_spark "$1" "$2"
      shift
      ;;
    --master=* | --deploy-mode=* | --name=* | --jars=* | --packages=* | --exclude-packages=* | --repositories=* | \
      --files=* | --archives=* | --conf=* | --properties-file=* | --driver-*=* | --executor-*=* | --proxy-user=* | \
      --total-executor-cores=* | --queue=* | --num-executors=* | --principal=* | --keytab=*)
      take_spark "${1%%=*}" "${1#*=}"
      ;;
    --supervise | --load-spark-defaults) spark_flags+=("$1") ;;
    --dry-run) dry_run=yes ;;
    --)
      shift
      spark_flags+=("$@")
      break
      ;;
    --config)
      (($# > 1)) || fail "--config needs a file"
      config=$2
      shift
      ;;
    --config=*) config=${1#*=} ;;
    --help | -h) if [[ $job ]]; then job_args+=("$1"); else job=--help; fi ;;
    *) if [[ $job ]]; then job_args+=("$1"); else job=$1; fi ;;
  esac
  shift
done

if [[ ! $job ]]; then
  usage >&2
  exit 2
elif [[ $job == --help ]]; then
  usage
  [[ -f $jar ]] || exit 0 # not built yet: the jobs cannot tell of themselves
  echo
fi

# --- what runs it --------------------------------------------------------------------------------------------------
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
command -v "$java" >/dev/null || fail "there is no java: install a JDK 17 or set JAVA_HOME"
version=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
[[ ${version:-0} -ge 17 ]] || fail "$java is Java ${version:-unknown}; Fathom needs 17: set JAVA_HOME"

spark=''
if [[ ${SPARK_HOME:-} ]]; then
  spark=$SPARK_HOME/bin/spark-submit
  [[ -x $spark ]] || fail "SPARK_HOME is $SPARK_HOME, which has no bin/spark-submit: mend or unset it"
else
  spark=$(command -v spark-submit || true)
fi

stale() {
  [[ ! -f $jar ]] || [[ -n $(find "$home/pom.xml" "$home/src/main" "$home/jobs" "$home/conf/log4j2.properties" \
    -newer "$jar" -type f -print -quit 2>/dev/null) ]]
}

if [[ ! $dry_run ]] && stale; then
  command -v mvn >/dev/null || fail "the jar must be built, and there is no mvn on the PATH: install Maven"
  echo "building target/fathom.jar (once; the first time also downloads what it needs)" >&2
  (cd "$home" && mvn -B -q -Dstyle.color=never -DskipTests -Dspotless.check.skip=true package >&2) || fail "the build failed; see above"
fi

# Class path and opened packages for a JVM that spark-submit does not start; a file, as they fill pages.
java_arguments() {
  local opened
  printf -- '-cp "%s:%s:%s"\n' "$jar" "${natives//,/:}" "$(cat "$home/target/spark.classpath")"
  for opened in java.{lang,lang.invoke,lang.reflect,io,net,nio,util,util.concurrent,util.concurrent.atomic} \
    sun.{nio.ch,nio.cs,security.action,util.calendar}; do
    echo "--add-opens=java.base/$opened=ALL-UNNAMED"
  done
}

natives=$(find "$home/target/natives" -name '*.jar' 2>/dev/null | sort | paste -sd, -)
shipped=$natives${jars:+,$jars}

# --- the job's arguments -------------------------------------------------------------------------------------------
export FATHOM_HOME=$home
[[ $job == demo && ! $config ]] && config=$home/conf/demo.conf
if [[ $config ]]; then
  if [[ $deploy_mode == cluster && -f $config ]]; then
    spark_flags+=(--files "$config") # the driver will run elsewhere, and find it by its name
    config=$(basename "$config")
  fi
  job_args=(--config "$config" ${job_args[@]+"${job_args[@]}"})
fi

# One thread for each worker's step: two pools of threads that spin against each other cost up to 15 times.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} OPENBLAS_NUM_THREADS=${OPENBLAS_NUM_THREADS:-1}
# JavaCPP would count the whole process against its own limit and refuse innocent allocations.
jvm=(-Dorg.bytedeco.javacpp.maxbytes=0 -Dorg.bytedeco.javacpp.maxphysicalbytes=0)

if [[ $spark ]]; then
  [[ $deploy_mode == cluster ]] || jvm+=("-Dlog4j2.configurationFile=file:$home/conf/log4j2.properties")
  command=("$spark" --class "$main" --jars "$shipped" --conf "spark.driver.defaultJavaOptions=${jvm[*]}")
  [[ $name ]] || command+=(--name "fathom $job")
  command+=(${spark_flags[@]+"${spark_flags[@]}"} "$jar" "$job" ${job_args[@]+"${job_args[@]}"})
else
  [[ -z $master || $master == local* || $master == spark://* ]] ||
    fail "--master $master needs a Spark distribution: set SPARK_HOME"
  [[ ! $jars ]] || fail "--jars needs a Spark distribution: set SPARK_HOME"
  [[ $deploy_mode == client ]] || fail "--deploy-mode $deploy_mode needs a Spark distribution: set SPARK_HOME"
  arguments=$home/target/java.arguments
  [[ $dry_run || $arguments -nt $home/target/spark.classpath ]] || java_arguments >"$arguments"
  [[ $driver_memory ]] && jvm+=("-Xmx$driver_memory")
  [[ $master == spark://* ]] && jvm+=("-Dspark.jars=$jar,$shipped")
  set -- ${spark_flags[@]+"${spark_flags[@]}"}
  while (($#)); do
    case $1 in
      --conf | -c) jvm+=("-D$2") ;;
      --master) jvm+=("-Dspark.master=$2") ;;
      --name) jvm+=("-Dspark.app.name=$2") ;;
      --files) jvm+=("-Dspark.files=$2") ;;
      --executor-memory) jvm+=("-Dspark.executor.memory=$2") ;;
      --executor-cores) jvm+=("-Dspark.executor.cores=$2") ;;
      --num-executors) jvm+=("-Dspark.executor.instances=$2") ;;
      --total-executor-cores) jvm+=("-Dspark.cores.max=$2") ;;
      --driver-java-options) read -ra more <<<"$2" && jvm+=("${more[@]}") ;;
      --driver-memory | --deploy-mode) ;;
      *) fail "$1 needs a Spark distribution: set SPARK_HOME, or have spark-submit on the PATH" ;;
    esac
    shift 2
  done
  command=("$java" "@$arguments" "${jvm[@]}" "$main" "$job" ${job_args[@]+"${job_args[@]}"})
fi

if [[ $dry_run ]]; then
  printf '%q ' "${command[@]}"
  echo
else
  exec "${command[@]}"
fi
