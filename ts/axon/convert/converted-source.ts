import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Manifest, ManifestFile } from '../../protocol/manifest.ts';
import { formatModelId } from '../../protocol/model-id.ts';
import type { Context } from '../context.ts';
import { isSideFile } from '../formats/file-kinds.ts';
import { copyFiles } from '../hubs/file/copy-files.ts';
import type { Description, FileSource, HubFile, Pin } from '../hubs/hub.ts';
import { type Installed, readManifestText } from '../store/catalog.ts';
import type { ConversionPlan } from './plan.ts';
import type { Environment } from './prepare-environment.ts';
import { type Comparison, runConverter } from './run-converter.ts';

export interface ConvertedModel {
  readonly installed: Installed;
  readonly manifest: Manifest;
  readonly plan: ConversionPlan;
  readonly environment: Environment;
  readonly limitMs: number;
}

/** What a conversion makes, as a source like a hub's: the ONNX file, and the side files of the original. */
export class ConvertedSource implements FileSource {
  readonly kind = 'files';
  readonly pin: Pin;
  readonly #model: ConvertedModel;
  readonly #context: Context;
  #comparison: Comparison | null = null;

  constructor(model: ConvertedModel, context: Context) {
    const text = readManifestText(model.installed.dir);
    const sha256 = createHash('sha256').update(text).digest('hex');
    this.pin = {
      hub: 'convert',
      id: formatModelId(model.installed.id),
      revision: `sha256:${sha256}`,
      url: null,
    };
    this.#model = model;
    this.#context = context;
  }

  /** Converts; what is left of an attempt that failed is removed at once. */
  async plan(work: string): Promise<readonly HubFile[]> {
    const { plan, environment, installed, manifest, limitMs } = this.#model;
    const folder = workFolder(work);
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder, { recursive: true });
    const run = (manifest.spec.format.execution_files ?? []).map((file) => file.path);
    try {
      const job = { plan, environment, source: installed.dir, run, work: folder, limitMs };
      this.#comparison = await runConverter(job, this.#context);
    } catch (error) {
      fs.rmSync(folder, { recursive: true, force: true });
      throw error;
    }
    const made = fs.readdirSync(path.join(folder, 'out'));
    const kept = this.#sideFiles().filter((file) => !made.includes(file.path));
    return [
      ...made.map((name) => ({ path: name, size: sizeOf(path.join(folder, 'out', name)) })),
      ...kept.map(({ path: name, size }) => ({ path: name, size })),
    ].map((file) => ({ ...file, expected: null }));
  }

  #sideFiles(): readonly ManifestFile[] {
    return this.#model.manifest.spec.format.files.filter((file) => isSideFile(file.path));
  }

  async fetch(files: readonly HubFile[], into: string, work: string): Promise<ManifestFile[]> {
    const side = new Set(this.#sideFiles().map((file) => file.path));
    const out = path.join(workFolder(work), 'out');
    const made = files.filter(
      (file) => !side.has(file.path) || fs.existsSync(path.join(out, file.path)),
    );
    const rest = files.filter((file) => !made.includes(file));
    const copied = [
      ...(await copyFiles(out, made, into, this.#context)),
      ...(await copyFiles(this.#model.installed.dir, rest, into, this.#context)),
    ];
    fs.rmSync(workFolder(work), { recursive: true, force: true });
    return copied;
  }

  describe(): Description {
    const { metadata } = this.#model.manifest;
    const { route } = this.#model.plan;
    return {
      ...(metadata.description === undefined ? {} : { description: metadata.description }),
      ...(metadata.license === undefined ? {} : { license: metadata.license }),
      ...(metadata.homepage === undefined ? {} : { homepage: metadata.homepage }),
      ...(metadata.tags === undefined ? {} : { tags: metadata.tags }),
      ...(this.#comparison === null
        ? {}
        : { conversion: { from: this.pin.id, route, ...this.#comparison } }),
    };
  }
}

function workFolder(work: string): string {
  return path.join(work, 'conversion');
}

function sizeOf(file: string): number {
  return fs.statSync(file).size;
}
