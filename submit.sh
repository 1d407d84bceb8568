#!/usr/bin/env bash
# Runs one Fathom job, by spark-submit where there is a Spark and by plain java otherwise. See --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: ./submit.sh JOB [--config FILE] [--set KEY=VALUE]... [job options] [spark-submit flags] [-- more spark-submit flags]

  ./submit.sh demo                                        text to routing report on this machine, in minutes
  ./submit.sh train --config conf/small.conf --run /data/run1 --master yarn --num-executors 8
  ./submit.sh JOB --help                                  a job's own options
  ./submit.sh bundle --with-jre DIR                       a folder that runs jobs on a host without Java

  --dry-run   print the command instead of running it
  --help      this text and the list of jobs

The jar is built when it is missing or older than its sources. SPARK_HOME, or spark-submit on the PATH, runs the job;
without either the jars that the build resolved run it in local mode. Flags of spark-submit go to spark-submit, those
after -- whatever they are; everything else goes to the job. The exit code is the job's, or 1 for any failure of a
driver that runs on the cluster (--deploy-mode cluster), where what it printed is kept.
TEXT
}

fail() {
  echo "submit.sh: $*" >&2
  exit 2
}

home=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
jar=$home/target/fathom.jar
# A folder that `bundle` made brings its own Java and Spark, and is never built.
bundled=''
[[ ! -x $home/jre/bin/java ]] || bundled=yes
main=io.fathom.jobs.Fathom

# --- whose flag is whose -------------------------------------------------------------------------------------------
job='' dry_run='' config='' deploy_mode='' master='' jars='' files='' name='' driver_options='' properties=''
job_args=() spark_flags=()

take_spark() { # flag value
  case $1 in
    --jars) jars=${jars:+$jars,}$2 ;;
    --files) files=${files:+$files,}$2 ;;
    --driver-java-options) driver_options=$2 ;;
    -c) spark_flags+=(--conf "$2") ;;
    *) spark_flags+=("$1" "$2") ;;
  esac
  case $1 in
    --master) master=$2 ;;
    --deploy-mode) deploy_mode=$2 ;;
    --name) name=$2 ;;
    --properties-file) properties=$2 ;;
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
spark=''
if [[ $bundled ]]; then
  java=$home/jre/bin/java # and its own Spark: local mode, and standalone masters in client mode
else
  command -v "$java" >/dev/null || fail "there is no java: install a JDK 17 or set JAVA_HOME"
  version=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
  [[ ${version:-0} -ge 17 ]] || fail "$java is Java ${version:-unknown}; Fathom needs 17: set JAVA_HOME"
  if [[ ${SPARK_HOME:-} ]]; then
    spark=$SPARK_HOME/bin/spark-submit
    [[ -x $spark ]] || fail "SPARK_HOME is $SPARK_HOME, which has no bin/spark-submit: mend or unset it"
  else
    spark=$(command -v spark-submit || true)
  fi
fi

