#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

/// Stands in for libFuzzer where there is no clang: runs the corpus, then random mutations of it
/// for so many seconds. Blind (nothing tells it what code was reached), so it only finds what is
/// shallow.
///
///     plain_driver CORPUS SECONDS [SEED]

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Input = std::vector<uint8_t>;

std::vector<Input> ReadCorpus(const std::string& folder) {
  std::vector<Input> inputs;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

void Mutate(Input& input, std::mt19937_64& random) {
  constexpr uint64_t kEdges[] = {0, 1, 64, 255, 256, 65536, UINT32_MAX, INT64_MAX, UINT64_MAX};
  for (uint64_t n = 1 + random() % 4; n > 0 && !input.empty(); --n) {
    const size_t at = random() % input.size();
    switch (random() % 4) {
      case 0:
        input[at] ^= static_cast<uint8_t>(1U << (random() % 8));
        break;
      case 1:
        input.resize(random() % 8 == 0 ? at : input.size() + random() % 160);
        break;
      default:
        // A number of 1, 2, 4 or 8 bytes.
        const uint64_t value = kEdges[random() % std::size(kEdges)];
        const size_t width = size_t{1} << (random() % 4);
        for (size_t i = 0; i < width && at / width * width + i < input.size(); ++i) {
          input[at / width * width + i] = static_cast<uint8_t>(value >> (8 * i));
        }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::vector<Input> corpus = ReadCorpus(argv[1]);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(argv[2]));
  const uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : std::random_device()();
  std::printf("%zu files, seed %llu\n", corpus.size(), static_cast<unsigned long long>(seed));
  std::fflush(stdout);  // the seed has to be known after a crash
  for (const Input& input : corpus) LLVMFuzzerTestOneInput(input.data(), input.size());
  std::mt19937_64 random(seed);
  uint64_t runs = corpus.size();
  while (!corpus.empty() && std::chrono::steady_clock::now() < end) {
    for (int i = 0; i < 1000; ++i, ++runs) {
      Input input = corpus[random() % corpus.size()];
      Mutate(input, random);
      LLVMFuzzerTestOneInput(input.data(), input.size());
    }
  }
  std::printf("%llu runs\n", static_cast<unsigned long long>(runs));
  return corpus.empty() ? 1 : 0;
}
