/** What is to be brought here. */
export interface PullSource {
  /** As axon reads it: `hf/owner/name@revision`. */
  readonly source: string;
  /** Which of a repository's variants, such as Q4_K_M; null: axon's choice. */
  readonly variant: string | null;
  /** The id that it gets; null: that of the source. */
  readonly as: string | null;
}

/** How far one file is. */
export interface PulledFile {
  readonly name: string;
  /** `sha256:<hex>` where the source states one. */
  readonly digest: string | null;
  readonly size: number | null;
  readonly bytes: number;
}

/** A model that lies on this host now. */
export interface Pulled {
  readonly id: string;
  readonly path: string;
}

export interface Pull {
  /** Errors: those of the source and the disk, CANCELLED after `stop`. */
  readonly done: Promise<Pulled>;
  /** Idempotent. What was not whole is not visible. */
  stop(): void;
}

/** Brings models to this host. */
export interface Puller {
  /** Throws TOO_MANY_REQUESTS, PERMISSION_DENIED where nobody may. */
  start(source: PullSource, onFile: (file: PulledFile) => void): Pull;
}
