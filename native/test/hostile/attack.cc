#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <thread>

#include "base/clock.h"
#include "raw_channel.h"
#include "requests.h"

namespace hostile {
namespace {

namespace layout = mlos::layout;

/// Values of honest clients lie here (hostile.test.ts); ours never do.
constexpr float kHonestFrom = 2'000'001;
constexpr float kHonestTo = 2'200'001;

struct Fight {
  RawChannel& channel;
  Dice& dice;
  Figures& figures;
  Requests requests;
  /// Whether random bytes may have been written, which could look like anybody's data.
  bool is_wild = false;
};

/// Counts what the host answered, gives some of it back, and frees the slots.
void TakeAnswers(Fight& fight) {
  RawChannel& channel = fight.channel;
  const uint32_t tail = channel.host()->completion_tail.load();
  if (tail - channel.head > layout::kRingEntries) return;
  const auto* ring = reinterpret_cast<const layout::CompletionEntry*>(
      channel.response + layout::kCompletionRingOffset);
  for (; channel.head != tail; channel.head++) {
    const layout::CompletionEntry entry = ring[channel.head % layout::kRingEntries];
    const bool is_ok = entry.status == layout::kOk;
    (is_ok ? fight.figures.answered_ok : fight.figures.answered_error)++;
    fight.requests.Answered(entry.slot);
    if (entry.byte_length > 0 && !fight.dice.OneIn(64)) {
      channel.Push({.kind = layout::kRelease,
                    .slot = 0,
                    .request_id = 0,
                    .offset = entry.offset,
                    .byte_length = 0,
                    .reserved = {}});
    }
  }
  channel.control()->completion_head.store(channel.head);
}

void LookForForeignData(const Fight& fight) {
  if (fight.is_wild) return;
  const auto* values = reinterpret_cast<const float*>(fight.channel.results());
  for (uint64_t i = 0; i < fight.channel.result_bytes() / sizeof(float); i++) {
    if (values[i] >= kHonestFrom && values[i] <= kHonestTo) {
      fight.figures.findings[kForeignDataSeen]++;
      return;
    }
  }
}

void Submit(Fight& fight, bool is_honest) {
  const auto entry = is_honest ? fight.requests.Honest() : fight.requests.Mutated();
  if (!entry) return;
  fight.channel.Push(*entry);
  fight.figures.entries++;
}

void Lie(Fight& fight) {
  layout::RequestControl& control = *fight.channel.control();
  const auto evil = static_cast<uint32_t>(fight.dice.Evil());
  switch (fight.dice.Below(4)) {
    case 0:
      control.request_tail.store(fight.channel.tail + evil);
      break;
    case 1:
      control.completion_head.store(evil);
      break;
    case 2:
      control.client_sleeping.store(evil);
      break;
    default:
      // As many more as the ring can hold: old entries once more, in slots that are in use.
      control.request_tail.store(fight.channel.tail += layout::kRingEntries / 2);
  }
  fight.channel.RingBell();
}

void Release(Fight& fight) {
  const uint64_t offset = fight.dice.OneIn(2) ? fight.dice.Evil() : 64 * fight.dice.Below(4096);
  fight.channel.Push({.kind = layout::kRelease,
                      .slot = static_cast<uint32_t>(fight.dice.Evil()),
                      .request_id = fight.dice.Evil(),
                      .offset = offset,
                      .byte_length = fight.dice.Evil(),
                      .reserved = {}});
}

void Cancel(Fight& fight) {
  const auto slot = fight.dice.Below(layout::kSlots);
  const uint64_t id = fight.dice.OneIn(2) ? fight.requests.IdIn(slot) : fight.dice.Evil();
  fight.channel.control()->cancelled[slot].store(id);
  std::array<char, 512> bytes{};
  const size_t count = fight.dice.OneIn(8) ? bytes.size() : 1;
  static_cast<void>(
      ::send(fight.channel.socket.get(), bytes.data(), count, MSG_DONTWAIT | MSG_NOSIGNAL));
}

/// The bell belongs to both: its flags, its count.
void PlayWithBell(Fight& fight) {
  const int bell = fight.channel.bell.get();
  const bool blocks = fight.dice.OneIn(2);
  ::fcntl(bell, F_SETFL, blocks ? 0 : O_NONBLOCK);
  ::fcntl(fight.channel.socket.get(), F_SETFL, blocks ? 0 : O_NONBLOCK);
  ::fcntl(bell, F_SETFL, O_NONBLOCK);
  uint64_t value = 0;
  static_cast<void>(!::read(bell, &value, sizeof value));
  value = 0xffff'ffff'ffff'fffe;
  if (fight.dice.OneIn(2)) static_cast<void>(!::write(bell, &value, sizeof value));
  if (fight.dice.OneIn(2)) static_cast<void>(!::read(bell, &value, sizeof value));
  if (blocks) ::fcntl(bell, F_SETFL, 0);
  Submit(fight, /*is_honest=*/true);
}

void HalfClose(Fight& fight) {
  ::shutdown(fight.channel.socket.get(), fight.dice.OneIn(2) ? SHUT_RD : SHUT_WR);
}

/// One way to fight: a step, and what a second thread writes meanwhile.
struct Plan {
  void (*step)(Fight& fight);
  void (*race)(Requests& requests, Dice& dice);
  bool takes_answers;
  bool is_wild;
};

constexpr std::array<Plan, 12> kPlans = {{
    {[](Fight& f) { Submit(f, false); }, nullptr, true, false},
    {[](Fight& f) { Submit(f, true); }, [](Requests& r, Dice& d) { r.RaceFields(d); }, true, false},
    {[](Fight& f) { Submit(f, true); }, [](Requests& r, Dice& d) { r.RaceData(d); }, true, false},
    {[](Fight& f) { Submit(f, f.dice.OneIn(2)); }, [](Requests& r, Dice& d) { r.RaceFields(d); },
     true, false},
    {[](Fight& f) { Submit(f, true); }, [](Requests& r, Dice& d) { r.RaceEntries(d); }, true,
     false},
    {[](Fight& f) { Submit(f, true); }, nullptr, false, false},
    {[](Fight& f) { f.dice.OneIn(16) ? Lie(f) : Submit(f, true); }, nullptr, true, false},
    {[](Fight& f) { f.dice.OneIn(8) ? Release(f) : Submit(f, true); }, nullptr, true, false},
    {[](Fight& f) { f.dice.OneIn(2) ? Cancel(f) : Submit(f, true); }, nullptr, true, false},
    {PlayWithBell, nullptr, true, false},
    {[](Fight& f) { f.dice.OneIn(64) ? HalfClose(f) : Submit(f, true); }, nullptr, true, false},
    {[](Fight& f) { Submit(f, true); }, [](Requests& r, Dice& d) { r.RaceEverything(d); }, true,
     true},
}};

}  // namespace

void Attack(RawChannel& channel, Dice& dice, Figures& figures, double seconds) {
  const Plan& plan = dice.Of(kPlans);
  Fight fight{.channel = channel,
              .dice = dice,
              .figures = figures,
              .requests = Requests(channel, dice),
              .is_wild = plan.is_wild};
  std::atomic<bool> is_over = false;
  std::thread racer([&, racing = Dice(dice.Next())]() mutable {
    while (plan.race != nullptr && !is_over.load(std::memory_order_relaxed)) {
      plan.race(fight.requests, racing);
    }
  });
  const uint64_t end = mlos::MonotonicNanos() + static_cast<uint64_t>(seconds * 1e9);
  // Some wait for answers, so that the host sleeps and wakes; some never let it.
  const bool rests = dice.OneIn(2);
  for (uint64_t turn = 0; mlos::MonotonicNanos() < end && channel.IsOpen(); turn++) {
    plan.step(fight);
    if (plan.takes_answers) TakeAnswers(fight);
    if (rests && turn % 32 == 31) ::usleep(200);
  }
  if (!channel.IsOpen()) figures.closed++;
  is_over = true;
  racer.join();
  LookForForeignData(fight);
}

}  // namespace hostile
