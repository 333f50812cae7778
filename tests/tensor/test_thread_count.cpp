// How many threads there are by default: what the environment says, or the cores that the quota pays for.
#include <doctest/doctest.h>

#include <limits>
#include <string>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/system/thread_count.h>

using namespace ditharos;

namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("regression 25: threads are the cores that the quota pays for, one at least") {
  CHECK(cores_within(8, unlimited) == 8);
  CHECK(cores_within(8, 100) == 8);
  CHECK(cores_within(8, 8) == 8);
  CHECK(cores_within(8, 7.9) == 7);
  CHECK(cores_within(2, 1) == 1);
  CHECK(cores_within(2, 1.5) == 1);
  CHECK(cores_within(2, .1) == 1);
  CHECK(thread_count(nullptr, nullptr, 8, 1) == 1);
  CHECK(thread_count(nullptr, nullptr, 8, 2.5) == 2);
  CHECK(thread_count(nullptr, nullptr, 8, unlimited) == 8);
}

TEST_CASE("DITHAROS_NUM_THREADS comes before OMP_NUM_THREADS, and both before cores and quota") {
  CHECK(thread_count("3", "5", 8, 1) == 3);
  CHECK(thread_count("1024", nullptr, 8, unlimited) == 1024);
  CHECK(thread_count(nullptr, "5", 8, 1) == 5);
  CHECK(thread_count(nullptr, " 5 ", 2, unlimited) == 5);
}

TEST_CASE("OMP_NUM_THREADS may list the levels of nested regions; what is no number of threads is ignored") {
  CHECK(thread_count(nullptr, "6,2", 8, unlimited) == 6);
  CHECK(thread_count(nullptr, "99999999999999999999", 8, unlimited) == 1024);
  for (const char* text : {"", " ", "0", "-2", "many", ",4"}) {
    CAPTURE(text);
    CHECK(thread_count(nullptr, text, 8, unlimited) == 8);
  }
}

TEST_CASE("a DITHAROS_NUM_THREADS that is no number from 1 to 1024 is refused") {
  for (const char* text : {"", "0", "-1", "1025", "2x", "x", "99999999999999999999"}) {
    CAPTURE(text);
    const std::string got = std::string("got \"") + text + "\"";
    CHECK_THROWS_WITH_AS(thread_count(text, "2", 8, unlimited),
                         ("DITHAROS_NUM_THREADS must be a number from 1 to 1024, " + got).c_str(), ConfigError);
  }
}