# What spark-submit will take for a key: the last --conf, else its properties file, else the defaults of this Spark.
setting() { # key
  local i found='' file=${properties:-${SPARK_CONF_DIR:-$(dirname "${spark:-/}")/../conf}/spark-defaults.conf}
  for ((i = 0; i < ${#spark_flags[@]} - 1; i++)); do
    [[ ${spark_flags[i]} == --conf && ${spark_flags[i + 1]} == "$1="* ]] && found=${spark_flags[i + 1]#*=}
  done
  [[ $found || ! -f $file ]] || found=$(sed -n "s/^[[:space:]]*${1//./\\.}[[:space:]=:]\{1,\}\(.*[^[:space:]]\)[[:space:]]*\$/\1/p" "$file" | tail -1)
  printf '%s' "$found"
}
master=${master:-$(setting spark.master)}
case $master in
  '' | local | local\[*\] | local-cluster\[*\] | spark://* | yarn | k8s://*) ;;
  *) fail "--master $master: expected local[N], spark://HOST:PORT, yarn or k8s://https://HOST:PORT" ;;
esac
deploy_mode=${deploy_mode:-$(setting spark.submit.deployMode)}
name=${name:-$(setting spark.app.name)}
driver_options=${driver_options:-$(setting spark.driver.extraJavaOptions)}
[[ ! $properties || -f $properties ]] || fail "--properties-file $properties: no such file"
if [[ $spark ]]; then # flags of ours would hide these
  jars=${jars:-$(setting spark.jars)}
  files=${files:-$(setting spark.files)}
fi

stale() {
  [[ ! -f $jar ]] || [[ -n $(find "$home/pom.xml" "$home/src/main" "$home/jobs" "$home/conf/log4j2.properties" \
    -newer "$jar" -type f -print -quit 2>/dev/null) ]]
}

if [[ ! $dry_run && ! $bundled ]] && stale; then
  command -v mvn >/dev/null || fail "the jar must be built, and there is no mvn on the PATH: install Maven"
  echo "building target/fathom.jar (once; the first time also downloads what it needs)" >&2
  # Kept back until the build fails: Maven writes escape codes even when it has nothing to say.
  log=$(cd "$home" && mvn -B -q -Dstyle.color=never -DskipTests -Dspotless.check.skip=true package 2>&1) || {
    printf '%s\n' "$log" >&2
    fail "the build failed; see above"
  }
fi

# What Spark needs of a JVM that its scripts do not start.
opens() {
  printf -- '--add-opens=java.base/%s=ALL-UNNAMED\n' \
    java.{lang,lang.invoke,lang.reflect,io,net,nio,util,util.concurrent,util.concurrent.atomic} \
    sun.{nio.ch,nio.cs,security.action,util.calendar}
}

if [[ $job == bundle ]]; then
  [[ ! $bundled ]] || fail "$home is a bundle already: make another from a checkout"
  java=$(readlink -f "$(command -v "$java")")
  exec bash "$home/src/bundle/bundle.sh" "$home" "${java%/*}/jlink" "$(opens | paste -sd' ' -)" \
    ${job_args[@]+"${job_args[@]}"}
fi

# Class path and opened packages; a file, as they fill pages.
java_arguments() {
  printf -- '-cp "%s:%s:%s"\n' "$jar" "${natives//,/:}" "$(cat "$home/target/spark.classpath")"
  opens
}

natives=$(find "$home/target/natives" -name '*.jar' 2>/dev/null | sort | paste -sd, -)
shipped=$natives${jars:+,$jars}

# --- the job's arguments -------------------------------------------------------------------------------------------
export FATHOM_HOME=$home
[[ $job == demo && ! $config ]] && config=$home/conf/demo.conf
if [[ $config ]]; then
  if [[ $deploy_mode == cluster && -f $config ]]; then
    files=${files:+$files,}$config # the driver will run elsewhere, and find it by its name
    config=$(basename "$config")
  fi
  job_args=(--config "$config" ${job_args[@]+"${job_args[@]}"})
fi

# One thread for each worker's step: two pools of threads that spin against each other cost up to 15 times.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} OPENBLAS_NUM_THREADS=${OPENBLAS_NUM_THREADS:-1}
# JavaCPP would count the whole process against its own limit and refuse innocent allocations.
# Regions: a block of a broadcast, 4 MiB, would take several of those that G1 chooses, and much of a round its collecting.
jvm=(-Dorg.bytedeco.javacpp.maxbytes=0 -Dorg.bytedeco.javacpp.maxphysicalbytes=0 -XX:G1HeapRegionSize=16m)

if [[ $spark ]]; then
  command=("$spark" --class "$main" --jars "$shipped")
  [[ ! $files ]] || command+=(--files "$files")
  [[ $name ]] || command+=(--name "fathom $job")
  if [[ $deploy_mode == cluster ]]; then
    # The console is then that of spark-submit alone.
    export SPARK_SUBMIT_OPTS="-Dlog4j2.configurationFile=file:$home/conf/log4j2.properties ${SPARK_SUBMIT_OPTS:-}"
    # A standalone master starts the driver without the defaults, without what Java 17 needs, and does not wait for it.
    [[ $master != spark://* ]] || {
      driver_options="$(opens | paste -sd' ' -) ${jvm[*]}${driver_options:+ $driver_options}"
      [[ $(setting spark.standalone.submit.waitAppCompletion) ]] ||
        command+=(--conf spark.standalone.submit.waitAppCompletion=true)
    }
  else
    jvm+=("-Dlog4j2.configurationFile=file:$home/conf/log4j2.properties")
  fi
  command+=(--conf "spark.driver.defaultJavaOptions=${jvm[*]}" ${spark_flags[@]+"${spark_flags[@]}"})
  [[ ! $driver_options ]] || command+=(--driver-java-options "$driver_options")
  command+=("$jar" "$job" ${job_args[@]+"${job_args[@]}"})
else
  [[ -z $master || $master == local* || $master == spark://* ]] ||
    fail "--master $master needs a Spark distribution: set SPARK_HOME"
  [[ ! $jars ]] || fail "--jars needs a Spark distribution: set SPARK_HOME"
  [[ ${deploy_mode:-client} == client ]] || fail "--deploy-mode $deploy_mode needs a Spark distribution: set SPARK_HOME"
  if [[ $bundled ]]; then
    arguments=(-cp "$jar:$home/target/natives/*:$home/target/spark/*") # its Java has the packages opened
  else
    arguments=("@$home/target/java.arguments")
    # Every build makes the jar anew, and may name other libraries beside it.
    [[ $dry_run || $home/target/java.arguments -nt $jar ]] ||
      java_arguments >"$home/target/java.arguments"
  fi
  [[ $master == spark://* ]] && jvm+=("-Dspark.jars=$jar,$shipped")
  [[ $files ]] && jvm+=("-Dspark.files=$files")
  read -ra more <<<"$driver_options" && jvm+=(${more[@]+"${more[@]}"})
  memory=$(setting spark.driver.memory)
  set -- ${spark_flags[@]+"${spark_flags[@]}"}
  while (($#)); do
    case $1 in
      --conf) jvm+=("-D$2") ;;
      --master) jvm+=("-Dspark.master=$2") ;;
      --name) jvm+=("-Dspark.app.name=$2") ;;
      --executor-memory) jvm+=("-Dspark.executor.memory=$2") ;;
      --executor-cores) jvm+=("-Dspark.executor.cores=$2") ;;
      --num-executors) jvm+=("-Dspark.executor.instances=$2") ;;
      --total-executor-cores) jvm+=("-Dspark.cores.max=$2") ;;
      --driver-memory) memory=$2 ;;
      --deploy-mode) ;;
      *) fail "$1 needs a Spark distribution: set SPARK_HOME, or have spark-submit on the PATH" ;;
    esac
    shift 2
  done
  [[ $memory ]] && jvm+=("-Xmx$memory")
  command=("$java" "${arguments[@]}" "${jvm[@]}" "$main" "$job" ${job_args[@]+"${job_args[@]}"})
fi

if [[ $dry_run ]]; then
  printf '%q ' "${command[@]}"
  echo
elif [[ $deploy_mode == cluster ]]; then
  # A driver that fails makes spark-submit show its own insides; where a standalone master or Kubernetes ran it, it may yet
  # end with 0.
  "${command[@]}" 2>&1 | awk '/^\tat / || /^Exception in thread "main" org\.apache\.spark\.SparkException: Application / { next }
    { print; fflush() }
    / is (FAILED|ERROR|KILLED), exiting/ { failed = 1 }
    / phase: Failed/ { failed = match($0, / exit code: [0-9]+/) ? substr($0, RSTART + 12, RLENGTH - 12) : 1 }
    END { exit failed }' >&2
else
  exec "${command[@]}"
fi
