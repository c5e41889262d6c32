import type { Conversion, Manifest, ManifestFile } from '../../protocol/manifest.ts';
import type { ModelId } from '../../protocol/model-id.ts';
import type { Context } from '../context.ts';
import type { ExpectedHash } from '../download/options.ts';

/*
 * The one interface between axon and the places where models come from:
 *   parse → resolve → plan → fetch → describe
 * `parse` knows what a text means without asking anyone; `resolve` pins it to something immutable;
 * `plan` lists the files with size and hash; `fetch` brings those chosen; `describe` says what the
 * source states about the model. A hub never decides which files are taken, nor where they end up.
 */
export interface Hub {
  /** The first is the canonical one; specs are `<name>/…` except where `claims` says otherwise. */
  readonly names: readonly string[];
  readonly example: string;
  /** Whether a text without a hub's name before it is for this hub (paths, URLs). */
  claims?(text: string, cwd: string): boolean;
  /** `text` is the spec without the hub's name and slash; for claimed texts the whole. */
  parse(text: string, context: Context): HubSpec;
  /** Models that the hub finds for the words, best first; absent where the hub cannot be searched. */
  search?(
    words: string,
    limit: number,
    context: Context,
    place: string,
  ): Promise<readonly SearchHit[]>;
  /** What stands behind the name in `--hub <name>/<…>`, where a search has to be told which one is asked. */
  readonly searchedAt?: string;
  /** Of a hub without `search`: why, and what works instead. */
  readonly noSearch?: string;
}

export interface SearchHit {
  /** What `axon install` takes. */
  readonly spec: string;
  readonly description?: string;
  readonly license?: string;
  readonly downloads?: number;
}

export interface HubSpec {
  /** How the model is called here unless --as says otherwise. */
  readonly id: ModelId;
  /** The same text for the same thing asked for: compared with what is installed. */
  readonly origin: { readonly hub: string; readonly id: string };
  /** How it is noted where the text itself has secrets in it. */
  readonly noted?: string;
  resolve(context: Context): Promise<Source>;
}

/** What a spec was pinned to: loose files, or a finished `.axon` package. */
export type Source = FileSource | PackageSource;

export interface Pin {
  readonly hub: string;
  readonly id: string;
  /** Immutable name of what comes; null where the source has none. */
  readonly revision: string | null;
  readonly url: string | null;
}

export interface FileSource {
  readonly kind: 'files';
  readonly pin: Pin;
  /** `work` is a folder that survives an interruption and may be used for parts. */
  plan(work: string): Promise<readonly HubFile[]>;
  /** Puts the files below `into`, names as planned, every hash checked. */
  fetch(files: readonly HubFile[], into: string, work: string): Promise<readonly ManifestFile[]>;
  /** Called after plan. */
  describe(): Description;
}

/** A package that somebody made: its manifest says what it is called and what must be in it. */
export interface PackageSource {
  readonly kind: 'package';
  readonly pin: Pin;
  /** Whether its bytes are compared with a hash that its source states, or lie on this machine already. */
  readonly isProven: boolean;
  /** The text of manifest.yaml, where it is known without the files; else null. */
  manifest?(): Promise<string | null>;
  /** The same from the beginning of its archive, unchecked: for those who only want to show it. */
  peek?(): Promise<string>;
  /**
   * Puts the files into the empty folder `into`, each of them as the manifest states it, and the manifest
   * itself with its signature, byte for byte. What `stored` gives need not come from the source.
   */
  unpack(
    into: string,
    work: string,
    stored: TakeStored | null,
  ): Promise<{ readonly manifest: Manifest; readonly text: string }>;
}

/** Puts a content at `dest`, checked, if the store has it; says whether it did. */
export type TakeStored = (
  content: Pick<ManifestFile, 'sha256' | 'size'>,
  dest: string,
) => Promise<boolean>;

export interface HubFile {
  readonly path: string;
  readonly size: number | null;
  readonly expected: ExpectedHash | null;
  /** Of a file in an archive that came before: what it was then. */
  readonly known?: Pick<ManifestFile, 'sha256' | 'verified_by'>;
}

/** What the source states; absent is absent. */
export interface Description {
  readonly description?: string;
  readonly license?: string;
  readonly homepage?: string;
  readonly tags?: readonly string[];
  /** What it is for, such as fill-mask, and what it is made with, such as transformers. */
  readonly task?: string;
  readonly library?: string;
  /** Of a model that axon made itself from another one. */
  readonly conversion?: Conversion;
  readonly documentation?: string;
  readonly authors?: readonly { readonly name: string }[];
  /** RFC 3339, of the source: when the model was made and last changed there. */
  readonly created?: string;
  readonly updated?: string;
}
