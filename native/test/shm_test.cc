#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/small_file.h"
#include "check.h"
#include "shm/fd_passing.h"
#include "shm/peer_credentials.h"
#include "shm/region.h"

namespace mlos {
namespace {

constexpr unsigned kFutureWrite = 0x0010U;
constexpr unsigned kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;
constexpr uint64_t kPage = 4096;

/// A stranger's memfd: nothing about it is as it should be unless asked for.
UniqueFd MakeForeign(uint64_t byte_length, unsigned seals, bool allocate = true) {
  UniqueFd fd(::memfd_create("foreign", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const auto size = static_cast<off_t>(byte_length);
  if (::ftruncate(fd.get(), size) != 0) return {};
  if (allocate && size > 0 && ::fallocate(fd.get(), 0, 0, size) != 0) return {};
  if (seals != 0 && ::fcntl(fd.get(), F_ADD_SEALS, seals) != 0) return {};
  return fd;
}

std::string AdoptCode(UniqueFd fd, uint64_t max_bytes = kPage, MapMode mode = MapMode::kReadOnly) {
  const auto region = Region::Adopt(std::move(fd), max_bytes, mode);
  return region.ok() ? "ok" : region.error().code;
}

size_t CountFds() { return ListFolder("/proc/self/fd").size(); }

}  // namespace

MLOS_TEST(region_is_sized_sealed_allocated_and_zero) {
  const auto region = Region::Create({.byte_length = 10'000});
  REQUIRE(region.ok());
  CHECK_EQ(region.value().byte_length(), uint64_t{10'000});
  for (const std::byte b : region.value().mapping()->bytes()) REQUIRE(b == std::byte{0});
  const int fd = region.value().fd();
  CHECK((ReadSeals(fd).value() & kSizeSeals) == kSizeSeals);
  CHECK_EQ(::ftruncate(fd, 1), -1);
  CHECK_EQ(errno, EPERM);
  CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  struct stat facts {};
  REQUIRE(::fstat(fd, &facts) == 0);
  CHECK(facts.st_blocks * 512 >= 10'000);
}

MLOS_TEST(region_refuses_sizes_and_labels_that_make_no_sense) {
  CHECK_EQ(Region::Create({.byte_length = 0}).error().code, "INVALID_ARGUMENT");
  CHECK_EQ(Region::Create({.byte_length = UINT64_MAX}).error().code, "INVALID_ARGUMENT");
  const RegionOptions long_label{.byte_length = 1, .label = std::string(250, 'x')};
  CHECK_EQ(Region::Create(long_label).error().code, "INVALID_ARGUMENT");
  const RegionOptions huge{.byte_length = uint64_t{1} << 60, .label = "huge", .populate = false};
  CHECK(!Region::Create(huge).ok());
}

MLOS_TEST(adopt_accepts_only_what_cannot_be_taken_away) {
  CHECK_EQ(AdoptCode(MakeForeign(kPage, kSizeSeals | kFutureWrite)), "ok");
  CHECK_EQ(AdoptCode(MakeForeign(kPage, kSizeSeals | F_SEAL_WRITE)), "ok");
  CHECK_EQ(AdoptCode(MakeForeign(kPage, 0)), "REGION_UNSEALED");
  CHECK_EQ(AdoptCode(MakeForeign(kPage, F_SEAL_SHRINK | kFutureWrite)), "REGION_UNSEALED");
  CHECK_EQ(AdoptCode(MakeForeign(kPage, F_SEAL_GROW | kFutureWrite)), "REGION_UNSEALED");
  CHECK_EQ(AdoptCode(MakeForeign(kPage, kSizeSeals)), "REGION_UNSEALED");
  CHECK_EQ(AdoptCode(MakeForeign(0, kSizeSeals | kFutureWrite)), "REGION_EMPTY");
  CHECK_EQ(AdoptCode(MakeForeign(kPage + 1, kSizeSeals | kFutureWrite)), "REGION_TOO_LARGE");
}

MLOS_TEST(adopt_refuses_holes) {
  constexpr uint64_t kBig = uint64_t{256} << 20;
  CHECK_EQ(AdoptCode(MakeForeign(kBig, kSizeSeals | kFutureWrite, false), kBig), "REGION_SPARSE");
  UniqueFd punched = MakeForeign(4 * kPage, kSizeSeals);
  REQUIRE(::fallocate(punched.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kPage) == 0);
  REQUIRE(AddSeals(punched.get(), kFutureWrite).ok());
  CHECK_EQ(AdoptCode(std::move(punched), 4 * kPage), "REGION_SPARSE");
}

MLOS_TEST(adopt_refuses_what_is_no_memfd) {
  CHECK_EQ(AdoptCode(UniqueFd(::open("/dev/null", O_RDWR))), "NOT_A_REGION");
  CHECK_EQ(AdoptCode(UniqueFd(::open("/proc/self/exe", O_RDONLY))), "NOT_A_REGION");
  CHECK_EQ(AdoptCode(UniqueFd()), "EBADF");
}

MLOS_TEST(adopt_closes_what_it_refuses) {
  const size_t before = CountFds();
  CHECK_EQ(AdoptCode(MakeForeign(kPage, 0)), "REGION_UNSEALED");
  CHECK_EQ(CountFds(), before);
}

MLOS_TEST(adopt_for_writing_reaches_the_other_side) {
  const auto owner = Region::Create({.byte_length = kPage});
  REQUIRE(owner.ok());
  UniqueFd copy(::dup(owner.value().fd()));
  const auto guest = Region::Adopt(std::move(copy), kPage, MapMode::kShared);
  REQUIRE(guest.ok());
  guest.value().mapping()->bytes()[5] = std::byte{7};
  CHECK(owner.value().mapping()->bytes()[5] == std::byte{7});
}

MLOS_TEST(stores_to_a_copy_on_write_mapping_reach_nobody) {
  auto owner = Region::Create({.byte_length = 2 * kPage});
  REQUIRE(owner.ok());
  REQUIRE(owner.value().Seal(WriteSeal::kFuture).ok());
  const auto reader =
      Region::Adopt(UniqueFd(::dup(owner.value().fd())), 2 * kPage, MapMode::kCopyOnWrite);
  REQUIRE(reader.ok());
  owner.value().mapping()->bytes()[0] = std::byte{1};
  CHECK(reader.value().mapping()->bytes()[0] == std::byte{1});
  reader.value().mapping()->bytes()[0] = std::byte{2};
  CHECK(owner.value().mapping()->bytes()[0] == std::byte{1});
}

MLOS_TEST(future_write_seal_keeps_our_mapping_and_refuses_theirs) {
  auto region = Region::Create({.byte_length = kPage});
  REQUIRE(region.ok());
  REQUIRE(region.value().Seal(WriteSeal::kFuture).ok());
  CHECK(region.value().Seal(WriteSeal::kFuture).ok());
  CHECK_EQ(region.value().Seal(WriteSeal::kAll).error().code, "EPERM");
  region.value().mapping()->bytes()[0] = std::byte{1};
  CHECK_EQ(::write(region.value().fd(), "x", 1), ssize_t{-1});
  CHECK_EQ(AdoptCode(UniqueFd(::dup(region.value().fd())), kPage, MapMode::kShared), "EPERM");
  CHECK_EQ(AdoptCode(UniqueFd(::dup(region.value().fd()))), "ok");
}

MLOS_TEST(full_write_seal_fixes_the_content_and_keeps_the_address) {
  auto region = Region::Create({.byte_length = kPage});
  REQUIRE(region.ok());
  const std::span<std::byte> bytes = region.value().mapping()->bytes();
  bytes[0] = std::byte{9};
  {
    const auto writer = Mapping::Create(region.value().fd(), kPage, MapMode::kShared, false);
    REQUIRE(writer.ok());
    CHECK_EQ(region.value().Seal(WriteSeal::kAll).error().code, "EBUSY");
    bytes[1] = std::byte{8};  // a refused seal leaves the mapping shared and writable
    CHECK(writer.value()->bytes()[1] == std::byte{8});
  }
  REQUIRE(region.value().Seal(WriteSeal::kAll).ok());
  CHECK(bytes[0] == std::byte{9});
  bytes[0] = std::byte{1};  // lands on a private copy
  std::byte seen{};
  REQUIRE(::pread(region.value().fd(), &seen, 1, 0) == 1);
  CHECK(seen == std::byte{9});
}

MLOS_TEST(a_mapping_outlives_its_region) {
  std::shared_ptr<Mapping> mapping;
  {
    auto region = Region::Create({.byte_length = kPage});
    REQUIRE(region.ok());
    mapping = region.value().mapping();
  }
  mapping->bytes()[kPage - 1] = std::byte{1};
  CHECK_EQ(mapping.use_count(), 1L);
}

MLOS_TEST(descriptors_travel_and_are_not_inherited) {
  auto pair = CreateSocketPair(SocketKind::kStream);
  REQUIRE(pair.ok());
  auto& [left, right] = pair.value();
  const auto region = Region::Create({.byte_length = kPage});
  region.value().mapping()->bytes()[3] = std::byte{42};
  const std::array<int, 1> fds{region.value().fd()};
  const std::array<std::byte, 2> bytes{std::byte{1}, std::byte{2}};
  CHECK_EQ(SendDescriptors(left.get(), bytes, fds).value(), size_t{2});

  auto received = ReceiveDescriptors(right.get(), 100, 2);
  REQUIRE(received.ok() && received.value().has_value());
  CHECK_EQ(received.value()->bytes.size(), size_t{2});
  REQUIRE(received.value()->fds.size() == 1);
  CHECK((::fcntl(received.value()->fds[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
  std::byte seen{};
  CHECK_EQ(::pread(received.value()->fds[0].get(), &seen, 1, 3), ssize_t{1});
  CHECK(seen == std::byte{42});
}

MLOS_TEST(receiving_never_waits_and_tells_the_end) {
  auto pair = CreateSocketPair(SocketKind::kStream);
  auto& [left, right] = pair.value();
  CHECK(!ReceiveDescriptors(right.get(), 10, 1).value().has_value());
  left.Reset();
  CHECK(ReceiveDescriptors(right.get(), 10, 1).value()->bytes.empty());
  const std::array<std::byte, 1> bytes{};
  CHECK_EQ(SendDescriptors(right.get(), bytes, {}).error().code, "EPIPE");
}

MLOS_TEST(a_truncated_message_is_dropped_and_leaks_nothing) {
  auto pair = CreateSocketPair(SocketKind::kSeqPacket);
  auto& [left, right] = pair.value();
  const std::array<std::byte, 4> bytes{};
  const size_t before = CountFds();
  const std::vector<int> three(3, left.get());
  REQUIRE(SendDescriptors(left.get(), bytes, three).ok());
  CHECK_EQ(ReceiveDescriptors(right.get(), 100, 2).error().code, "MESSAGE_TRUNCATED");
  CHECK_EQ(CountFds(), before);

  const std::vector<int> one(1, left.get());
  REQUIRE(SendDescriptors(left.get(), bytes, one).ok());
  CHECK_EQ(ReceiveDescriptors(right.get(), 3, 2).error().code, "MESSAGE_TRUNCATED");
  CHECK_EQ(CountFds(), before);

  // The socket is still usable.
  REQUIRE(SendDescriptors(left.get(), bytes, one).ok());
  CHECK(ReceiveDescriptors(right.get(), 4, 1).ok());
}

MLOS_TEST(more_descriptors_than_the_buffer_holds_leak_nothing) {
  auto pair = CreateSocketPair(SocketKind::kSeqPacket);
  auto& [left, right] = pair.value();
  const size_t before = CountFds();
  // By hand, because SendDescriptors refuses so many; a hostile peer would not.
  const std::vector<int> fds(kMaxDescriptors + 5, left.get());
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int) * (kMaxDescriptors + 5))> control{};
  char byte = 'x';
  iovec part{.iov_base = &byte, .iov_len = 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
  std::memcpy(CMSG_DATA(header), fds.data(), sizeof(int) * fds.size());
  REQUIRE(::sendmsg(left.get(), &message, 0) == 1);
  CHECK_EQ(ReceiveDescriptors(right.get(), 10, kMaxDescriptors).error().code, "MESSAGE_TRUNCATED");
  CHECK_EQ(CountFds(), before);
}

MLOS_TEST(message_limits_are_checked) {
  auto pair = CreateSocketPair(SocketKind::kStream);
  const int fd = pair.value().first.get();
  const std::vector<std::byte> long_message(kMaxMessageBytes + 1);
  CHECK_EQ(SendDescriptors(fd, {}, {}).error().code, "INVALID_ARGUMENT");
  CHECK_EQ(SendDescriptors(fd, long_message, {}).error().code, "INVALID_ARGUMENT");
  const std::vector<int> seventeen(kMaxDescriptors + 1, 0);
  const std::array<std::byte, 1> bytes{};
  CHECK_EQ(SendDescriptors(fd, bytes, seventeen).error().code, "INVALID_ARGUMENT");
  CHECK_EQ(ReceiveDescriptors(fd, 0, 1).error().code, "INVALID_ARGUMENT");
  CHECK_EQ(ReceiveDescriptors(fd, 1, kMaxDescriptors + 1).error().code, "INVALID_ARGUMENT");
}

MLOS_TEST(peer_credentials_are_the_kernels) {
  auto pair = CreateSocketPair(SocketKind::kStream);
  const auto peer = ReadPeerCredentials(pair.value().first.get());
  REQUIRE(peer.ok());
  CHECK_EQ(peer.value().pid, std::optional(::getpid()));
  CHECK_EQ(peer.value().uid, ::getuid());
  CHECK_EQ(peer.value().gid, ::getgid());
  const UniqueFd lonely(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK_EQ(ReadPeerCredentials(lonely.get()).error().code, "NO_PEER");
  CHECK_EQ(ReadPeerCredentials(-1).error().code, "EBADF");
}

MLOS_TEST(a_half_closed_peer_is_there_and_a_closed_one_is_gone) {
  auto pair = CreateSocketPair(SocketKind::kStream);
  const int left = pair.value().first.get();
  CHECK_EQ(IsPeerGone(left).value(), false);
  ::shutdown(pair.value().second.get(), SHUT_WR);
  CHECK_EQ(IsPeerGone(left).value(), false);
  pair.value().second.Reset();
  CHECK_EQ(IsPeerGone(left).value(), true);
  CHECK_EQ(IsPeerGone(0x7fffffff).error().code, "EBADF");
}

MLOS_TEST(connecting_names_what_is_wrong) {
  CHECK_EQ(ConnectSocket("/nonexistent/socket").error().code, "ENOENT");
  CHECK_EQ(ConnectSocket("").error().code, "INVALID_ARGUMENT");
  CHECK_EQ(ConnectSocket(std::string(108, 'x')).error().code, "INVALID_ARGUMENT");
}

}  // namespace mlos
