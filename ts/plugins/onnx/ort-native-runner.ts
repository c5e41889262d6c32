import { ortLibrary } from './ort-package.ts';
import type { Runner } from './runner.ts';

/** ONNX Runtime's C ABI, on threads of the engine. */
export const ortNativeRunner: Runner = {
  async open(engine, file, session, model) {
    const added = await engine.addOnnxModel(file, { ...session, library: ortLibrary() }, model);
    return { added, onLoop: false, release: () => Promise.resolve() };
  },
};
