// A closed-loop load generator: each connection sends the prepared bytes, waits for the whole
// reply, and sends again. No pipelining. One thread, no allocation while it measures, so that the
// server is the bottleneck; it reports how busy it was itself, which says whether that held.
//
//   generator (tcp PORT | unix PATH) (http | frame) REQUEST_FILE CONNECTIONS WARMUP_S SECONDS
//
// Writes one line of JSON. Any reply that is no success ends it with exit status 1.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "generator: %s\n", why.c_str());
  std::exit(1);
}

[[noreturn]] void FailErrno(const std::string& what) { Fail(what + ": " + std::strerror(errno)); }

int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

int64_t CpuNs() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

int Connect(std::string_view kind, const std::string& place) {
  const bool is_tcp = kind == "tcp";
  const int fd = socket(is_tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) FailErrno("socket");
  int result = -1;
  if (is_tcp) {
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(std::stoi(place)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    result = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  } else {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (place.size() >= sizeof address.sun_path) Fail("the socket path is too long");
    std::memcpy(address.sun_path, place.c_str(), place.size());
    result = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  if (result != 0) FailErrno("connect to " + place);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

/** Bytes of the reply that begins `text`, or 0 while its head is not whole. */
size_t HttpLength(std::string_view text) {
  const size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  const std::string_view head = text.substr(0, end + 2);
  if (head.substr(0, 12) != "HTTP/1.1 200") Fail("reply: " + std::string(text.substr(0, 400)));
  for (const std::string_view name : {"\r\ncontent-length:", "\r\nContent-Length:"}) {
    const size_t at = head.find(name);
    if (at == std::string_view::npos) continue;
    return end + 4 + std::strtoull(head.data() + at + name.size(), nullptr, 10);
  }
  Fail("a reply has no content-length");
}

size_t FrameLength(std::string_view text) {
  if (text.size() < 4) return 0;
  uint32_t length = 0;
  std::memcpy(&length, text.data(), 4);
  return 4 + ntohl(length);
}

class Connection {
 public:
  Connection(int fd, bool is_http) : fd_(fd), is_http_(is_http), buffer_(64 * 1024) {}

  int fd() const { return fd_; }

  void Send(std::string_view request) {
    sent_at_ = NowNs();
    while (!request.empty()) {
      const ssize_t sent = send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
      if (sent > 0) {
        request.remove_prefix(static_cast<size_t>(sent));
      } else if (errno == EAGAIN) {
        pollfd room{fd_, POLLOUT, 0};
        poll(&room, 1, 1000);
      } else {
        FailErrno("send");
      }
    }
  }

  /** Reads what is there; true when the reply is whole. */
  bool Receive() {
    const ssize_t got = recv(fd_, buffer_.data() + filled_, buffer_.size() - filled_, 0);
    if (got == 0) Fail("the server closed the connection");
    if (got < 0) {
      if (errno == EAGAIN) return false;
      FailErrno("recv");
    }
    filled_ += static_cast<size_t>(got);
    if (length_ == 0) {
      const std::string_view text(buffer_.data(), filled_);
      length_ = is_http_ ? HttpLength(text) : FrameLength(text);
      if (length_ > buffer_.size()) buffer_.resize(length_);
    }
    if (length_ == 0 || filled_ < length_) return false;
    if (filled_ > length_) Fail("bytes follow the reply");
    filled_ = 0;
    length_ = 0;
    return true;
  }

  int64_t sent_at() const { return sent_at_; }

 private:
  int fd_;
  bool is_http_;
  std::vector<char> buffer_;
  size_t filled_ = 0;
  size_t length_ = 0;
  int64_t sent_at_ = 0;
};

double Quantile(const std::vector<uint32_t>& sorted, double q) {
  const auto last = static_cast<double>(sorted.size() - 1);
  return static_cast<double>(sorted[static_cast<size_t>(q * last)]) / 1000.0;
}

struct Plan {
  std::string request;
  double warmup_s;
  double seconds;
};

void Run(std::vector<Connection>& connections, const Plan& plan) {
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  for (size_t i = 0; i < connections.size(); i++) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    epoll_ctl(poller, EPOLL_CTL_ADD, connections[i].fd(), &event);
    connections[i].Send(plan.request);
  }
  std::vector<uint32_t> latencies;
  latencies.reserve(static_cast<size_t>(300'000 * plan.seconds) + 1);
  const int64_t begin = NowNs() + static_cast<int64_t>(plan.warmup_s * 1e9);
  const int64_t end = begin + static_cast<int64_t>(plan.seconds * 1e9);
  uint64_t all = 0;
  int64_t cpu_at_begin = 0;
  int64_t now = NowNs();
  std::vector<epoll_event> events(connections.size());
  // One reply at least: those of a large request may each take longer than a short window.
  while (now < end || latencies.empty()) {
    const int ready = epoll_wait(poller, events.data(), static_cast<int>(events.size()), 5000);
    if (ready == 0) Fail("no reply within 5 s");
    for (int i = 0; i < ready; i++) {
      Connection& connection = connections[events[static_cast<size_t>(i)].data.u64];
      if (!connection.Receive()) continue;
      now = NowNs();
      all += 1;
      if (now >= begin && (now < end || latencies.empty())) {
        if (cpu_at_begin == 0) cpu_at_begin = CpuNs();
        latencies.push_back(static_cast<uint32_t>(now - connection.sent_at()));
      }
      connection.Send(plan.request);
    }
  }
  const double seconds = std::max(plan.seconds, static_cast<double>(now - begin) / 1e9);
  const double busy = static_cast<double>(CpuNs() - cpu_at_begin) / (seconds * 1e9);
  std::sort(latencies.begin(), latencies.end());
  std::printf(
      "{\"requests\":%zu,\"total\":%llu,\"rps\":%.1f,\"p50\":%.2f,\"p95\":%.2f,\"p99\":%.2f,"
      "\"busy\":%.3f}\n",
      latencies.size(), static_cast<unsigned long long>(all),
      static_cast<double>(latencies.size()) / seconds, Quantile(latencies, 0.50),
      Quantile(latencies, 0.95), Quantile(latencies, 0.99), busy);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8) Fail("seven arguments, see the head of generator.cc");
  std::ifstream file(argv[4], std::ios::binary);
  if (!file) Fail(std::string("cannot read ") + argv[4]);
  const Plan plan{std::string(std::istreambuf_iterator<char>(file), {}), std::stod(argv[6]),
                  std::stod(argv[7])};
  std::vector<Connection> connections;
  for (int i = 0; i < std::stoi(argv[5]); i++) {
    connections.emplace_back(Connect(argv[1], argv[2]), std::string_view(argv[3]) == "http");
  }
  Run(connections, plan);
}
