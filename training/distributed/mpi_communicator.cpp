#include <ditharos/training/distributed/mpi_communicator.h>

#ifdef DITHAROS_HAS_MPI
#include <limits>
#include <string>
#include <unordered_map>

#include <mpi.h>

#include <ditharos/tensor/error.h>
#endif

namespace ditharos::training {

#ifdef DITHAROS_HAS_MPI
namespace {

void check_call(int result, const char* call) {
  if (result == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(result, text, &length);
  fail(call, " failed: ", std::string(text, size_t(length)));
}

struct WorldSize {
  int rank = 0, size = 0;
};

WorldSize world_size() {
  WorldSize found;
  MPI_Comm_rank(MPI_COMM_WORLD, &found.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &found.size);
  return found;
}

class MpiCommunicator : public Communicator {
 public:
  MpiCommunicator(const WorldSize& world, bool started) : Communicator(world.rank, world.size), started_(started) {
    check_call(MPI_Comm_dup(MPI_COMM_WORLD, &ranks_), "MPI_Comm_dup");
    // A failed call becomes an exception, which ends all ranks with its sentence.
    check_call(MPI_Comm_set_errhandler(ranks_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    MPI_Comm machine = MPI_COMM_NULL;
    check_call(MPI_Comm_split_type(ranks_, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine), "MPI_Comm_split_type");
    check_call(MPI_Comm_size(machine, &here_), "MPI_Comm_size");
    MPI_Comm_free(&machine);
  }

  ~MpiCommunicator() override {
    MPI_Comm_free(&ranks_);
    if (started_) MPI_Finalize();
  }

  int ranks_on_this_machine() const override { return here_; }

  Request begin_send(int to, int tag, const void* bytes, size_t count) override {
    MPI_Request request = MPI_REQUEST_NULL;
    check_call(MPI_Isend(bytes, checked(count), MPI_BYTE, to, tag, ranks_, &request), "MPI_Isend");
    return add(request);
  }

  Request begin_receive(int from, int tag, void* bytes, size_t count) override {
    MPI_Request request = MPI_REQUEST_NULL;
    check_call(MPI_Irecv(bytes, checked(count), MPI_BYTE, from, tag, ranks_, &request), "MPI_Irecv");
    return add(request);
  }

  bool is_finished(Request handle) override {
    int finished = 0;
    check_call(MPI_Test(&requests_.at(handle), &finished, MPI_STATUS_IGNORE), "MPI_Test");
    if (finished != 0) requests_.erase(handle);
    return finished != 0;
  }

  void end_all(int status) override { MPI_Abort(MPI_COMM_WORLD, status); }

 private:
  static int checked(size_t count) {
    check(count <= size_t(std::numeric_limits<int>::max()), "a message of ", count,
          " bytes is longer than those of MPI, which have at most ", std::numeric_limits<int>::max());
    return int(count);
  }

  Request add(MPI_Request request) {
    requests_.emplace(++last_, request);
    return last_;
  }

  bool started_;
  MPI_Comm ranks_ = MPI_COMM_NULL;
  int here_ = 1;
  Request last_ = 0;
  std::unordered_map<Request, MPI_Request> requests_;  // begun and not over
};

}  // namespace

std::unique_ptr<Communicator> start_mpi() {
  int running = 0;
  MPI_Initialized(&running);  // by a program that uses MPI itself
  if (running == 0) {
    int threads = MPI_THREAD_SINGLE;
    check_call(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &threads), "MPI_Init_thread");
    check(threads >= MPI_THREAD_FUNNELED, "this MPI does not allow a program to have threads");
  }
  return std::make_unique<MpiCommunicator>(world_size(), running == 0);
}
#else
std::unique_ptr<Communicator> start_mpi() { return nullptr; }
#endif

}  // namespace ditharos::training
