/**
 * The bounds that MLOS enforces, in one place. A number is here because something outside could make
 * it grow without end; the sentence beside it says why it is this large. None stands here unused.
 */
const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

export const limits = {
  /** Largest HTTP body in bytes. A 224×224×3 picture as JSON numbers is about 3 MB; a batch of 16 fits. */
  httpBodyBytes: 64 * MiB,
  /** All unfinished bodies of a door together: many slow uploads must not fill the memory. */
  httpBodiesBytes: 512 * MiB,
  /** Nesting of a JSON body. A rank-16 tensor inside `inputs` needs 18. */
  jsonDepth: 32,
  /** Request head in bytes, as nginx and Envoy bound it. */
  httpHeaderBytes: 16 * KiB,
  /** A client that has not sent its head by then is cut, in ms (slow-loris). */
  httpHeadersTimeoutMs: 5_000,
  /** Idle time within a request or between two on one connection, in ms. */
  httpIdleTimeoutMs: 10_000,
  /** A body must end within that long, in ms, or bring so many bytes each time: 16 KiB/s. */
  httpBodyStallMs: 8_000,
  httpBodyProgressBytes: 128 * KiB,
  /** Simultaneous connections per door; beyond it new ones are refused. */
  connectionsPerDoor: 1_024,

  /** One frame on the IPC socket, tensors inline included, in bytes. */
  ipcFrameBytes: 64 * MiB,
  /** All unfinished frames of the IPC door together: many half frames must not fill the memory. */
  ipcPartialFramesBytes: 512 * MiB,
  /** A frame that has begun must end within that long, in ms, or bring so many bytes each time. */
  ipcStallMs: 8_000,
  ipcProgressBytes: 128 * KiB,
  /** Nesting of a msgpack value. */
  msgpackDepth: 32,
  /** Values in one msgpack frame (an array of a million numbers belongs in a `bin`). */
  msgpackNodes: 1_000_000,
  /** Requests of one connection that may be under way at once. */
  ipcInFlight: 256,
  /** Bytes of answers that may wait for a slow IPC reader before the connection is closed. */
  ipcOutboundBytes: 256 * MiB,
  /** Descriptors beside one frame, as the kernel's message and ours are made. */
  ipcFrameDescriptors: 16,
  /** Descriptors of requests under way that the door holds; the kernel allows a process some thousands. */
  ipcHeldDescriptors: 1_024,
  /** One memfd that comes with a request, in bytes: it is read at once, and the daemon waits for it. */
  ipcMemfdBytes: 256 * MiB,
  /** An answer with descriptors waits that long for room in the socket of a slow reader, in ms. */
  ipcDescriptorSendMs: 10_000,

  /** One gRPC message in bytes, inflated where it was compressed. */
  grpcMessageBytes: 64 * MiB,
  /** Those that are arriving, over all connections: many half messages must not fill the memory. */
  grpcPartialMessagesBytes: 512 * MiB,
  /** The messages of all gRPC calls under way. */
  grpcMessagesBytes: 512 * MiB,
  /** What becomes an object when a message is decoded: two bytes of the wire may ask for a hundred. */
  grpcMessageValues: 1_000_000,
  /** Calls of one connection that may be under way at once. */
  grpcStreams: 128,
  /** Requests of one stream that may be under way at once. */
  grpcStreamInFlight: 64,
  /** A connection without a call, and a call whose message does not come, are cut after that long, in ms. */
  grpcIdleMs: 8_000,
  /** Unless its connection brought that many bytes meanwhile: a large message over a slow line. */
  grpcProgressBytes: 1 * MiB,

  /** Regions of shared memory that outside clients register; each is an open descriptor. */
  sharedRegions: 256,
  /** All of them in bytes. */
  sharedRegionsBytes: 4 * GiB,
  /** Inputs of one request in them: they are copied at once, and the daemon waits for it. */
  sharedInputBytes: 256 * MiB,

  /** Tensor rank; ONNX operators stop far below. */
  tensorRank: 16,
  /** Models that run one after the other as one. */
  pipelineSteps: 64,
  /** The id of a sequence, in bytes of UTF-8. */
  sequenceIdBytes: 128,
  /** Elements of one tensor. */
  tensorElements: 2 ** 40,
  /** Tensors in one request. */
  tensorsPerRequest: 256,
  /** Length of a tensor name in UTF-16 units; exporters make names of some hundred characters. */
  tensorNameLength: 1_024,

  /** The texts of one request of a task together, in UTF-16 code units: some hundred thousand words. */
  taskTextLength: 2 * MiB,
  /**
   * What a tokenizer that runs on a plugin's loop reads at once, in the same units: the slow ones take a second
   * for it, in which the plugin answers nobody, heart-beats neither.
   */
  tokenizerTextLength: 256 * KiB,
  /** Texts, pictures, labels and the like in one request of a task. */
  taskItems: 2_048,
  /** Requests of tasks that one plugin process works on at once; what is more is refused. */
  tasksUnderWay: 1_024,
  /** One text of a model's tokens, in tokens. */
  generatedTokens: 1_048_576,
  /** Texts that one model writes at once; others wait for their turn. */
  generationsAtOnce: 8,
  /** Texts that one model writes, and those that wait. */
  generationsUnderWay: 256,
  /** Tokens of a prompt and what follows it, whatever the model says of itself. */
  generationContextTokens: 1_048_576,
  /** Keys and values of all texts that one model writes, in bytes. */
  generationStateBytes: 4 * GiB,
  /** Tokens that an encoder reads for a decoder, where the package names no smaller number. */
  encoderTokens: 4_096,
  /** Tokens of prompt and answer of a GGUF model: memory for as many is taken when it is loaded. */
  ggufContextTokens: 8_192,
  /** A chat template must write a conversation within that long, in ms: it is a program that came with a model. */
  templateMs: 2_000,
  /** They are forgotten so long after the last token. */
  generationIdleMs: 10_000,
  /** Logits of the tokens that one run reads, in bytes: so long may its part of a prompt be. */
  generationLogitsBytes: 32 * MiB,
  /** Pixels of one picture: those of most cameras, and 192 MiB when it is decoded. */
  imagePixels: 64 * MiB,
  /** Pixels of one picture when it has the size that the model's processor gives it: each has three float32. */
  processedPixels: 16 * MiB,
  /** Pictures of a request that run together at most. */
  imagesAtOnce: 32,
  /** A picture must be decoded within that long, in s: files can be made that take hours. */
  imageDecodeSeconds: 30,
  /** Pictures that one plugin process holds decoded at once, and recordings; others wait. */
  mediaAtOnce: 2,
  /** Pixels of a segmented picture times labels: each has a float32, computed on the plugin's own loop. */
  segmentationValues: 64 * MiB,
  /** Length of a recording in s, its samples per second and its channels. */
  audioSeconds: 1_800,
  audioLeastSampleRate: 1_000,
  audioSampleRate: 192_000,
  audioChannels: 8,
  /** Of what a WAV file says of its format: 40, and the coefficients of some. */
  wavFormatBytes: 2_048,
  /** What a model listens to at once, in s: memory of attention grows with the square. */
  audioSpanSeconds: 60,
  /** Messages of one conversation. */
  taskMessages: 4_096,
  /** Length of a model id. */
  modelIdLength: 256,
  /** Registered models; `core.max_models` may lower it. */
  models: 100_000,
  /** Registered plugins. */
  plugins: 64,
  /** One registry record in bytes, so that a hostile signature cannot bloat the store. */
  registryRecordBytes: 1 * MiB,
  /** Requests that wait for one plugin process; beyond it the answer is TOO_MANY_REQUESTS. */
  pluginQueue: 1_024,
  /** Bytes of tensors that wait for one plugin process. */
  pluginQueueBytes: 1 * GiB,
  /** Memory of one channel's inputs, and of its outputs, in bytes: at most. */
  channelArenaBytes: 1 * GiB,
  /** Channels of all apps together, and those of one user. */
  channels: 1_024,
  channelsPerUser: 256,
  /** Memory of all of them in bytes; a quarter of the host's memory where that is less. */
  channelsBytes: 4 * GiB,
  /** A client must have mapped its channel and said so by then, in ms. */
  channelActivateMs: 10_000,

  /** Text of one reason or message kept in the registry. */
  reasonLength: 2_000,

  /** manifest.yaml in bytes: 10,000 files with names of usual length. */
  manifestBytes: 4 * MiB,
  /** What is larger has to be JSON, which is YAML too: readers of the rest are slow, quadratic in places. */
  manifestYamlBytes: 64 * KiB,
  /** Keys in a manifest, all levels together: as YAML, and as JSON. */
  manifestYamlKeys: 1_000,
  /** Files whose manifest is still written as YAML. */
  manifestYamlFiles: 128,
  manifestKeys: 100_000,
  /** A manifest's signature in bytes; one has some 300. */
  signatureBytes: 4 * KiB,
  /** A file of class names in bytes; the largest of public data sets have some 20,000 names. */
  labelsBytes: 4 * MiB,
  /** Nesting of a manifest. */
  manifestDepth: 16,
  /** Files in one package. */
  packageFiles: 10_000,
  /** Folders above a file of a package: each level of each name is remembered when twins are looked for. */
  packageDepth: 64,
  /** Entries of one archive, folders too; an archive may hold more than what is taken from it. */
  archiveEntries: 100_000,
  /** Extended headers of one tar entry in bytes: names are at most 1024 characters. */
  tarExtensionBytes: 64 * KiB,
  /** Models, and packages of its plugin, that one model may ask for. */
  modelDependencies: 64,
  packageDependencies: 64,
  /** Redirects followed by one download; the longest chain of a hub has three. */
  redirects: 10,
  /** One chunk of an upload in bytes: held in memory while its sha256 is compared. */
  uploadChunkBytes: 8 * MiB,
  /** Uploads that are begun and not finished. */
  uploads: 16,
  /** What an unfinished upload has sent, and uploaded files that no model uses, are kept so long, in ms. */
  uploadExpiryMs: 24 * 3_600_000,
  /** What uploads leave free on the disk of the data folder, in bytes: the registry needs to write. */
  uploadDiskReserveBytes: 256 * MiB,

  /** Models that clients have brought here from hubs at one time. */
  pulls: 2,
  /** What the program that brings them answers, and one of its events, in characters: thousands of file names. */
  pullAnswerLength: 8 * MiB,
  pullLineLength: 64 * KiB,
  /** It gets this long to end before it is killed, in ms. */
  pullStopMs: 5_000,

  /** A plugin process must have said hello by then, in ms. */
  pluginStartMs: 10_000,
  /** A model that nobody asks is kept at most so long, in ms, unless it is kept for good: ten years. */
  keepAliveMs: 10 * 365 * 24 * 3_600_000,
  /** Loading one model, in ms: gigabytes from a slow disk. */
  modelLoadMs: 300_000,
  /** Heart-beat period in ms, and how many may be missed before the process is killed. */
  heartbeatMs: 1_000,
  heartbeatMisses: 3,
  /** After a stop request a plugin gets this long before SIGKILL, in ms. */
  pluginStopMs: 2_000,
  /** First and largest pause before a crashed plugin is started again, in ms. */
  backoffMinMs: 250,
  backoffMaxMs: 30_000,
  /** A plugin that has run this long without a crash starts again at the first pause. */
  backoffResetMs: 60_000,
  /** Crashes without a success in between that open the circuit breaker. */
  circuitCrashes: 5,
  /** Default and largest deadline of one inference, in ms. */
  inferenceDefaultMs: 60_000,
  inferenceMaxMs: 3_600_000,
  /** First and largest pause before an attached client asks for its model again, in ms. */
  reattachMinMs: 20,
  reattachMaxMs: 1_000,
  /** What the shared memory of an attached client grows to, unless it says otherwise, in bytes. */
  arenaGrowthBytes: 1 * GiB,
  /** Traces of requests on the disk in bytes; with the last byte tracing switches itself off. */
  traceBytes: 1 * GiB,
  /** Bytes of traces that wait for the disk; what comes beyond is left out, and counted. */
  tracePendingBytes: 64 * MiB,
  /** Models that may have trace settings of their own. */
  tracedModels: 1_024,
  /** SIGTERM waits this long for accepted requests, in ms. */
  drainMs: 10_000,
} as const;
