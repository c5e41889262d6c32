import type { AddedModel, Engine, EngineModelOptions } from '../../native/engine.ts';
import type { SessionSettings } from './session-options.ts';

/** One model in the engine. */
export interface EngineModel {
  readonly added: AddedModel;
  /** Its runs hold up this process's event loop. */
  readonly onLoop: boolean;
  /** Frees what the engine does not own; called once the engine has let go of the model. */
  release(): Promise<void>;
}

/** What executes ONNX models; the plugin does not know how. */
export interface Runner {
  /** Errors: MODEL_LOAD_FAILED, INVALID_ARGUMENT; UNIMPLEMENTED where it cannot run this model, or none here. */
  open(
    engine: Engine,
    file: string,
    session: SessionSettings,
    model: EngineModelOptions,
  ): Promise<EngineModel>;
}
