#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "base/clock.h"
#include "raw_channel.h"
#include "shm/fd_passing.h"

namespace hostile {
namespace {

using mlos::UniqueFd;
using mlos::msgpack::Writer;

constexpr unsigned kSealFutureWrite = 0x0010U;
constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;
constexpr uint64_t kBytes = 65'536;
constexpr uint64_t kAnswerWithinNs = 20'000'000'000;

struct Memory {
  UniqueFd fd;
  uint8_t* mapped = nullptr;
};

Memory MakeMemory(int seals, bool is_allocated = true) {
  Memory memory{.fd = UniqueFd(::memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING))};
  if (::ftruncate(memory.fd.get(), kBytes) != 0) return memory;
  void* mapped = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory.fd.get(), 0);
  memory.mapped = static_cast<uint8_t*>(mapped);
  if (is_allocated) std::memset(memory.mapped, 0, kBytes);
  ::fcntl(memory.fd.get(), F_ADD_SEALS, seals);
  return memory;
}

/// A descriptor that is no region at all.
UniqueFd MakeOther(Dice& dice, int connection) {
  switch (dice.Below(8)) {
    case 0:
      return UniqueFd(::open("/dev/zero", O_RDWR | O_CLOEXEC));
    case 1:
      return UniqueFd(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    case 2:
      return UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
    case 3:
      return UniqueFd(::eventfd(0, EFD_CLOEXEC));
    case 4:
      // Itself: a cycle that only the kernel's collector can break.
      return UniqueFd(::fcntl(connection, F_DUPFD_CLOEXEC, 0));
    case 5:
      return UniqueFd(::open("/proc/self/mem", O_RDWR | O_CLOEXEC));
    case 6:
      return UniqueFd(::memfd_create("empty", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    default:
      return UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  }
}

struct Place {
  uint64_t index = 0;
  uint64_t offset = 0;
  uint64_t length = 4;
};

std::string InferFrame(const std::string& model, const Place& place, uint64_t elements) {
  Writer writer;
  writer.List(3);
  writer.Unsigned(1);
  writer.Text("models.infer");
  writer.Map(2);
  writer.Text("model_id");
  writer.Text(model);
  writer.Text("inputs");
  writer.Map(1);
  writer.Text("x");
  writer.Map(3);
  writer.Text("dtype");
  writer.Text("float32");
  writer.Text("shape");
  writer.List(1);
  writer.Unsigned(elements);
  writer.Text("memfd");
  writer.Map(3);
  writer.Text("index");
  writer.Unsigned(place.index);
  writer.Text("offset");
  writer.Unsigned(place.offset);
  writer.Text("length");
  writer.Unsigned(place.length);
  const auto length = static_cast<uint32_t>(writer.bytes().size());
  std::string frame;
  for (int shift = 24; shift >= 0; shift -= 8) {
    frame.push_back(static_cast<char>(length >> shift & 0xff));
  }
  return frame + writer.bytes();
}

std::string Plain(const std::string& method) {
  Writer writer;
  writer.List(3);
  writer.Unsigned(0);
  writer.Text(method);
  writer.Map(0);
  std::string frame(3, '\0');
  frame.push_back(static_cast<char>(writer.bytes().size()));
  return frame + writer.bytes();
}

std::span<const std::byte> BytesOf(const std::string& text) {
  return std::as_bytes(std::span(text));
}

/// One frame. Empty: the daemon has closed the connection, or does not answer in time.
std::string Receive(int socket, Figures& figures) {
  const uint64_t end = mlos::MonotonicNanos() + kAnswerWithinNs;
  std::string bytes;
  while (bytes.size() < 4 || bytes.size() < 4U + (static_cast<uint8_t>(bytes[2]) << 8U |
                                                  static_cast<uint8_t>(bytes[3]))) {
    if (mlos::MonotonicNanos() > end) {
      figures.findings[kNoAnswer]++;
      return "";
    }
    auto message = mlos::ReceiveDescriptors(socket, size_t{1} << 16, 16);
    if (!message.ok()) return "";
    if (!message.value()) {
      ::usleep(50);
      continue;
    }
    if (message.value()->bytes.empty()) return "";
    bytes.append(reinterpret_cast<const char*>(message.value()->bytes.data()),
                 message.value()->bytes.size());
  }
  return bytes.substr(4);
}

bool IsAnswered(const std::string& payload) {
  const auto value = mlos::msgpack::Decode(payload);
  return value && value->IsList() && value->items.size() == 3 && value->items[1].IsNil();
}

/// A good region whose bytes change while the daemon reads them: any answer is right.
void SendChanging(int socket, const std::string& model, Figures& figures) {
  const Memory memory = MakeMemory(kSizeSeals | static_cast<int>(kSealFutureWrite));
  std::atomic<bool> is_over = false;
  std::thread writer([&] {
    for (uint64_t i = 0; !is_over; i++) memory.mapped[i % kBytes] ^= 1;
  });
  const std::string frame =
      InferFrame(model, {.index = 0, .offset = 0, .length = kBytes}, kBytes / 4);
  const std::array<int, 1> fds = {memory.fd.get()};
  static_cast<void>(mlos::SendDescriptors(socket, BytesOf(frame), fds));
  // The answer is longer than what Receive() reads; this connection is over.
  std::array<char, 64> some{};
  for (int i = 0; i < 100 && ::recv(socket, some.data(), some.size(), MSG_DONTWAIT) < 0; i++) {
    ::usleep(1000);
  }
  is_over = true;
  writer.join();
  figures.memfds_taken++;
  ::munmap(memory.mapped, kBytes);
}

/// Something that must be refused.
void SendBad(int socket, const std::string& model, Dice& dice, Figures& figures) {
  Memory memory;
  Place place;
  std::vector<int> fds;
  switch (dice.Below(5)) {
    case 0:
      memory = MakeMemory(dice.OneIn(2) ? 0 : kSizeSeals);  // its owner can still change it
      break;
    case 1:
      memory = MakeMemory(kSizeSeals | static_cast<int>(kSealFutureWrite), false);  // holes
      break;
    case 2:
      memory.fd = MakeOther(dice, socket);
      break;
    case 3:
      memory = MakeMemory(kSizeSeals | static_cast<int>(kSealFutureWrite));
      place = {.index = dice.OneIn(2) ? 0 : dice.Evil(),
               .offset = kBytes - 3 + dice.Evil() % (uint64_t{1} << 50),
               .length = 4};
      break;
    default:
      break;  // none at all
  }
  if (memory.fd.valid()) fds.assign(dice.OneIn(8) ? 16 : 1, memory.fd.get());
  const std::string frame = InferFrame(model, place, 1);
  const auto sent = mlos::SendDescriptors(socket, BytesOf(frame), fds);
  if (sent.ok() && IsAnswered(Receive(socket, figures))) figures.findings[kBadMemfdTaken]++;
  if (memory.mapped != nullptr) ::munmap(memory.mapped, kBytes);
}

/// Descriptors beside half a frame, or beside bytes that are none; then gone.
void SendHalf(int socket, const std::string& model, Dice& dice) {
  const Memory memory = MakeMemory(kSizeSeals | static_cast<int>(kSealFutureWrite));
  std::string frame = InferFrame(model, {}, 1);
  if (dice.OneIn(3)) frame.assign(1 + dice.Below(64), static_cast<char>(dice.Next()));
  const std::vector<int> fds(1 + dice.Below(16), memory.fd.get());
  const auto half = std::string(frame, 0, 1 + dice.Below(frame.size()));
  for (int i = 0; i < 3; i++) static_cast<void>(mlos::SendDescriptors(socket, BytesOf(half), fds));
  ::munmap(memory.mapped, kBytes);
}

}  // namespace

void SendMemfds(const Target& target, Dice& dice, Figures& figures, double seconds) {
  const uint64_t end = mlos::MonotonicNanos() + static_cast<uint64_t>(seconds * 1e9);
  const std::string& model = target.models.front().id;
  while (mlos::MonotonicNanos() < end) {
    auto connected = mlos::ConnectSocket(target.socket_path);
    if (!connected.ok()) {
      ::usleep(1000);
      continue;
    }
    const int socket = connected.value().get();
    if (!dice.OneIn(8)) {
      const std::string opening = Plain("connection.descriptors");
      static_cast<void>(mlos::SendDescriptors(socket, BytesOf(opening), {}));
      if (Receive(socket, figures).empty()) continue;
    }
    for (uint64_t i = 0; i < 8; i++) {
      figures.memfds++;
      if (dice.OneIn(8)) {
        SendHalf(socket, model, dice);
        break;
      }
      if (dice.OneIn(8)) {
        SendChanging(socket, model, figures);
        break;
      }
      SendBad(socket, model, dice, figures);
    }
  }
}

}  // namespace hostile
