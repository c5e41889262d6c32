#include <algorithm>
#include <memory>

#include "capi/mlos.h"
#include "load.h"

namespace bench {
namespace {

/// Of one run; an answer that takes longer is a failure of the bench.
constexpr uint64_t kTimeoutUs = 60'000'000;
constexpr float kElement = 0.5F;

void Check(mlos_status status) {
  if (status != MLOS_OK) {
    Fail(std::string(mlos_status_name(status)) + ": " + mlos_last_error());
  }
}

struct CloseModel {
  void operator()(mlos_model* model) const { mlos_close(model); }
};
struct FreeRequest {
  void operator()(mlos_request* request) const { mlos_request_free(request); }
};

/// One attached app with `count` requests whose inputs are filled in. The model goes last.
struct Client {
  std::unique_ptr<mlos_model, CloseModel> model;
  std::vector<std::unique_ptr<mlos_request, FreeRequest>> requests;
};

Client Attach(const Arguments& arguments, size_t count) {
  const std::vector<int64_t> dims = arguments.Shape();
  uint64_t bytes = sizeof(float);
  for (const int64_t dim : dims) bytes *= static_cast<uint64_t>(dim);
  mlos_attach_options options;
  mlos_attach_options_init(&options);
  options.input_bytes = std::max<uint64_t>(1 << 16, 2 * count * (bytes + 1024));
  Client client;
  mlos_model* model = nullptr;
  Check(mlos_attach(arguments.Text("socket").c_str(), arguments.Text("model").c_str(), &options,
                    &model));
  client.model.reset(model);
  const mlos_input input = {.index = 0,
                            .rank = static_cast<uint32_t>(dims.size()),
                            .dims = dims.data(),
                            .byte_length = 0};
  for (size_t i = 0; i < count; i++) {
    mlos_request* request = nullptr;
    Check(mlos_request_create(model, &input, 1, &request));
    client.requests.emplace_back(request);
    size_t length = 0;
    auto* x = static_cast<float*>(mlos_request_data(request, 0, &length));
    std::fill_n(x, length / sizeof(float), kElement);
  }
  return client;
}

}  // namespace

void RunAttached(const Arguments& arguments) {
  const Client client = Attach(arguments, 1);
  mlos_request* request = client.requests[0].get();
  Stopwatch watch(arguments);
  uint64_t sent = watch.AwaitTurn(NowNs());
  while (watch.Running(sent)) {
    Check(mlos_infer(request, kTimeoutUs));
    const uint64_t answered = NowNs();
    mlos_release(request);
    watch.Add(sent, answered);
    sent = watch.AwaitTurn(answered);
  }
  watch.Print();
}

void RunMany(const Arguments& arguments) {
  const auto count = static_cast<size_t>(arguments.Number("clients", 1));
  std::vector<Client> clients;
  for (size_t i = 0; i < count; i++) clients.push_back(Attach(arguments, 1));
  std::vector<uint64_t> sent(count);
  Stopwatch watch(arguments);
  for (size_t i = 0; i < count; i++) {
    sent[i] = NowNs();
    Check(mlos_submit(clients[i].requests[0].get(), kTimeoutUs));
  }
  size_t under_way = count;
  while (under_way > 0) {
    for (size_t i = 0; i < count; i++) {
      mlos_request* finished = mlos_poll(clients[i].model.get());
      if (finished == nullptr) continue;
      Check(mlos_request_status(finished));
      mlos_release(finished);
      const uint64_t now = NowNs();
      watch.Add(sent[i], now);
      if (watch.Running(now)) {
        sent[i] = now;
        Check(mlos_submit(finished, kTimeoutUs));
      } else {
        under_way--;
      }
    }
  }
  watch.Print();
}

void RunPipelined(const Arguments& arguments) {
  const auto depth = static_cast<size_t>(arguments.Number("depth", 1));
  const Client client = Attach(arguments, depth);
  std::vector<uint64_t> sent(depth);
  const auto index_of = [&](const mlos_request* request) {
    const auto found = std::find_if(client.requests.begin(), client.requests.end(),
                                    [&](const auto& one) { return one.get() == request; });
    return static_cast<size_t>(found - client.requests.begin());
  };
  Stopwatch watch(arguments);
  for (size_t i = 0; i < depth; i++) {
    sent[i] = NowNs();
    Check(mlos_submit(client.requests[i].get(), kTimeoutUs));
  }
  for (size_t under_way = depth; under_way > 0;) {
    mlos_request* finished = nullptr;
    Check(mlos_wait(client.model.get(), kTimeoutUs, &finished));
    Check(mlos_request_status(finished));
    mlos_release(finished);
    const size_t i = index_of(finished);
    const uint64_t now = NowNs();
    watch.Add(sent[i], now);
    if (watch.Running(now)) {
      sent[i] = now;
      Check(mlos_submit(finished, kTimeoutUs));
    } else {
      under_way--;
    }
  }
  watch.Print();
}

}  // namespace bench
