// The log of a run, and the JSON objects in it.
#include <doctest/doctest.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <limits>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/training/run/run_folder.h>
#include <ditharos/training/run/step_log.h>
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::training;

TEST_CASE("json: members in order, numbers that read back exactly, strings escaped") {
  JsonObject inner;
  inner.add("a", true);
  JsonObject object;
  object.add("n", int64_t{1} << 62).add("x", 0.1 + 0.2).add("bad", std::numeric_limits<double>::quiet_NaN());
  object.add("text", "a\"\n").add("inner", inner);
  CHECK(object.text() ==
        "{\"n\": 4611686018427387904, \"x\": 0.30000000000000004, \"bad\": null, "
        "\"text\": \"a\\\"\\n\", \"inner\": {\"a\": true}}");
  CHECK(JsonObject().text() == "{}");
}

TEST_CASE("step log: a resumed log is byte-equal to one that was never stopped") {
  const tests::TemporaryFolder folder;
  RunFolder run(folder / "a/b");
  const auto write = [](StepLog& log, int64_t from, int64_t to) {
    for (int64_t step = from; step <= to; step += 10) {
      log.append(step, JsonObject().add("loss", 1.0 / static_cast<double>(step)));
    }
  };
  {
    StepLog log(run.file("whole.jsonl"), -1);
    write(log, 10, 100);
    log.sync();
  }
  {
    StepLog log(run.file("cut.jsonl"), -1);
    write(log, 10, 70);
  }
  std::ofstream(run.file("cut.jsonl"), std::ios::app) << "{\"step\": 80, \"lo";  // killed while writing
  {
    StepLog log(run.file("cut.jsonl"), 50);  // the checkpoint's step
    write(log, 60, 100);
  }
  const std::string whole = read_file(run.file("whole.jsonl"), 10000);
  CHECK(read_file(run.file("cut.jsonl"), 10000) == whole);
  CHECK(whole.starts_with("{\"step\": 10, \"loss\": 0.1}\n{\"step\": 20, \"loss\": 0.05}\n"));
  {
    StepLog log(run.file("cut.jsonl"), -1);
    log.append(1, JsonObject());
    CHECK_THROWS_AS(log.append(0, JsonObject()), Error);
    CHECK_THROWS_AS(StepLog(run.file("cut.jsonl"), -1), IoError);  // one writer at a time
  }
  CHECK(read_file(run.file("cut.jsonl"), 10000) == "{\"step\": 1}\n");
}

TEST_CASE("step log: a file of another kind is left as it is") {
  const tests::TemporaryFolder folder;
  RunFolder run(folder.path());
  for (const std::string text :
       {"hello\n", "{\"step\": 1}\n{\"loss\": 2}\n", "{\"step\": x}\n", "{\"step\": 1\n", "\n"}) {
    run.write_text("log", text);
    CHECK_THROWS_AS(StepLog(run.file("log"), 100), IoError);
    CHECK(read_file(run.file("log"), 100) == text);
  }
  CHECK_THROWS_WITH_AS(StepLog(run.file("nowhere/log"), 0),
                       ("cannot write " + run.file("nowhere/log") + ": No such file or directory").c_str(), IoError);
  CHECK_THROWS_AS(StepLog(folder.path(), 0), IoError);
}

TEST_CASE("step log: a full disk is named, and the last line taken back") {
  const tests::TemporaryFolder folder;
  RunFolder run(folder.path());
  const std::string path = run.file("log");
  // A limit on file sizes is a disk that is full at a known byte; a child process bears it alone.
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    StepLog log(path, -1);
    log.append(1, JsonObject());
    const rlimit limit{20, 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      log.append(2, JsonObject().add("loss", 1.0));
    } catch (const IoError& e) {
      ::_exit(std::string(e.what()) == "cannot write " + path + ": File too large" ? 7 : 8);
    }
    ::_exit(9);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
  CHECK(read_file(path, 100) == "{\"step\": 1}\n");
}
